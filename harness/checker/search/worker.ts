import { parentPort } from 'node:worker_threads';
import { judgeSteps, type Judgement } from './judge-steps.ts';
import type { RegisterSteps } from './register-steps.ts';

/** What to search, and the answer, or what went wrong. */
export interface SearchRequest {
  readonly columns: RegisterSteps;
  /** On the clock of all threads: `performance.timeOrigin + performance.now()`. */
  readonly deadline: number;
  readonly memoryBytes: number;
}
export type SearchAnswer = { readonly judgement: Judgement } | { readonly error: string };

parentPort?.on('message', (request: SearchRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer({ columns, deadline, memoryBytes }: SearchRequest): SearchAnswer {
  try {
    return { judgement: judgeSteps(columns, { deadline: deadline - performance.timeOrigin, memoryBytes }) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
