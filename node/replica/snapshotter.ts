import type { StateMachine } from '../kv/state-machine.ts';
import { ENTRY_OVERHEAD_BYTES } from '../protocol/entry-codec.ts';
import type { Raft } from '../raft/raft.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import type { Storage, StoredSnapshot } from './ports.ts';

/** Policy for taking snapshots, and for the log that is kept after them. */
export interface SnapshotPolicy {
  /** Due when so much was applied since the last one: entries, or bytes of them. */
  readonly everyEntries: number;
  readonly everyBytes: number;
  /**
   * Number of entries that are kept before a snapshot's end for followers that are a little late, limited to half of
   * `everyBytes`.
   */
  readonly keepEntries: number;
}

export const SNAPSHOT_POLICY: SnapshotPolicy = {
  everyEntries: 25_000,
  everyBytes: 8 << 20,
  keepEntries: 5_000,
};

export interface SnapshotterOptions {
  readonly policy: SnapshotPolicy;
  readonly raft: Raft;
  readonly storage: Storage;
  readonly stateMachine: StateMachine;
  /** The log digest at an index that is applied. */
  readonly digestAt: (index: LogIndex) => number;
  /** Index of the oldest snapshot that is being sent, because the entries after it will be needed. Null: none is. */
  readonly sending: () => LogIndex | null;
  /** The snapshot is durable, and the log begins after `keptFrom` now. */
  readonly onTaken: (snapshot: StoredSnapshot, keptFrom: LogIndex) => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * A state that is much larger than the log since its last snapshot is not written again for each small piece of log.
 */
const MAX_STATE_PER_LOG = 4;
/** Below this the state's size does not matter. */
const SMALL_STATE_BYTES = 1 << 20;
/** Unit in which the end of the log is measured, in bytes, to find the beginning of its last part. */
const MARKS_PER_EVERY = 16;
/** Multiple of the usual log after which a slow follower gets a newer snapshot instead of the log. */
const MAX_HELD_BACK = 4;

/** Takes a snapshot when it is due, while the node goes on, and releases the log that the snapshot covers. */
export class Snapshotter {
  readonly #o: SnapshotterOptions;
  #last: LogIndex;
  /** Size of the last one. */
  #lastBytes = 0;
  /** Applied since. */
  #bytes = 0;
  #applied: LogIndex;
  /** The applied index after each unit of log bytes, ascending. */
  readonly #marks: LogIndex[] = [];
  #bytesSinceMark = 0;
  /** One is due, and is taken once this is applied: where the stored log was divided. Null: none is due. */
  #dueAt: LogIndex | null = null;
  #taking: Promise<void> | null = null;
  #waiting: ((snapshot: StoredSnapshot | null) => void)[] = [];

  constructor(options: SnapshotterOptions, startedFrom: StoredSnapshot | null) {
    this.#o = options;
    this.#last = startedFrom?.index ?? (0 as LogIndex);
    this.#lastBytes = startedFrom?.bytes ?? 0;
    this.#applied = this.#last;
  }

  /** Entries that the state machine has applied. */
  applied(entries: readonly Entry[]): void {
    let bytes = 0;
    for (const { data } of entries) bytes += ENTRY_OVERHEAD_BYTES + data.length;
    this.#bytes += bytes;
    this.#bytesSinceMark += bytes;
    this.#applied = entries.at(-1)!.index;
    if (this.#bytesSinceMark < this.#o.policy.everyBytes / MARKS_PER_EVERY) return;
    this.#bytesSinceMark = 0;
    this.#marks.push(this.#applied);
  }

  /** Another node's snapshot has replaced the state and the log. */
  installed({ index, bytes }: StoredSnapshot): void {
    this.#last = index;
    this.#lastBytes = bytes;
    this.#bytes = 0;
    this.#dueAt = null;
    this.#applied = index;
    this.#marks.length = 0;
    this.#bytesSinceMark = 0;
  }

  /**
   * Takes a snapshot if it is due. It ends at the end of a piece of the stored log, so that the next start reads
   * nothing that it covers. That piece is under way already, so it takes only a moment until it is applied.
   */
  takeIfDue(): void {
    if (this.#taking !== null || !this.#isDue()) return;
    const { raft, storage } = this.#o;
    const { lastIndex } = raft.status();
    if (this.#dueAt === null) {
      storage.roll();
      this.#dueAt = lastIndex;
    }
    // Less, where a new leader has replaced the end of the log.
    if (this.#applied >= Math.min(this.#dueAt, lastIndex)) this.#take();
  }

  /** Takes one now, or waits for the one that is being taken; null: nothing is applied, or the disk has failed. */
  take(): Promise<StoredSnapshot | null> {
    if (this.#applied === 0) return Promise.resolve(null);
    const taken = new Promise<StoredSnapshot | null>((resolve) => this.#waiting.push(resolve));
    if (this.#taking === null) this.#take();
    return taken;
  }

  /** Resolves when no snapshot is being taken any more. */
  async stop(): Promise<void> {
    await this.#taking;
  }

  #isDue(): boolean {
    const { everyEntries, everyBytes } = this.#o.policy;
    if (this.#applied - this.#last < everyEntries && this.#bytes < everyBytes) return false;
    return this.#lastBytes - SMALL_STATE_BYTES <= this.#bytes * MAX_STATE_PER_LOG;
  }

  #take(): void {
    const { raft, storage, stateMachine, digestAt, onFailure } = this.#o;
    const index = this.#applied;
    const header = { ...raft.snapshotMeta(index), logDigest: digestAt(index) };
    const capture = stateMachine.capture();
    this.#dueAt = null;
    this.#last = index;
    this.#bytes = 0;
    this.#taking = storage.snapshots.save(header, capture.blocks).then(
      (snapshot) => {
        capture.release();
        this.#taking = null;
        this.#taken(snapshot);
      },
      (error: unknown) => {
        capture.release();
        this.#taking = null;
        for (const tell of this.#waiting.splice(0)) tell(null);
        onFailure(error);
      },
    );
  }

  #taken(snapshot: StoredSnapshot): void {
    const { raft, storage, onTaken } = this.#o;
    const { index, term, configuration, bytes } = snapshot;
    // Another node's may have overtaken it.
    if (index >= this.#last) this.#lastBytes = bytes;
    const keptFrom = this.#keptFrom(index);
    raft.compact({ index, term, configuration }, keptFrom);
    storage.compact(index);
    onTaken(snapshot, keptFrom);
    for (const tell of this.#waiting.splice(0)) tell(snapshot);
  }

  /** The last index that is not needed in the log any more. */
  #keptFrom(index: LogIndex): LogIndex {
    const { policy, sending } = this.#o;
    // The marks at and before the index, of which the last half hold half of `everyBytes`.
    const before = this.#marks.findLastIndex((mark) => mark <= index);
    const byBytes = this.#marks[before - MARKS_PER_EVERY / 2] ?? 0;
    const kept = Math.max(0, index - policy.keepEntries, byBytes);
    const held = sending() ?? index;
    const farthest = this.#marks[before - MARKS_PER_EVERY * MAX_HELD_BACK] ?? 0;
    const keptFrom = Math.max(Math.min(kept, held), farthest);
    this.#marks.splice(0, this.#marks.findLastIndex((mark) => mark <= keptFrom) + 1);
    return keptFrom as LogIndex;
  }
}
