import { parentPort } from 'node:worker_threads';
import { type KeyHistory, type KeyLimits, type KeyVerdict, judgeKey } from './key.ts';

/** A key to judge, and the answer: the verdict with the time it took, or what went wrong. */
export interface KeyRequest extends KeyLimits {
  readonly history: KeyHistory;
}
export type KeyAnswer =
  | { readonly type: 'judged'; readonly verdict: KeyVerdict; readonly tookMs: number }
  | { readonly type: 'failed'; readonly message: string };

parentPort?.on('message', (request: KeyRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer(request: KeyRequest): KeyAnswer {
  const start = performance.now();
  try {
    const verdict = judgeKey(request.history, request);
    return { type: 'judged', verdict, tookMs: performance.now() - start };
  } catch (error) {
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
