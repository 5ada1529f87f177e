import { parentPort } from 'node:worker_threads';
import type { Op } from '../history/op.ts';
import type { CasFail } from './steps.ts';
import { judgeKey, type KeyLimits, type KeyVerdict } from './key.ts';

/** One key to judge, and the answer: the verdict with the time it took, or what went wrong. */
export interface KeyHistory {
  readonly key: string;
  readonly ops: readonly Op[];
  readonly casFail: CasFail | undefined;
}
export type KeyRequest = KeyLimits & KeyHistory;
export type KeyAnswer =
  | { readonly type: 'judged'; readonly verdict: KeyVerdict; readonly tookMs: number }
  | { readonly type: 'failed'; readonly message: string };

parentPort?.on('message', (request: KeyRequest) => {
  parentPort?.postMessage(answer(request));
});

function answer(request: KeyRequest): KeyAnswer {
  const start = performance.now();
  try {
    const verdict = judgeKey(request, request);
    return { type: 'judged', verdict, tookMs: performance.now() - start };
  } catch (error) {
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
