import { NATURE } from './machine.ts';
import { search } from './portfolio.ts';
import type { Problem, SearchLimits, SearchResult } from './problem.ts';

/** Steps that have no order by themselves, independently of all other steps. */
export interface Window {
  readonly steps: Int32Array;
  /** The longest order of the steps that was found, and the step that had to come next but could not. */
  readonly prefix: readonly number[];
  readonly stuck: number;
}

/** Maximum time of one search of a smaller window, in ms; if it takes longer, the window is not reduced. */
const TRIAL_MS = 200;

/**
 * A small window of a problem that is known to have no order. First it takes the shortest prefix in time. Then it
 * leaves out groups of steps, of decreasing size, as long as the rest still has no order for another reason than the
 * left-out steps (`Machine.safeToDrop`). It is greedy, so the window is small but not always the smallest. When the
 * time is up, it returns the smallest one so far.
 */
export function minimise(problem: Problem, found: Window, limits: SearchLimits): Window {
  let best = shortestPrefix(problem, found, limits);
  for (let run = best.steps.length >> 1; run >= 1; run >>= 1) {
    for (let at = best.steps.length - run; at >= 0; at -= run) {
      if (performance.now() > limits.deadline) return best;
      const gone = best.steps.subarray(at, at + run);
      const steps = best.steps.filter((_, i) => i < at || i >= at + run);
      if (problem.machine.safeToDrop(gone, steps)) best = stillFails(among(problem, steps), limits) ?? best;
    }
  }
  return best;
}

/** Finds the prefix by bisection: if a prefix has no order, no longer prefix has one. */
function shortestPrefix(problem: Problem, found: Window, limits: SearchLimits): Window {
  const { steps, certain, ret } = problem;
  const ends = Float64Array.from(
    steps.filter((step) => certain[step] === 1),
    (step) => ret[step]!,
  ).sort();
  let best = found;
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const fails = stillFails(prefixAt(problem, ends[middle]!), limits);
    if (fails === null) {
      low = middle + 1;
    } else {
      best = fails;
      high = middle;
    }
  }
  return best;
}

/** The problem as known at the time `end`: steps that had not returned are unknown, and unknown reads are left out. */
function prefixAt(problem: Problem, end: number): Problem {
  const { steps, call, machine } = problem;
  const ret = problem.ret.slice();
  const certain = problem.certain.slice();
  for (const step of steps) {
    if (ret[step]! <= end) continue;
    ret[step] = Infinity;
    certain[step] = 0;
  }
  const isOpen = (step: number): boolean => call[step]! <= end && machine.nature[step] !== NATURE.reads;
  const left = steps.filter((step) => ret[step]! <= end || isOpen(step));
  return among({ ...problem, ret, certain }, left);
}

const among = (problem: Problem, steps: Int32Array): Problem => ({
  ...problem,
  steps,
  machine: problem.machine.among?.(steps) ?? problem.machine,
});

function stillFails(problem: Problem, limits: SearchLimits): Window | null {
  const deadline = Math.min(limits.deadline, performance.now() + TRIAL_MS);
  const result: SearchResult = search(problem, { ...limits, deadline });
  return result.verdict === 'violation'
    ? { steps: problem.steps, prefix: result.prefix, stuck: result.stuck }
    : null;
}
