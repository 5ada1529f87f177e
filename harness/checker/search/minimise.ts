import { NATURE } from './machine.ts';
import { search } from './portfolio.ts';
import type { Problem, SearchLimits, SearchResult } from './problem.ts';

/** Steps that have no order by themselves; steps outside of them have no part in that. */
export interface Window {
  readonly steps: Int32Array;
  /** The longest order of them that was found, and the step that had to come next and could not. */
  readonly prefix: readonly number[];
  readonly stuck: number;
}

/** One search of a shrunk window may not take longer than this; then the window stays as it was. */
const TRIAL_MS = 200;

/**
 * A small window of a problem that is known to have no order: first the shortest prefix in time, then steps left out in
 * ever smaller runs, as long as what is left still has no order, and not because of what was left out
 * (`Machine.safeToDrop`). Greedy: small, not smallest. When the time is up it stays as small as it got.
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

/** By bisection: a prefix of a history without an order may have one, never the other way round. */
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

/** The problem at a certain time: steps that had not returned are unknown, and unknown reads are left out. */
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
