import type { LogWrite, Recovered, Snapshots, Storage } from '../../../node/replica/ports.ts';
import type { LogIndex } from '../../../node/raft/types.ts';
import { runNode } from '../../../node/server/run-node.ts';
import { Wal } from '../../../node/storage/wal.ts';

/**
 * Stores the term on disk, but not the vote (Raft figure 2 requires both). After a restart the node may vote for
 * another candidate in the same term, so that two leaders of one term are possible. As in cornerstone#65.
 */
class VotelessStorage implements Storage {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get snapshots(): Snapshots {
    return this.#storage.snapshots;
  }
  recover(): Promise<Recovered> {
    return this.#storage.recover();
  }
  write(batch: readonly LogWrite[]): Promise<void> {
    return this.#storage.write(
      batch.map((step) => ({ ...step, hardState: step.hardState && { ...step.hardState, votedFor: null } })),
    );
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
}

await runNode(process.argv.slice(2), { storage: (options) => new VotelessStorage(new Wal(options)) });
