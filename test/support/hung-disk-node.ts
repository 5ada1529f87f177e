import type { LogWrite, Recovered, Snapshots, Storage } from '../../node/replica/ports.ts';
import type { LogIndex } from '../../node/raft/types.ts';
import { runNode } from '../../node/server/run-node.ts';
import { Wal } from '../../node/storage/wal.ts';

/**
 * A disk that hangs from one SIGUSR2 to the next: writes neither succeed nor fail, as on a failing drive or a lost
 * network volume. Everything else of the node is the shipped code.
 */
class HangingStorage implements Storage {
  readonly #storage: Storage;
  #hanging: Promise<void> | null = null;
  #release: () => void = () => undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
    process.on('SIGUSR2', () => this.#toggle());
  }

  get snapshots(): Snapshots {
    return this.#storage.snapshots;
  }
  recover(): Promise<Recovered> {
    return this.#storage.recover();
  }
  async write(batch: readonly LogWrite[]): Promise<void> {
    await this.#hanging;
    await this.#storage.write(batch);
  }
  roll(): void {
    this.#storage.roll();
  }
  compact(index: LogIndex): void {
    this.#storage.compact(index);
  }
  close(): Promise<void> {
    return this.#storage.close();
  }

  #toggle(): void {
    if (this.#hanging === null) {
      this.#hanging = new Promise((resolve) => (this.#release = resolve));
    } else {
      this.#hanging = null;
      this.#release();
    }
  }
}

await runNode(process.argv.slice(2), { storage: (options) => new HangingStorage(new Wal(options)) });
