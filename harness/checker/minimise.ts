import type { Step } from './steps.ts';
import { type SearchLimits, search } from './wgl.ts';

export interface Window {
  /** Not linearizable by themselves, and what is not among them has no part in that. */
  readonly steps: readonly Step[];
  readonly prefix: readonly Step[];
  readonly stuck: Step;
  readonly state: Step['from'];
}

/** One search of a shrunk window may not take longer than this; then the window stays as it was. */
const TRIAL_MS = 200;

/**
 * A small window of a history that is known to have no order: first the shortest prefix in time, then steps
 * left out in ever smaller runs, as long as what is left still has no order, and not because of what was left
 * out (`isClosed`). Greedy: small, not smallest. `window` must come from a search that ended in `violation`.
 */
export function minimise(window: Window, limits: SearchLimits): Window {
  let best = shortestPrefix(window, limits);
  for (let run = best.steps.length >> 1; run >= 1; run >>= 1) {
    for (let at = best.steps.length - run; at >= 0; at -= run) {
      const shorter = [...best.steps.slice(0, at), ...best.steps.slice(at + run)];
      if (isClosed(shorter, best.steps)) best = stillFails(shorter, limits) ?? best;
    }
  }
  return best;
}

/** By bisection: a prefix of a history without an order may have one, never the other way round. */
function shortestPrefix(window: Window, limits: SearchLimits): Window {
  const ends = window.steps.filter((step) => step.certain).map((step) => step.ret);
  ends.sort((a, b) => a - b);
  let best = window;
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const fails = stillFails(prefixAt(window.steps, ends[middle]!), limits);
    if (fails === null) {
      low = middle + 1;
    } else {
      best = fails;
      high = middle;
    }
  }
  // The pending steps were judged as unknown; with their own ends they only constrain more.
  const kept = new Set(best.steps.map((step) => step.op));
  return { ...best, steps: window.steps.filter((step) => kept.has(step.op)) };
}

/** The history as it stood at a time: what had not ended is unknown, and an unknown read says nothing. */
function prefixAt(steps: readonly Step[], end: number): Step[] {
  return steps.flatMap((step) => {
    if (step.ret <= end) return [step];
    if (step.call > end || step.kind === 'read' || step.kind === 'differs' || step.kind === 'impossible')
      return [];
    return [{ ...step, ret: Infinity, certain: false }];
  });
}

function stillFails(steps: readonly Step[], limits: SearchLimits): Window | null {
  if (performance.now() > limits.deadline) return null;
  const deadline = Math.min(limits.deadline, performance.now() + TRIAL_MS);
  const result = search(steps, { ...limits, deadline });
  return result.verdict === 'violation' ? { ...result, steps } : null;
}

/**
 * Whether leaving out the others cannot have made the contradiction. Leaving out reads never does. Of a step
 * that leaves a value it does not either, if nobody in the window depends on that value: take an order of the
 * whole, strike the step, and it is an order still, for what comes between it and the next value would have
 * shown this one. A failed CAS that does not say what it found depends on every value; a value with appends
 * behind it, on all that it contains.
 */
function isClosed(steps: readonly Step[], whole: readonly Step[]): boolean {
  const kept = new Set(steps.map((step) => step.op));
  const gone = new Set(whole.flatMap((step) => (kept.has(step.op) || step.to === null ? [] : [step.to])));
  if (gone.size === 0) return true;
  if (steps.some((step) => step.kind === 'differs')) return false;
  const shown = steps.flatMap((step) =>
    (step.kind === 'read' || step.kind === 'cas') && step.from !== null ? [step.from] : [],
  );
  if (!whole.some((step) => step.kind === 'append')) return shown.every((value) => !gone.has(value));
  return shown.every((value) => ![...gone].some((to) => value.includes(to)));
}
