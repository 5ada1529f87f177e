import type { LogIndex } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type {
  Identity,
  LogWrite,
  Recovered,
  SnapshotHeader,
  Snapshots,
  SnapshotSink,
  SnapshotSource,
  Storage,
  StoredSnapshot,
} from '../replica/ports.ts';
import { emptyLog, entriesAfterSnapshot, holds, replay } from './replay.ts';
import type { Replayed } from './replay.ts';
import { snapshotBytes, SnapshotReader } from './snapshot-format.ts';

/** The disk of a `MemoryStorage`, which keeps its content when its node restarts. */
export interface MemoryDisk {
  identity: Identity | null;
  readonly log: Replayed;
  snapshot: { readonly stored: StoredSnapshot; readonly bytes: Buffer } | null;
  inUse: boolean;
}

export const memoryDisk = (): MemoryDisk => ({
  identity: null,
  log: emptyLog(0),
  snapshot: null,
  inUse: false,
});

/** A storage in memory with the same contract as the write-ahead log, for simulation and tests. */
export class MemoryStorage implements Storage {
  readonly snapshots: Snapshots;
  readonly #disk: MemoryDisk;
  readonly #fresh: Identity;
  #open = false;

  /** `identity`: the identity that an empty disk gets. */
  constructor(disk: MemoryDisk, identity: Identity) {
    this.#disk = disk;
    this.#fresh = identity;
    this.snapshots = new MemorySnapshots(disk);
  }

  async recover(): Promise<Recovered> {
    const disk = this.#disk;
    if (disk.inUse) throw new StorageError('data folder (in memory) is in use');
    disk.inUse = true;
    this.#open = true;
    disk.identity ??= this.#fresh;
    const snapshot = disk.snapshot && headerOf(disk.snapshot.stored);
    const { log, identity } = disk;
    if (snapshot !== null && !holds(log, snapshot)) {
      const hardState =
        snapshot.term > log.hardState.term ? { term: snapshot.term, votedFor: null } : log.hardState;
      replay(log, [{ hardState, snapshot, entries: [] }]);
    }
    const entries = entriesAfterSnapshot(log, snapshot);
    if (typeof entries === 'string') throw new StorageError(entries);
    return { identity, hardState: log.hardState, snapshot, entries: [...entries], tornBytes: 0 };
  }

  async write(batch: readonly LogWrite[]): Promise<void> {
    if (!this.#open) throw new StorageError('data folder (in memory) is closed');
    const problem = replay(this.#disk.log, batch);
    if (problem !== null) throw new StorageError(problem);
  }

  roll(): void {
    // `compact` removes entries one by one, so there is nothing to do.
  }

  compact(index: LogIndex): void {
    const { log } = this.#disk;
    if (index <= log.base) return;
    log.entries.splice(0, index - log.base);
    log.base = index;
  }

  close(): Promise<void> {
    if (this.#open) this.#disk.inUse = false;
    this.#open = false;
    return Promise.resolve();
  }
}

class MemorySnapshots implements Snapshots {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  async load(restore: (block: Uint8Array) => void): Promise<StoredSnapshot> {
    const { stored, bytes } = this.#disk.snapshot!;
    new SnapshotReader().push(bytes).forEach(restore);
    return stored;
  }

  async save(header: SnapshotHeader, state: Iterable<Uint8Array>): Promise<StoredSnapshot> {
    const pieces: Uint8Array[] = [];
    const bytes = snapshotBytes(header, state);
    for (let next = bytes.next(); ; next = bytes.next()) {
      if (next.done) return this.#accept(next.value, Buffer.concat(pieces));
      pieces.push(next.value);
    }
  }

  async open(): Promise<SnapshotSource | null> {
    const newest = this.#disk.snapshot;
    if (newest === null) return null;
    const { stored: snapshot, bytes } = newest;
    let isOpen = true;
    return {
      snapshot,
      read: async (offset, length) => {
        await Promise.resolve();
        if (!isOpen) throw new StorageError('file (in memory) is closed');
        return bytes.subarray(offset, offset + length);
      },
      close: async () => {
        isOpen = false;
      },
    };
  }

  async receive(): Promise<SnapshotSink> {
    const reader = new SnapshotReader();
    const pieces: Uint8Array[] = [];
    return {
      write: async (bytes) => {
        const blocks = reader.push(bytes);
        pieces.push(Buffer.from(bytes));
        return blocks;
      },
      finish: async () => this.#accept(reader.end(), Buffer.concat(pieces)),
      abort: () => Promise.resolve(),
    };
  }

  #accept(stored: StoredSnapshot, bytes: Buffer): StoredSnapshot {
    const newest = this.#disk.snapshot;
    if (newest === null || newest.stored.index < stored.index) this.#disk.snapshot = { stored, bytes };
    return stored;
  }
}

function headerOf({ index, term, configuration, logDigest }: StoredSnapshot): SnapshotHeader {
  return { index, term, configuration, logDigest };
}
