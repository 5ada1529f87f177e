import type { Clock } from '../../../clock.ts';
import type { Op } from '../../../history/op.ts';
import { Listeners } from '../../../listeners.ts';
import type { Workload, WorkloadEvent } from '../../../ports/workload.ts';

/** A load that can fail, and whose live checker can be wrong. */
export class AccusingWorkload implements Workload {
  readonly #workload: Workload;
  readonly #clock: Clock;
  readonly #listeners = new Listeners<WorkloadEvent>();

  constructor(workload: Workload, clock: Clock) {
    this.#workload = workload;
    this.#clock = clock;
  }

  /** Reports a violation that does not exist. */
  accuse(key: string): void {
    const violation = {
      property: 'linearizability',
      anomaly: 'stale read',
      prose: 'accused',
      key,
      opIds: [0],
    };
    this.#listeners.emit({ type: 'violation', t: this.#clock.now(), violation });
  }

  /** Makes the load itself fail. */
  break(message: string): void {
    this.#listeners.emit({ type: 'broken', t: this.#clock.now(), message });
  }

  subscribe(listener: (event: WorkloadEvent) => void): () => void {
    const ends = [this.#listeners.subscribe(listener), this.#workload.subscribe(listener)];
    return () => ends.forEach((end) => end());
  }

  start(): Promise<void> {
    return this.#workload.start();
  }

  stop(): Promise<readonly Op[]> {
    return this.#workload.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#workload[Symbol.asyncDispose]();
  }
}
