/** Maximum delay of a slot, in ms. Later slots are dropped, so that no burst follows a stall. */
const MAX_LATE_MS = 20;

/**
 * Start times of operations: one slot every 1/rate seconds, for any client that is free. This keeps the rate even and
 * open-loop as far as free clients allow; while all clients wait for answers, slots pass unused, so the load falls
 * below the rate. Latencies count from an operation's own invocation, not from its slot.
 */
export interface Schedule {
  /** Takes a slot that is due; false: none is. */
  take(now: number): boolean;
  /** ms until the next slot is due; 0: one is. */
  waitMs(now: number): number;
  /** Gives a slot back: the operation turned out to do no work (its node does not lead, or is not there). */
  giveBack(): void;
}

/** `ratePerSecond` null: a slot is always due. Times in ms, any origin. */
export function schedule(ratePerSecond: number | null, startMs: number): Schedule {
  if (ratePerSecond === null) return { take: () => true, waitMs: () => 0, giveBack: () => {} };
  return new EvenSchedule(1_000 / ratePerSecond, startMs);
}

class EvenSchedule implements Schedule {
  readonly #intervalMs: number;
  #dueMs: number;

  constructor(intervalMs: number, startMs: number) {
    this.#intervalMs = intervalMs;
    this.#dueMs = startMs;
  }

  take(now: number): boolean {
    if (this.#dueMs > now) return false;
    // If it is late by more than the limit, the missed slots are dropped and the next ones count from now.
    this.#dueMs = Math.max(this.#dueMs, now - MAX_LATE_MS) + this.#intervalMs;
    return true;
  }

  waitMs(now: number): number {
    return Math.max(0, this.#dueMs - now);
  }

  giveBack(): void {
    this.#dueMs -= this.#intervalMs;
  }
}
