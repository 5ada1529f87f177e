import { minimise, type Window } from './minimise.ts';
import { search } from './portfolio.ts';
import type { Problem, SearchLimits, SearchResult } from './problem.ts';
import { registerMachine } from './register-machine.ts';
import type { RegisterSteps } from './register-steps.ts';

/** Result of a search: the order, a small window that has none, or the progress. Steps are rows. */
export type KeySearchResult =
  | { readonly verdict: 'linearizable'; readonly order: Int32Array }
  | ({ readonly verdict: 'violation' } & Window)
  | Extract<SearchResult, { verdict: 'unknown' }>;

/** Default maximum time for reducing a violation, in ms. */
const MINIMISE_MS = 2_000;

export interface JudgeLimits extends SearchLimits {
  /**
   * Maximum time for reducing a violation to few operations after the search, in ms; if absent, only the deadline
   * counts.
   */
  readonly minimiseMs?: number;
}

/** Checks the steps of a register by search. */
export function searchSteps(columns: RegisterSteps, limits: JudgeLimits): KeySearchResult {
  const machine = registerMachine(columns);
  const { call, ret, certain } = columns;
  return searchProblem({ machine, steps: machine.steps, call, ret, certain }, limits);
}

export function searchProblem(problem: Problem, limits: JudgeLimits): KeySearchResult {
  const result = search(problem, limits);
  if (result.verdict === 'unknown') return result;
  if (result.verdict === 'linearizable')
    return { verdict: 'linearizable', order: Int32Array.from(result.order) };
  const now = performance.now();
  const deadline =
    limits.minimiseMs === undefined ? Math.min(limits.deadline, now + MINIMISE_MS) : now + limits.minimiseMs;
  const found = { steps: problem.steps, prefix: result.prefix, stuck: result.stuck };
  return { verdict: 'violation', ...minimise(problem, found, { ...limits, deadline }) };
}
