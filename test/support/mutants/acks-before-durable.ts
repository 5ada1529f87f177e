import type { LogWrite } from '../../../node/replica/ports.ts';
import { runNode } from '../../../node/server/run-node.ts';
import { Wal } from '../../../node/storage/wal.ts';

/** Time for which a write stays in memory only, as in a page cache that is never synced. */
const FLUSH_EVERY_MS = 400;

/**
 * Reports a write as durable as soon as it is in memory, and writes it to disk later. A SIGKILL loses acknowledged
 * writes that are not on disk yet, as a crash of the machine loses unsynced writes. As in etcd#14370.
 */
class UnsyncedWal extends Wal {
  readonly #flushing: NodeJS.Timeout = setInterval(() => this.#flush(), FLUSH_EVERY_MS);
  #buffer: LogWrite[] = [];
  #flushed: Promise<void> = Promise.resolve();

  override write(batch: readonly LogWrite[]): Promise<void> {
    this.#buffer.push(...batch);
    return Promise.resolve();
  }
  /** A clean stop loses nothing. */
  override async close(): Promise<void> {
    clearInterval(this.#flushing);
    this.#flush();
    await this.#flushed;
    await super.close();
  }

  #flush(): void {
    if (this.#buffer.length === 0) return;
    const batch = this.#buffer;
    this.#buffer = [];
    this.#flushed = this.#flushed.then(() => super.write(batch));
  }
}

await runNode(process.argv.slice(2), { storage: (options) => new UnsyncedWal(options) });
