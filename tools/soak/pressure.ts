import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PressureInput, PressureReport } from './pressure-worker.ts';

/** Closed-loop clients in a separate thread, as fast as the nodes answer. Their operations are not kept. */
export class Pressure implements AsyncDisposable {
  /** Number of operations answered so far. */
  answered = 0;
  readonly #worker: Worker;
  #stopping: Promise<void> | null = null;
  #ended = false;

  constructor(input: PressureInput, onFailure: (why: string) => void) {
    this.#worker = new Worker(new URL('./pressure-worker.ts', import.meta.url), { workerData: input });
    this.#worker.on('message', (report: PressureReport) => (this.answered += report.answered));
    this.#worker.on('error', (error) => onFailure(`the load failed: ${(error as Error).message}`));
    this.#worker.on('exit', () => (this.#ended = true));
  }

  /** Resolves when no operation is in flight and all connections are closed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }

  async #stop(): Promise<void> {
    if (this.#ended) return;
    this.#worker.postMessage('stop');
    await once(this.#worker, 'exit');
  }
}
