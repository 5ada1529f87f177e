import type { Timers } from '../../workload/timers.ts';

/** Longer than any virtual delay may be; a longer one is a mistake. */
const MAX_DELAY_MS = 3_600_000;
/** So late, at most, is it noticed that an assertion broke behind a promise. */
const EVENTS_PER_TURN = 32;

interface Event {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | null;
}

/**
 * Virtual time: nothing happens but what was scheduled, in order of time, and of scheduling where times are equal.
 * After each event all promises that it settled have run, so that promises are as deterministic as callbacks.
 */
export class VirtualTime implements Timers {
  /** A binary heap: no event is earlier than its parent at `(i - 1) >> 1`. */
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #scheduled = 0;
  #events = 0;

  now(): number {
    return this.#nowMs;
  }

  /** How many events have run. */
  get events(): number {
    return this.#events;
  }

  after(ms: number, action: () => void): () => void {
    if (!(ms >= 0 && ms <= MAX_DELAY_MS)) throw new Error(`a delay of ${ms} ms`);
    const event: Event = { atMs: this.#nowMs + ms, order: this.#scheduled++, action };
    this.#push(event);
    return () => {
      event.action = null;
    };
  }

  /** Runs what is due within the next `ms`; ends early, before the next event, once `until` holds. */
  async run(ms: number, until: () => boolean = () => false): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (!until()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs) {
        this.#nowMs = endMs;
        return;
      }
      this.#pop();
      if (next.action === null) continue;
      this.#nowMs = next.atMs;
      this.#events++;
      next.action();
      await (this.#events % EVENTS_PER_TURN === 0 ? turnEnds() : promisesRun());
    }
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

/** Every promise that is settled, and what hangs on it, is done by then. Costs a tenth of a turn of the event loop. */
const promisesRun = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Also rejections that nobody handles have been told of by then: only a whole turn shows that nobody does. */
const turnEnds = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
