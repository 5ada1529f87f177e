import { Worker } from 'node:worker_threads';
import { monotonicMs } from '../clock.ts';
import { withinAwake } from '../stall.ts';
import type { Op } from '../history/op.ts';
import { readBack } from '../history/read-back.ts';
import { Listeners } from '../listeners.ts';
import type { FromWorker, ToWorker, WorkerInput } from './messages.ts';
import type { Workload, WorkloadEvent } from '../ports/workload.ts';

const START_WITHIN_MS = 10_000;
const YOUNG_GENERATION_MB = 24;
/** Maximum time for closing the history after the drain, in ms. */
const CLOSE_WITHIN_MS = 20_000;
/** Maximum time from the closed history until the thread ends by itself, in ms; after that it is terminated. */
const EXIT_WITHIN_MS = 500;

/** Port `Workload`: the clients run in a separate thread and write the history there. */
export function threadedWorkload(options: WorkerInput): Workload {
  return new ThreadedWorkload(options);
}

class ThreadedWorkload implements Workload {
  readonly #input: WorkerInput;
  readonly #listeners = new Listeners<WorkloadEvent>();
  readonly #started = Promise.withResolvers<void>();
  /** Resolves with the size of the history, in bytes. */
  readonly #finished = Promise.withResolvers<number>();
  readonly #exited = Promise.withResolvers<void>();
  #worker: Worker | null = null;
  #stopping: Promise<readonly Op[]> | null = null;
  #isFinished = false;

  constructor(input: WorkerInput) {
    this.#input = input;
    // Handlers are attached so that an early rejection is not unhandled; a later `await` still receives it.
    this.#started.promise.catch(() => {});
    this.#finished.promise.catch(() => {});
  }

  subscribe(listener: (event: WorkloadEvent) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  async start(): Promise<void> {
    if (this.#worker !== null) throw new Error('the workload has already been started');
    if (this.#stopping !== null) throw new Error('the workload has already been stopped');
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#input,
      execArgv: [],
      // Without a limit, V8 lets the young generation grow until the thread needs 150 MB.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      name: 'workload',
    });
    this.#worker.on('message', (message: FromWorker) => this.#hear(message));
    this.#worker.on('error', (error) => this.#broken(`the workload's thread failed: ${describe(error)}`));
    this.#worker.on('exit', (code) => {
      if (!this.#isFinished) this.#broken(`the workload's thread ended unexpectedly with code ${code}`);
      this.#exited.resolve();
    });
    await bounded(this.#started.promise, START_WITHIN_MS, 'the workload did not start');
  }

  stop(): Promise<readonly Op[]> {
    this.#stopping ??= this.#stop(this.#input.plan.timeoutMs);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Does not wait for open operations, but still closes the history properly.
    this.#stopping ??= this.#stop(0);
    await this.#stopping.catch(() => {});
    await this.#worker?.terminate();
  }

  async #stop(drainMs: number): Promise<readonly Op[]> {
    const worker = this.#worker;
    if (worker === null) return [];
    worker.postMessage({ type: 'stop', drainMs } satisfies ToWorker);
    const { historyPath } = this.#input;
    let bytes: number;
    try {
      const late = 'the workload did not close its history';
      bytes = await bounded(this.#finished.promise, drainMs + CLOSE_WITHIN_MS, late);
      // The thread now ends by itself. It gets time for that, because V8 sometimes crashes when a thread is terminated.
      await bounded(this.#exited.promise, EXIT_WITHIN_MS, 'it does not end').catch(() => {});
    } catch (error) {
      // The thread has ended; the file has everything that it wrote.
      return await readBack(historyPath).catch(() => {
        throw error;
      });
    } finally {
      await worker.terminate();
    }
    return await readBack(historyPath, bytes);
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'started':
        return this.#started.resolve();
      case 'finished':
        this.#isFinished = true;
        return this.#finished.resolve(message.historyBytes);
      case 'window':
      case 'op':
      case 'checked':
      case 'violation':
      case 'unchecked':
      case 'broken':
        return this.#listeners.emit(message);
      default:
        return message satisfies never;
    }
  }

  /** Handles a thread that has failed or has ended unexpectedly. */
  #broken(message: string): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#listeners.emit({ type: 'broken', t: monotonicMs() - this.#input.originMs, message });
    this.#started.reject(new Error(message));
    this.#finished.reject(new Error(message));
  }
}

/** The promise's value. Rejects after `ms`, not counting time in which the harness stood still. */
const bounded = <T>(promise: Promise<T>, ms: number, complaint: string): Promise<T> =>
  withinAwake(promise, ms, () => {
    throw new Error(`${complaint} within ${ms} ms`);
  });

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));
