import { Worker } from 'node:worker_threads';
import { type KeyHistory, type KeyVerdict, unknown } from './key.ts';
import type { KeyAnswer, KeyRequest } from './worker.ts';

/** A worker that holds its thread past its limit is ended this long after it. */
const GRACE_MS = 5_000;

/** The worker thread, started at the first key and again after one that it did not survive. */
export class JudgeThread {
  readonly #memoryMb: number;
  readonly #signal: AbortSignal | undefined;
  #worker: Worker | null = null;

  constructor(options: { readonly memoryMb?: number; readonly signal?: AbortSignal }) {
    this.#memoryMb = options.memoryMb ?? 512;
    this.#signal = options.signal;
  }

  async judge(history: KeyHistory, deadline: number): Promise<KeyVerdict> {
    const limitMs = deadline - performance.now();
    if (limitMs <= 0) return unknown('the time limit was reached before it could be searched');
    if (this.#signal?.aborted === true) return unknown('cancelled before it was searched');
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const request: KeyRequest = { history, limitMs, memoryBytes: this.#memoryMb * 1_048_576 };
    const { promise, resolve } = Promise.withResolvers<KeyAnswer>();
    const giveUp = (reason: string): void => {
      this.#worker = null;
      void worker.terminate();
      resolve(failed(reason));
    };
    const onAbort = (): void => giveUp('cancelled while it was judged');
    const onError = (error: Error): void => giveUp(`the checker failed: ${error.message}`);
    const onExit = (): void => giveUp('the checker ended before it had an answer');
    const timer = setTimeout(
      () => giveUp('the time limit was reached while it was judged'),
      limitMs + GRACE_MS,
    );
    worker.once('message', resolve).once('error', onError).once('exit', onExit);
    this.#signal?.addEventListener('abort', onAbort);
    try {
      worker.postMessage(request);
      const answer = await promise;
      return answer.type === 'judged' ? answer.verdict : unknown(answer.message);
    } catch (error) {
      return unknown(`the operations could not be handed to the checker: ${String(error)}`);
    } finally {
      clearTimeout(timer);
      this.#signal?.removeEventListener('abort', onAbort);
      worker.off('message', resolve).off('error', onError).off('exit', onExit);
    }
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'checker',
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryMb + 256 },
    });
    // One that is being ended may still report an error when nobody waits for an answer any more.
    worker.on('error', () => {});
    return worker;
  }
}

const failed = (message: string): KeyAnswer => ({ type: 'failed', message });
