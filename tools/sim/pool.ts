import { Worker } from 'node:worker_threads';
import type { Simulated } from '../../harness/stage/sim/storm/simulate.ts';
import type { Answer, WorkerData } from './worker.ts';

export interface PoolOptions {
  readonly firstSeed: number;
  readonly count: number;
  /** Number of threads. Each simulates one cluster at a time. */
  readonly threads: number;
  /** URL of a module that exports `parts: SimParts`. */
  readonly parts: URL;
  readonly onSimulated?: (simulated: Simulated) => void;
}

export interface Failure {
  readonly seed: number;
  readonly error: string;
}

/**
 * Simulates `count` clusters with consecutive seeds from `firstSeed`. It starts no more clusters after the first
 * failure, and resolves to the failure with the lowest seed, or to null if there was none. Rejects if a thread ends.
 */
export async function simulateAll(options: PoolOptions): Promise<Failure | null> {
  const { firstSeed, count, threads, parts, onSimulated } = options;
  let next = firstSeed;
  const failures: Failure[] = [];
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { parts: parts.href } satisfies WorkerData,
    });
    try {
      while (failures.length === 0 && next < firstSeed + count) {
        const answer = await ask(worker, next++);
        if (answer.ok) onSimulated?.(answer.simulated);
        else failures.push({ seed: answer.seed, error: answer.error });
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, count) }, work));
  return failures.toSorted((a, b) => a.seed - b.seed)[0] ?? null;
}

function ask(worker: Worker, seed: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const onExit = (code: number): void =>
    reject(new Error(`the simulation's thread ended (${code}), seed ${seed}`));
  worker.once('message', resolve).once('error', reject).once('exit', onExit);
  worker.postMessage(seed);
  return promise.finally(() => worker.off('message', resolve).off('error', reject).off('exit', onExit));
}
