import { ENTRY_OVERHEAD_BYTES } from '../protocol/entry-codec.ts';
import type { Ready } from '../raft/ready.ts';
import type { LogIndex } from '../raft/types.ts';
import type { LogWrite, Storage } from './ports.ts';

/** The part of a Ready that waits for the disk. */
export type DurableStep = Pick<
  Ready,
  'hardState' | 'snapshot' | 'entries' | 'messagesAfterPersist' | 'events'
> & {
  /** Index of the Ready's last committed entry; null: none. It is durable already, but is reported in order. */
  readonly applied: LogIndex | null;
};

/**
 * Group commit: one write is in flight, and the steps that arrive meanwhile are the next batch. There is no timer: if
 * no write is in flight, a step is written at once. Steps are reported as durable in order, also those without data.
 */
export class LogWriter {
  readonly #storage: Storage;
  readonly #onDurable: (steps: readonly DurableStep[]) => void;
  readonly #onFailure: (error: unknown) => void;
  #waiting: DurableStep[] = [];
  readonly #now: () => number;
  /** Size in bytes at which a batch ends, so that one write does not take long. */
  readonly #maxBatchBytes: number;
  readonly #onWritten: (ms: number) => void;
  #writing: Promise<void> | null = null;
  #writingSinceMs = 0;

  constructor(
    storage: Storage,
    on: { durable: (steps: readonly DurableStep[]) => void; failure: (error: unknown) => void },
    timing: {
      readonly now: () => number;
      readonly maxBatchBytes: number;
      readonly onWritten: (ms: number) => void;
    },
  ) {
    this.#storage = storage;
    this.#onDurable = on.durable;
    this.#onFailure = on.failure;
    this.#now = timing.now;
    this.#maxBatchBytes = timing.maxBatchBytes;
    this.#onWritten = timing.onWritten;
  }

  /** True if a write is under way. */
  get busy(): boolean {
    return this.#writing !== null;
  }

  /** Time at which the write under way began, in ms; null: no write is under way. */
  get busySinceMs(): number | null {
    return this.#writing === null ? null : this.#writingSinceMs;
  }

  /**
   * Adds a step. `on.durable` is called when it and all earlier ones are durable, at once if nothing must be written.
   */
  add(step: DurableStep): void {
    this.#waiting.push(step);
    this.#next();
  }

  /** Resolves when the write in flight has ended. The steps that wait are not written. */
  async stop(): Promise<void> {
    this.#waiting = [];
    await this.#writing;
  }

  #next(): void {
    if (this.#writing !== null || this.#waiting.length === 0) return;
    const steps = this.#takeBatch();
    const writes: LogWrite[] = steps.filter(needsWrite);
    if (writes.length === 0) {
      this.#onDurable(steps);
      return this.#next();
    }
    this.#writingSinceMs = this.#now();
    this.#writing = this.#storage.write(writes).then(
      () => {
        this.#writing = null;
        this.#onWritten(this.#now() - this.#writingSinceMs);
        this.#onDurable(steps);
        this.#next();
      },
      (error: unknown) => {
        this.#waiting = [];
        this.#onFailure(error);
      },
    );
  }

  #takeBatch(): DurableStep[] {
    let bytes = 0;
    let taken = 0;
    while (taken < this.#waiting.length && bytes < this.#maxBatchBytes) {
      for (const entry of this.#waiting[taken]!.entries) bytes += ENTRY_OVERHEAD_BYTES + entry.data.length;
      taken++;
    }
    const steps = this.#waiting.slice(0, taken);
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken);
    return steps;
  }
}

const needsWrite = (step: LogWrite): boolean =>
  step.hardState !== null || step.snapshot !== null || step.entries.length > 0;
