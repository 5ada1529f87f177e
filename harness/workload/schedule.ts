/** Maximum delay of a slot, in ms. Slots that are older are dropped, so that no burst follows a stall. */
const MAX_LATE_MS = 20;

/**
 * Start times of operations: one slot every 1/rate seconds, for any free client. The rate is even and open-loop as long
 * as there are free clients. While all clients wait for answers, slots are not used, so the load is below the rate.
 * Latencies count from the invocation of an operation, not from its slot.
 */
export interface Schedule {
  /** Takes a due slot; returns false if none is due. */
  take(now: number): boolean;
  /** Time until the next slot is due, in ms; 0 if one is due now. */
  waitMs(now: number): number;
  /** Gives a slot back, because its operation did no work (its node does not lead, or does not run). */
  giveBack(): void;
}

/** If `ratePerSecond` is null, a slot is always due. Times are in ms, with any origin. */
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
    // If the slot is late by more than the limit, the missed slots are dropped, and the next ones count from now.
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
