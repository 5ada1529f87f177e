import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { HarnessEvent } from '../event.ts';
import { Listeners } from '../listeners.ts';

/** Bulk steps of the log: in `events.jsonl`, but not kept in memory (they are most of a run's events). */
const BULK_TRACES = new Set(['Replicate', 'Commit', 'Apply']);

/**
 * The one stream of a run: fans events out to listeners, writes each as a line of `events.jsonl`, and keeps what the
 * report draws. A full or failing disk does not stop the run: `failure` says what was lost.
 */
export class EventLog {
  readonly #listeners = new Listeners<HarnessEvent>();
  readonly #kept: HarnessEvent[] = [];
  readonly #file;
  #failure: string | null = null;

  constructor(path: string) {
    this.#file = createWriteStream(path, { flags: 'wx' });
    this.#file.on('error', (error) => {
      this.#failure ??= `${path}: ${error.message}`;
    });
  }

  get failure(): string | null {
    return this.#failure;
  }

  /** Every event except bulk traces and those that are repeated soon, oldest first. */
  get kept(): readonly HarnessEvent[] {
    return this.#kept;
  }

  subscribe(listener: (event: HarnessEvent) => void): () => void {
    const unsubscribe = this.#listeners.subscribe(listener);
    // A listener that subscribes late (the dashboard, after Ink has loaded) still sees the beginning of the run.
    for (const event of this.#kept) listener(event);
    return unsubscribe;
  }

  readonly emit = (event: HarnessEvent): void => {
    if (this.#failure === null) this.#file.write(`${JSON.stringify(event)}\n`);
    const routine = event.type === 'status' || event.type === 'checked';
    const bulk = routine || (event.type === 'trace' && BULK_TRACES.has(event.trace.type));
    if (!bulk) this.#kept.push(event);
    this.#listeners.emit(event);
  };

  /** Resolves when all lines are with the operating system, or the disk has refused them. */
  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file).catch(() => undefined);
  }
}
