import { minimise, type Window } from './minimise.ts';
import { search } from './portfolio.ts';
import type { Problem, SearchLimits, SearchResult } from './problem.ts';
import { registerMachine } from './register-machine.ts';
import type { RegisterSteps } from './register-steps.ts';

/** What a search came to: the order, the small window that has none, or how far it got. Steps are rows. */
export type KeySearchResult =
  | { readonly verdict: 'linearizable'; readonly order: Int32Array }
  | ({ readonly verdict: 'violation' } & Window)
  | Extract<SearchResult, { verdict: 'unknown' }>;

/** At most so, if nothing else is said. */
const MINIMISE_MS = 2_000;

export interface JudgeLimits extends SearchLimits {
  /** What showing a violation in few operations may take after the search; within the deadline where it is absent. */
  readonly minimiseMs?: number;
}

/** Judges a register's steps by search. */
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
