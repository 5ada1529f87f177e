import type { StateMachine } from '../kv/state-machine.ts';
import { ENTRY_OVERHEAD_BYTES } from '../protocol/entry-codec.ts';
import type { Raft } from '../raft/raft.ts';
import type { Entry, LogIndex } from '../raft/types.ts';
import type { Storage, StoredSnapshot } from './ports.ts';

/** Policy for taking snapshots, and for the part of the log that is kept. */
export interface SnapshotPolicy {
  /** Maximum number of entries, and their maximum size in bytes, that are applied before the next snapshot is due. */
  readonly everyEntries: number;
  readonly everyBytes: number;
  /**
   * Number of entries before a snapshot's end that are kept for followers that lack only a few, limited to half of
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
  /** Returns the log digest at an applied index. */
  readonly digestAt: (index: LogIndex) => number;
  /** Returns the index of the oldest snapshot that is being sent, after which entries will be needed; null: none is. */
  readonly sending: () => LogIndex | null;
  /** Called when a snapshot is durable, and the log begins after `keptFrom`. */
  readonly onTaken: (snapshot: StoredSnapshot, keptFrom: LogIndex) => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Maximum ratio between the size of the state and that of the log since the last snapshot, so that a large state is not
 * written again for each small part of the log.
 */
const MAX_STATE_PER_LOG = 4;
/** Size of a state in bytes below which it does not delay a snapshot. */
const SMALL_STATE_BYTES = 1 << 20;
/** Number of marks per `everyBytes`. A mark is the applied index after each such unit of log bytes. */
const MARKS_PER_EVERY = 16;
/** Multiple of the usual log size above which a slow follower gets a newer snapshot instead of the log. */
const MAX_HELD_BACK = 4;

/** Takes a snapshot when it is due, while the node continues to serve, and then removes the log that it covers. */
export class Snapshotter {
  readonly #o: SnapshotterOptions;
  #last: LogIndex;
  /** Size of the last snapshot in bytes. */
  #lastBytes = 0;
  /** Size of the entries that were applied since the last snapshot, in bytes. */
  #bytes = 0;
  #applied: LogIndex;
  /** The applied index after each unit of log bytes, ascending. */
  readonly #marks: LogIndex[] = [];
  #bytesSinceMark = 0;
  /** Index at which the stored log was divided. The snapshot is taken when this is applied; null: none is due. */
  #dueAt: LogIndex | null = null;
  #taking: Promise<void> | null = null;
  #waiting: ((snapshot: StoredSnapshot | null) => void)[] = [];

  constructor(options: SnapshotterOptions, startedFrom: StoredSnapshot | null) {
    this.#o = options;
    this.#last = startedFrom?.index ?? (0 as LogIndex);
    this.#lastBytes = startedFrom?.bytes ?? 0;
    this.#applied = this.#last;
  }

  /** Call it with the entries that the state machine has applied. */
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

  /** Call it when another node's snapshot has replaced the state and the log. */
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
   * Takes a snapshot if it is due. It ends where a new segment of the stored log begins, so that the next start reads
   * no entry that it covers. The entries up to there are being written already, so they are applied soon.
   */
  takeIfDue(): void {
    if (this.#taking !== null || !this.#isDue()) return;
    const { raft, storage } = this.#o;
    const { lastIndex } = raft.status();
    if (this.#dueAt === null) {
      storage.roll();
      this.#dueAt = lastIndex;
    }
    // The log may be shorter, if a new leader has replaced its end.
    if (this.#applied >= Math.min(this.#dueAt, lastIndex)) this.#take();
  }

  /**
   * Takes a snapshot now, or waits for the one that is being taken. Resolves with null if nothing is applied, or the
   * disk has failed.
   */
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
    // Another node's newer snapshot may have been installed meanwhile.
    if (index >= this.#last) this.#lastBytes = bytes;
    const keptFrom = this.#keptFrom(index);
    raft.compact({ index, term, configuration }, keptFrom);
    storage.compact(index);
    onTaken(snapshot, keptFrom);
    for (const tell of this.#waiting.splice(0)) tell(snapshot);
  }

  /** Returns the last index that is not needed in the log any more. */
  #keptFrom(index: LogIndex): LogIndex {
    const { policy, sending } = this.#o;
    // Of the marks up to the index, the last MARKS_PER_EVERY / 2 contain half of `everyBytes`.
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
