import type { Clock } from '../../clock.ts';
import { Pulse } from './watch.ts';

/** The scenario's own clock: it starts with the first step, can be held, and a wait on it can be skipped. */
export class Pace {
  readonly #clock: Clock;
  readonly #pulse = new Pulse();
  #startedAt: number | null = null;
  #heldSince: number | null = null;
  #heldMs = 0;
  /** `next` was asked for, and nothing has used it up yet. */
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

  /** Milliseconds since the first step, without the time held; 0 before it. */
  now(): number {
    if (this.#startedAt === null) return 0;
    return (this.#heldSince ?? this.#clock.now()) - this.#startedAt - this.#heldMs;
  }

  hold(held: boolean): void {
    if (held === this.held) return;
    if (held) this.#heldSince = this.#clock.now();
    else {
      if (this.#startedAt !== null) this.#heldMs += this.#clock.now() - this.#heldSince!;
      this.#heldSince = null;
    }
    this.#pulse.beat();
  }

  /** Ends the wait that goes on now; when held, lets one step begin. */
  next(): void {
    this.#skip = true;
    this.#pulse.beat();
  }
  takeSkip(): boolean {
    const skip = this.#skip;
    this.#skip = false;
    return skip;
  }

  /** Returns when the clock is not held, or one step is let through. */
  async gate(signal: AbortSignal): Promise<void> {
    while (this.held && !this.takeSkip()) await this.#pulse.next(this.#clock, HELD_LOOK_MS, signal);
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.until(this.now() + ms, signal);
  }

  /** Returns when the scenario's clock shows `offsetMs`, or the wait is skipped. */
  async until(offsetMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const left = offsetMs - this.now();
      if (left <= 0 || this.takeSkip()) return;
      await this.#pulse.next(this.#clock, this.held ? HELD_LOOK_MS : left, signal);
    }
  }
}

/** While held nothing is due; a beat ends the hold. */
const HELD_LOOK_MS = 60_000;
