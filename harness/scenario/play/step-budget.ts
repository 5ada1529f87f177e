import { StepsEnded } from '../judge/ending.ts';
import type { Step } from '../language/schema.ts';
import { MOST_STEPS, TOO_MANY_STEPS } from '../language/step-count.ts';

/** Number of times that a step is written to the event log. Its further times are only counted. */
const MOST_LOGGED = 100;

/** Counts the steps that a run carries out. Throws when there are too many. */
export class StepBudget {
  #carriedOut = 0;
  readonly #times = new Map<Step, number>();

  /** Counts one more execution. `last`: the log says that it is the last one that is logged. */
  take(step: Step): { readonly logged: boolean; readonly last: boolean } {
    if (++this.#carriedOut > MOST_STEPS)
      throw new StepsEnded('limit', `${step.text} (line ${step.line}): ${TOO_MANY_STEPS}`);
    const times = (this.#times.get(step) ?? 0) + 1;
    this.#times.set(step, times);
    return { logged: times <= MOST_LOGGED, last: times === MOST_LOGGED };
  }
}

export const lastLogged = (step: Step): string =>
  `${step.text}: carried out ${MOST_LOGGED} times; further times are counted and not logged`;
