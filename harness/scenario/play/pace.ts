import type { Clock } from '../../clock.ts';
import { stoppedMs } from '../../stall.ts';
import { Pulse } from './watch.ts';

/**
 * Clock of the scenario: it starts with the first step and can be held, and a wait on it can be skipped. It stands
 * still while the harness does, so that the load and the faults get the time that the scenario gives them.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #pulse = new Pulse();
  #startedAt: number | null = null;
  #heldSince: number | null = null;
  #heldMs = 0;
  /** True if a person asked for the next step and no wait has been skipped for that yet. */
  #skip = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get held(): boolean {
    return this.#heldSince !== null;
  }

  start(): void {
    this.#startedAt = this.#clock.now();
    if (this.held) this.#heldSince = this.#startedAt;
  }

  /**
   * Time since the first step in ms, without the time that the clock was held or the harness stood still; 0 before the
   * first step.
   */
  now(): number {
    if (this.#startedAt === null) return 0;
    return this.#ranMs(this.#startedAt, this.#heldSince ?? this.#clock.now()) - this.#heldMs;
  }

  #ranMs(from: number, to: number): number {
    return to - from - stoppedMs(this.#clock.stalls(), from, to);
  }

  hold(held: boolean): void {
    if (held === this.held) return;
    if (held) this.#heldSince = this.#clock.now();
    else {
      if (this.#startedAt !== null) this.#heldMs += this.#ranMs(this.#heldSince!, this.#clock.now());
      this.#heldSince = null;
    }
    this.#pulse.beat(this.#clock.now());
  }

  /** Ends the current wait. While the clock is held, lets one step begin. */
  next(): void {
    this.#skip = true;
    this.#pulse.beat(this.#clock.now());
  }
  takeSkip(): boolean {
    const skip = this.#skip;
    this.#skip = false;
    return skip;
  }

  /** Returns when the clock is not held, or when one step may begin. */
  async gate(signal: AbortSignal): Promise<void> {
    while (this.held && !this.takeSkip()) await this.#pulse.next(this.#clock, HELD_LOOK_MS, signal);
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.until(this.now() + ms, signal);
  }

  /** Returns when the scenario's clock has reached `offsetMs`, or when the wait is skipped. */
  async until(offsetMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const left = offsetMs - this.now();
      if (left <= 0 || this.takeSkip()) return;
      await this.#pulse.next(this.#clock, this.held ? HELD_LOOK_MS : left, signal);
    }
  }
}

/**
 * Time between two checks while the clock is held, in ms. It may be long, because nothing is due then and a beat ends
 * the wait at once.
 */
const HELD_LOOK_MS = 60_000;
