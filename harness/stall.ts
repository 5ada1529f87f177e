import { Listeners } from './listeners.ts';

/** A span of time in which this process stood still, on the clock of `monotonicMs` or of a run. */
export interface Stall {
  readonly from: number;
  readonly to: number;
}

/**
 * The machine's CLOCK_MONOTONIC in milliseconds (fractional); comparable over the processes and threads of one
 * machine.
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** Time between two beats, in ms. */
const BEAT_MS = 50;
/** Minimum delay of a beat that counts as a stall, in ms. Delays of a busy machine are usually shorter. */
const STALL_MS = 250;

/**
 * Notices that the process stood still (Ctrl-Z, SIGSTOP, a paused virtual machine, no processor time): a timer beats,
 * and a beat that comes far later than planned shows a stall.
 */
export class Heartbeat {
  readonly #now: () => number;
  readonly #stalls: Stall[] = [];
  readonly #listeners = new Listeners<Stall>();
  /** Latest moment at which the process is known to have run. */
  #ranAt: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(now: () => number = monotonicMs) {
    this.#now = now;
    this.#ranAt = now();
  }

  /** Starts the timer, which does not keep the process alive. Idempotent. */
  start(): void {
    if (this.#timer !== null) return;
    this.#ranAt = this.#now();
    this.#timer = setInterval(() => this.look(), BEAT_MS);
    this.#timer.unref();
  }

  /** All stalls so far, oldest first. A stall that no beat has shown yet is found now. */
  stalls(): readonly Stall[] {
    this.look();
    return this.#stalls;
  }

  /** Calls the listener with each stall from now on. Returns a function that ends this. */
  subscribe(listener: (stall: Stall) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  look(): void {
    const now = this.#now();
    const stall = { from: this.#ranAt, to: now };
    this.#ranAt = now;
    if (this.#timer === null || stall.to - stall.from < BEAT_MS + STALL_MS) return;
    this.#stalls.push(stall);
    this.#listeners.emit(stall);
  }
}

/** The heartbeat of this process (in a worker thread: of that thread). */
export const heartbeat = new Heartbeat();

/** Part of the time from `from` to `to` in which the process stood still, in ms. */
export function stoppedMs(stalls: readonly Stall[], from: number, to: number = Infinity): number {
  let sum = 0;
  // Callers usually ask about the latest stalls, so the search begins at the end.
  for (let i = stalls.length - 1; i >= 0 && stalls[i]!.to > from; i--)
    sum += Math.max(0, Math.min(stalls[i]!.to, to) - Math.max(stalls[i]!.from, from));
  return sum;
}

/**
 * Calls `action` after this process has run for `ms`. Time in which it stood still does not count. Returns a function
 * that cancels it.
 */
export function afterAwake(ms: number, action: () => void): () => void {
  heartbeat.start();
  const from = monotonicMs();
  let timer = setTimeout(look, ms);
  function look(): void {
    const left = from + ms + stoppedMs(heartbeat.stalls(), from) - monotonicMs();
    // A timer of Node.js may fire up to a millisecond too early.
    if (left < 1) action();
    else timer = setTimeout(look, left);
  }
  return () => clearTimeout(timer);
}

/**
 * Returns the value of the promise, or of `late()` after this process has run for `ms`. Before it calls `late`, it lets
 * the event loop read all data that has arrived, so that an answer that only waits to be read is not late.
 */
export async function withinAwake<T, L>(promise: Promise<T>, ms: number, late: () => L): Promise<T | L> {
  const { promise: expiry, resolve, reject } = Promise.withResolvers<L>();
  let ended = false;
  const expire = (): void => {
    if (ended) return;
    try {
      resolve(late());
    } catch (error) {
      reject(error);
    }
  };
  const cancel = afterAwake(ms, () => setImmediate(() => setImmediate(expire)));
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    ended = true;
    cancel();
  }
}

/** Describes all stalls of a run, for messages; null if there were none. */
export const stallsText = (stalls: readonly Stall[] = []): string | null =>
  stalls.length === 0
    ? null
    : `${stopText(stoppedMs(stalls, -Infinity))}${stalls.length > 1 ? ` in all, ${stalls.length} times` : ''}`;

/** Describes a stall, for messages. */
export const stopText = (ms: number): string => `the harness was stopped for ${(ms / 1_000).toFixed(1)} s`;
