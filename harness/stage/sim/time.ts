import type { Clock } from '../../clock.ts';
import type { Stall } from '../../stall.ts';
import type { Timers } from '../../workload/timers.ts';

/** Maximum virtual delay, in ms; a longer one is a mistake. */
const MAX_DELAY_MS = 3_600_000;
/**
 * Maximum virtual time without a `sleep` of the played work, in ms. After that, the work waits for something that
 * cannot happen.
 */
const MAX_SLEEPLESS_MS = 600_000;
/** Yield to the event loop after this many events, so that rejected promises surface. */
const EVENTS_PER_TURN = 32;
/** One of this many calls of `turn` is a real turn of the event loop. */
const CALLS_PER_TURN = 64;
const NO_STALLS: readonly Stall[] = [];

interface Event {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | null;
}

/**
 * Virtual time: only scheduled events happen, in order of time, and in order of scheduling if the times are equal.
 * After each event all promises that it settled have run, so that promises are as deterministic as callbacks.
 */
export class VirtualTime implements Clock, Timers {
  /** A binary heap: no event is earlier than its parent at `(i - 1) >> 1`. */
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #scheduled = 0;
  #events = 0;
  /** Number of calls of `sleep` that have not ended. */
  #sleepers = 0;
  /** Number of calls of `turn`. */
  #turns = 0;
  /** Number of calls of `still` that have not ended; `#moving` resolves when the last of them ends. */
  #standing = 0;
  #moving = Promise.withResolvers<void>();

  now(): number {
    return this.#nowMs;
  }

  /** Number of events that have run. */
  get events(): number {
    return this.#events;
  }

  after(ms: number, action: () => void): () => void {
    if (!(ms >= 0 && ms <= MAX_DELAY_MS)) throw new Error(`a delay of ${ms} ms`);
    return this.#schedule(ms, action);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      this.#sleepers++;
      const end = (settle: () => void): void => {
        this.#sleepers--;
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const cancel = this.#schedule(Math.max(0, ms), () => end(resolve));
      const onAbort = (): void => {
        cancel();
        end(() => reject(signal!.reason as Error));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Stops all events under `play` until the work is done. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    if (this.#standing++ === 0) this.#moving = Promise.withResolvers();
    try {
      return await work();
    } finally {
      if (--this.#standing === 0) this.#moving.resolve();
    }
  }

  /** Virtual time has no input of its own, but an occasional real turn of the event loop lets signals arrive. */
  async turn(): Promise<void> {
    if (++this.#turns % CALLS_PER_TURN === 0) await this.still(turnEnds);
  }

  /** Always empty: if the process stands still, so does the virtual clock, and no part misses time. */
  stalls(): readonly Stall[] {
    return NO_STALLS;
  }

  /**
   * Runs events until the work is done. Rejects with the error of an event, and if the work waits for something that
   * cannot happen any more: no event is left, or the work has not slept for a long time.
   */
  async play<T>(work: () => Promise<T>): Promise<T> {
    const working = work();
    const progress = { done: false };
    const settle = (): void => void (progress.done = true);
    const settled = working.then(settle, settle);
    let sleptAtMs = this.#nowMs;
    await promisesRun();
    while (!progress.done) {
      if (this.#standing > 0) {
        await Promise.race([this.#moving.promise, settled]);
        await promisesRun();
        continue;
      }
      if (this.#sleepers > 0) sleptAtMs = this.#nowMs;
      const stuck = this.#nowMs - sleptAtMs > MAX_SLEEPLESS_MS;
      if (!stuck && (await this.#step(Infinity))) continue;
      await turnEnds();
      if (!progress.done && this.#standing === 0)
        throw new Error(
          `deadlock at ${this.#nowMs.toFixed(3)} ms of virtual time: the work is not done, and it waits for something that cannot happen any more`,
        );
    }
    return await working;
  }

  /**
   * Runs the events that are due within the next `ms`; ends early, before the next event, as soon as `until` returns
   * true.
   */
  async run(ms: number, until: () => boolean = () => false): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (!until()) {
      if (await this.#step(endMs)) continue;
      this.#nowMs = endMs;
      return;
    }
  }

  /** Runs the next event and its promises if it is due by `endMs`. Returns false if no event is. */
  async #step(endMs: number): Promise<boolean> {
    let next = this.#heap[0];
    while (next !== undefined && next.action === null && next.atMs <= endMs) {
      this.#pop();
      next = this.#heap[0];
    }
    if (next === undefined || next.atMs > endMs) return false;
    this.#pop();
    this.#nowMs = next.atMs;
    this.#events++;
    next.action!();
    await (this.#events % EVENTS_PER_TURN === 0 ? turnEnds() : promisesRun());
    return true;
  }

  #schedule(ms: number, action: () => void): () => void {
    const now = this.#nowMs;
    // A wait for a future moment must not be lost because of a rounded sum.
    const atMs = ms > 0 ? Math.max(now + ms, now + now * Number.EPSILON) : now;
    const event: Event = { atMs, order: this.#scheduled++, action };
    this.#push(event);
    return () => {
      event.action = null;
    };
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(event);
    for (
      let parent = (hole - 1) >> 1;
      hole > 0 && comesFirst(event, heap[parent]!);
      parent = (hole - 1) >> 1
    ) {
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const moved = heap.pop()!;
    if (heap.length === 0) return;
    let hole = 0;
    for (let child = 1; child < heap.length; child = 2 * hole + 1) {
      const sibling = heap[child + 1];
      if (sibling !== undefined && comesFirst(sibling, heap[child]!)) child++;
      if (comesFirst(moved, heap[child]!)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = moved;
  }
}

const comesFirst = (a: Event, b: Event): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Resolves after every settled promise and its callbacks have run. Costs a tenth of a turn of the event loop. */
const promisesRun = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/**
 * Resolves after unhandled rejections were reported, too: only a whole turn of the event loop shows that no handler
 * exists.
 */
const turnEnds = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
