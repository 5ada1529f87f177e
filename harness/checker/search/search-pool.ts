import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { KeySearchResult } from './search-steps.ts';
import type { RegisterSteps } from './register-steps.ts';
import type { SearchAnswer, SearchRequest } from './worker.ts';

export interface PoolOptions {
  /** Time limit of all searches together, on the clock of `performance.now`. */
  readonly deadline: number;
  /** Time after the deadline until a worker that has not ended is terminated, in ms. */
  readonly graceMs: number;
  /** Memory of all searches together. */
  readonly memoryBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Memory of a thread besides that of its search, in bytes: its heap and code. */
const THREAD_BYTES = 16 * 1_048_576;
/**
 * Limit of the young generation of a thread, in MiB. Searches mostly use arrays; without the limit, their few objects
 * would take three times as much before they are collected.
 */
const YOUNG_MIB = 6;
const MIN_SEARCH_BYTES = 8 * 1_048_576;
const BYTES_A_MIB = 1_048_576;

export interface PoolAnswer {
  /** The result, or (`none`) the reason why there is no result. */
  readonly judgement: KeySearchResult | { readonly verdict: 'none'; readonly reason: string };
  readonly tookMs: number;
}

/**
 * Runs searches in worker threads, one per processor at a time, in the order of the list. It never rejects: any failure
 * of a thread ends its search without a result.
 */
export async function searchAll(
  searches: readonly RegisterSteps[],
  options: PoolOptions,
): Promise<readonly PoolAnswer[]> {
  const threads = Math.min(availableParallelism(), searches.length);
  const memoryBytes = Math.max(MIN_SEARCH_BYTES, options.memoryBytes / threads - THREAD_BYTES);
  const answers: PoolAnswer[] = [];
  let next = 0;
  const takeTurns = async (): Promise<void> => {
    let thread: SearchThread | null = null;
    try {
      for (let i = next++; i < searches.length; i = next++) {
        if (thread === null || thread.isOver) thread = new SearchThread(memoryBytes);
        const began = performance.now();
        const judgement = await thread.search(searches[i]!, options);
        answers[i] = { judgement, tookMs: performance.now() - began };
      }
    } finally {
      await thread?.end();
    }
  };
  await Promise.all(Array.from({ length: threads }, takeTurns));
  return answers;
}

/** A worker thread that runs one search after another. */
class SearchThread {
  readonly #memoryBytes: number;
  readonly #worker: Worker;
  isOver = false;

  constructor(memoryBytes: number) {
    this.#memoryBytes = memoryBytes;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      name: 'checker',
      resourceLimits: {
        maxOldGenerationSizeMb: Math.ceil(memoryBytes / BYTES_A_MIB) + 64,
        maxYoungGenerationSizeMb: YOUNG_MIB,
      },
    });
    // A thread that is being terminated may still report an error, when its answer is not needed any more.
    this.#worker.on('error', () => {});
  }

  async search(
    columns: RegisterSteps,
    { deadline, graceMs, signal }: PoolOptions,
  ): Promise<PoolAnswer['judgement']> {
    if (signal?.aborted === true) return none('cancelled before it was searched');
    const left = deadline - performance.now();
    if (left <= 0) return none('the time limit was reached before it could be searched');
    const worker = this.#worker;
    const { promise, resolve } = Promise.withResolvers<PoolAnswer['judgement']>();
    const giveUp = (reason: string): void => {
      this.isOver = true;
      resolve(none(reason));
    };
    const onAbort = (): void => giveUp('cancelled while it was searched');
    const onError = (error: Error): void => giveUp(`the checker failed: ${error.message}`);
    const onExit = (): void => giveUp('the checker ended before it had an answer');
    const onMessage = (answer: SearchAnswer): void =>
      resolve('error' in answer ? none(`the checker failed: ${answer.error}`) : answer.judgement);
    const timer = setTimeout(
      () => giveUp('the time limit was reached while it was searched'),
      left + graceMs,
    );
    worker.once('message', onMessage).once('error', onError).once('exit', onExit);
    signal?.addEventListener('abort', onAbort);
    try {
      const request: SearchRequest = {
        columns,
        deadline: performance.timeOrigin + deadline,
        memoryBytes: this.#memoryBytes,
      };
      worker.postMessage(request);
      return await promise;
    } catch (error) {
      return none(`the operations could not be sent to the checker: ${String(error)}`);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      if (this.isOver) await worker.terminate();
    }
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.#worker.terminate();
  }
}

const none = (reason: string): PoolAnswer['judgement'] => ({ verdict: 'none', reason });
