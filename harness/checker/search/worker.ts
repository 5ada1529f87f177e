import { parentPort } from 'node:worker_threads';
import { searchSteps, type KeySearchResult } from './search-steps.ts';
import type { RegisterSteps } from './register-steps.ts';

/** Messages: the problem, and the answer or the error. */
export interface SearchRequest {
  readonly columns: RegisterSteps;
  /** Time limit, on a clock that all threads share: `performance.timeOrigin + performance.now()`. */
  readonly deadline: number;
  readonly memoryBytes: number;
}
export type SearchAnswer = { readonly judgement: KeySearchResult } | { readonly error: string };

parentPort?.on('message', (request: SearchRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer({ columns, deadline, memoryBytes }: SearchRequest): SearchAnswer {
  try {
    return { judgement: searchSteps(columns, { deadline: deadline - performance.timeOrigin, memoryBytes }) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
