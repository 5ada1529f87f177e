import type { LogWrite, Recovered, Snapshots, Storage } from '../../../node/replica/ports.ts';
import type { LogIndex } from '../../../node/raft/types.ts';
import { runNode } from '../../../node/server/run-node.ts';
import { Wal } from '../../../node/storage/wal.ts';

/**
 * Time for which a write stays in memory only, as in a page cache that is never synced.
 */
const FLUSH_EVERY_MS = 400;

/**
 * Reports a write as durable as soon as it is in memory, and writes it to disk later. A SIGKILL loses acknowledged
 * writes that are not on disk yet, as a crash of the machine loses unsynced writes. As in etcd#14370.
 */
class UnsyncedStorage implements Storage {
  readonly #storage: Storage;
  readonly #flushing: NodeJS.Timeout;
  #buffer: LogWrite[] = [];
  #flushed: Promise<void> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#flushing = setInterval(() => this.#flush(), FLUSH_EVERY_MS);
  }

  get snapshots(): Snapshots {
    return this.#storage.snapshots;
  }
  recover(): Promise<Recovered> {
    return this.#storage.recover();
  }
  write(batch: readonly LogWrite[]): Promise<void> {
    this.#buffer.push(...batch);
    return Promise.resolve();
  }
  roll(): void {
    this.#storage.roll();
  }
  compact(index: LogIndex): void {
    this.#storage.compact(index);
  }
  /** A clean stop loses nothing. */
  async close(): Promise<void> {
    clearInterval(this.#flushing);
    this.#flush();
    await this.#flushed;
    await this.#storage.close();
  }

  #flush(): void {
    if (this.#buffer.length === 0) return;
    const batch = this.#buffer;
    this.#buffer = [];
    this.#flushed = this.#flushed.then(() => this.#storage.write(batch));
  }
}

await runNode(process.argv.slice(2), { storage: (options) => new UnsyncedStorage(new Wal(options)) });
