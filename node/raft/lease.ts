import type { RaftConfig } from './ready.ts';

/**
 * Lease reads (dissertation 6.4.1): a server that hears the leader promises to take part in no election for the
 * shortest election timeout. If a quorum has answered a heartbeat round, no other server can lead during that time,
 * counted from the moment at which the round was sent. So the leader may read without asking again.
 *
 * Only this feature relies on clocks: on all servers they must run at the same rate, within `maxClockDrift`, and must
 * not stop while a server does (a suspended or migrated virtual machine).
 */
export class Lease {
  readonly #lastsMs: number;
  /** Heartbeat rounds that can still prove something, ascending. */
  readonly #rounds: { readonly context: number; readonly sentMs: number }[] = [];
  #untilMs = -Infinity;
  #ended = false;

  constructor({ electionTimeoutMinMs }: RaftConfig, maxClockDrift: number) {
    this.#lastsMs = electionTimeoutMinMs * (1 - maxClockDrift);
  }

  holds(nowMs: number): boolean {
    return !this.#ended && nowMs < this.#untilMs;
  }

  /** Call it before round `context` is sent. */
  asked(context: number, nowMs: number): void {
    while (this.#rounds.length > 0 && this.#rounds[0]!.sentMs + this.#lastsMs <= nowMs) this.#rounds.shift();
    this.#rounds.push({ context, sentMs: nowMs });
  }

  /** Call it when a quorum has answered round `context`. This also answers all earlier rounds. */
  confirmed(context: number): void {
    while (this.#rounds.length > 0 && this.#rounds[0]!.context <= context)
      this.#untilMs = this.#rounds.shift()!.sentMs + this.#lastsMs;
  }

  /**
   * Ends the lease reads of this term. TimeoutNow makes voters break their promises, and may arrive at any time.
   */
  end(): void {
    this.#ended = true;
  }
}
