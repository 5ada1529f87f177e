import type { Path } from './position.ts';
import type { Problem } from './problem.ts';

/**
 * Maximum number of steps that one run carries out. Each one is recorded and may be an expectation. A file that exceeds
 * it is refused; a `repeat` with `for` that exceeds it during a run ends the run inconclusive.
 */
export const MOST_STEPS = 200_000;

export const TOO_MANY_STEPS = `a run carries out at most ${MOST_STEPS} steps`;

/** The step with which the steps of a file become too many, `repeat: {times: …}` included. */
export function tooManySteps(steps: unknown): Problem[] {
  if (!Array.isArray(steps)) return [];
  let sum = 0;
  for (const [i, step] of steps.entries()) {
    sum += countStep(step);
    if (sum > MOST_STEPS)
      return [{ path: worstIn(step, ['steps', i]), part: 'key', what: TOO_MANY_STEPS, hint: hintFor(sum) }];
  }
  return [];
}

const hintFor = (sum: number): string =>
  Number.isSafeInteger(sum) ? `up to here there are ${sum}` : 'here there are far more';

function countSteps(steps: unknown): number {
  return Array.isArray(steps) ? steps.reduce<number>((sum, step) => sum + countStep(step), 0) : 0;
}

function countStep(step: unknown): number {
  if (Array.isArray(step)) return countSteps(step);
  const { parallel, repeat } = (step ?? {}) as { readonly parallel?: unknown; readonly repeat?: unknown };
  if (parallel !== undefined) return 1 + countSteps(parallel);
  if (typeof repeat !== 'object' || repeat === null) return 1;
  const { times, steps } = repeat as { readonly times?: unknown; readonly steps?: unknown };
  return 1 + (typeof times === 'number' ? Math.max(1, times) : 1) * countSteps(steps);
}

/** The outermost step that has too many by itself; else the step with which there are too many. */
const worstIn = (step: unknown, path: Path): Path => {
  const { repeat } = (step ?? {}) as { readonly repeat?: { readonly times?: unknown } | null };
  return typeof repeat?.times === 'number' ? [...path, 'repeat', 'times'] : path;
};
