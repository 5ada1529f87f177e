import type { RaftConfig } from './ready.ts';

/**
 * Lease reads (dissertation 6.4.1): a server that hears the leader promises to take part in no election for the
 * shortest election timeout. So, from the moment at which a heartbeat round left that a quorum has answered, no other
 * server can lead for that time, by the clocks of the promising servers, and the leader may read without asking again.
 *
 * This relies on clocks, as nothing else here does: on all servers they must run at the same rate, within
 * `maxClockDrift`, and must not stand still while a server does (a suspended or migrated virtual machine).
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

  /** Round `context` leaves now, or later. */
  asked(context: number, nowMs: number): void {
    while (this.#rounds.length > 0 && this.#rounds[0]!.sentMs + this.#lastsMs <= nowMs) this.#rounds.shift();
    this.#rounds.push({ context, sentMs: nowMs });
  }

  /** A quorum has answered round `context`, and with it all before. */
  confirmed(context: number): void {
    while (this.#rounds.length > 0 && this.#rounds[0]!.context <= context)
      this.#untilMs = this.#rounds.shift()!.sentMs + this.#lastsMs;
  }

  /**
   * TimeoutNow makes voters break their promises, whenever it arrives, so there are no more lease reads in this term.
   */
  end(): void {
    this.#ended = true;
  }
}
