import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { PressureInput, PressureSpoke } from './pressure-worker.ts';

/** Closed-loop clients in a thread of their own, as fast as the nodes answer, whose operations nobody keeps. */
export class Pressure implements AsyncDisposable {
  /** Operations that were answered so far. */
  answered = 0;
  readonly #worker: Worker;
  #stopping: Promise<void> | null = null;
  #ended = false;

  constructor(input: PressureInput, onBroken: (why: string) => void) {
    this.#worker = new Worker(new URL('./pressure-worker.ts', import.meta.url), { workerData: input });
    this.#worker.on('message', (spoke: PressureSpoke) => (this.answered += spoke.answered));
    this.#worker.on('error', (error) => onBroken(`the load failed: ${(error as Error).message}`));
    this.#worker.on('exit', () => (this.#ended = true));
  }

  /** Resolves when nothing is under way and all connections are closed. */
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
