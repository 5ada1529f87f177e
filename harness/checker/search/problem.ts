import type { Machine } from './machine.ts';
import { sortByKey } from '../stable-sort.ts';

/** Input of a search. Steps are named by their numbers in the machine, here and in results. */
export interface Problem {
  readonly machine: Machine;
  /** The steps to put in order, by time of call. */
  readonly steps: Int32Array;
  /** By step: time of its call. `ret` has the time of its return, or `Infinity` if the outcome is unknown. */
  readonly call: Float64Array;
  readonly ret: Float64Array;
  /** By step: 1 if it took effect, 0 if it may take effect at any time after `call`, or never. */
  readonly certain: Uint8Array;
}

export interface SearchLimits {
  /** Time limit, on the clock of `performance.now`. */
  readonly deadline: number;
  readonly memoryBytes: number;
}

export type SearchResult =
  | { readonly verdict: 'linearizable'; readonly order: readonly number[] }
  /** `prefix` is the longest order that was found; `stuck` is the step that had to come next but could not. */
  | { readonly verdict: 'violation'; readonly prefix: readonly number[]; readonly stuck: number }
  | { readonly verdict: 'unknown'; readonly limit: 'time' | 'memory'; readonly reach: Reach };

/** Progress of a search. */
export interface Reach {
  /** Number of steps with a known outcome, and number of them that could be ordered. */
  readonly ordered: number;
  readonly certain: number;
  /** The step that had to come next; null if none was tried. */
  readonly at: number | null;
  /** Number of open steps around it, and of steps with an unknown outcome that could still take effect. */
  readonly open: number;
  readonly unknown: number;
  /** Number of configurations that were examined, or kept at the same time. */
  readonly configurations: number;
}

/** A search that can be interrupted and continued. */
export interface Search {
  /** Continues until about this time, on the clock of `performance.now`. Returns null if there is no result yet. */
  run(until: number): Exclude<SearchResult, { verdict: 'unknown' }> | 'memory' | null;
  reach(): Reach;
}

/**
 * Calls and returns in order of time. At equal times calls come first, because the steps are concurrent. A call is 2 ×
 * the position of the step in `steps`, and its return is one more. A step with an unknown outcome has no return.
 */
export function eventsOf({ steps, call, ret, certain }: Problem): Int32Array {
  const times = new Float64Array(2 * steps.length);
  const events = new Int32Array(2 * steps.length);
  let size = 0;
  for (let place = 0; place < steps.length; place++) {
    times[2 * place] = call[steps[place]!]!;
    events[size++] = 2 * place;
  }
  for (let place = 0; place < steps.length; place++) {
    if (certain[steps[place]!] === 0) continue;
    times[2 * place + 1] = ret[steps[place]!]!;
    events[size++] = 2 * place + 1;
  }
  // The sort is stable, so calls stay before returns.
  return sortByKey(events.subarray(0, size), times);
}
