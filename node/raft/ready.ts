import type { Configuration, SnapshotMeta } from './configuration.ts';
import type { Message } from './message.ts';
import type { Entry, HardState, LogIndex, NodeId, RoleName, Term } from './types.ts';

/** A role, vote, log or commit step of the core. The names are those of Raft's published TLA+ trace specification. */
export type CoreEvent =
  | {
      readonly type: 'BecomeFollower' | 'BecomePreCandidate' | 'BecomeCandidate' | 'BecomeLeader';
      readonly term: Term;
      readonly leader: NodeId | null;
      /** The reason in a few words: "higher term from n2", "lost contact with a majority", "election timeout". */
      readonly reason: string;
    }
  | { readonly type: 'GrantVote'; readonly term: Term; readonly candidate: NodeId }
  /** `entries` were put into the log; before that, the entries from `truncatedFrom` on were removed (null: none). */
  | {
      readonly type: 'Replicate';
      readonly entries: readonly Entry[];
      readonly truncatedFrom: LogIndex | null;
    }
  /** The commit index has moved to `index`; `term` is the term of that entry. */
  | { readonly type: 'Commit'; readonly index: LogIndex; readonly term: Term }
  /**
   * `configuration` is now in force: its entry at `index` was put into the log, or a later configuration was removed.
   */
  | { readonly type: 'ChangeConf'; readonly index: LogIndex; readonly configuration: Configuration }
  /** `configuration`, that of the entry at `index`, was committed. */
  | { readonly type: 'ApplyConfChange'; readonly index: LogIndex; readonly configuration: Configuration }
  /** The log was replaced by `snapshot`. */
  | { readonly type: 'InstallSnapshot'; readonly snapshot: SnapshotMeta };

/** A linearizable read may be served once the state machine has applied `index` (dissertation 6.4). */
export interface ReadState {
  /** The number that the driver gave to `readIndex`. */
  readonly requestId: number;
  readonly index: LogIndex;
}

/**
 * Work for the driver, in this order:
 * 1. Hand `messages` to the transport at once. A leader writes to its disk and sends to its followers at the same time
 *    (dissertation 10.2.1).
 * 2. Make `hardState`, `snapshot` and `entries` durable, in this order, with one write and one sync. `hardState` is
 *    first, so that a torn write never leaves entries of a term above the stored one. A snapshot replaces the whole
 *    stored log, and also the state machine's state, before any entry of `committed` is applied. `entries` replace all
 *    stored entries from their first index on.
 * 3. When this and all earlier Readys are durable, send `messagesAfterPersist`. Then call `raft.persisted` with the
 *    last of `entries`, if there are any: once per Ready, in order.
 * 4. Apply `committed` in order, then call `raft.appliedTo`. `committed` has only entries that are durable on this
 *    node.
 * 5. Answer each of `reads` when its index is applied, and `failedReads` at once.
 */
export interface Ready {
  readonly hardState: HardState | null;
  /** A snapshot that the driver received before (see `InstallSnapshot`); null: none. */
  readonly snapshot: SnapshotMeta | null;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** Reads that cannot be confirmed any more, because the leadership was lost. They definitely read nothing. */
  readonly failedReads: readonly number[];
  readonly events: readonly CoreEvent[];
}

/**
 * Argument of `persisted`: the last entry that is durable now. The term is needed because a late acknowledgement of
 * entries that were replaced meanwhile must not count.
 */
export interface Persisted {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Visible state of the core. `leader` is the leader that this server knows, or null. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: RoleName;
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly leader: NodeId | null;
  readonly commitIndex: LogIndex;
  /**
   * True if a disk write of this server has been under way for an election timeout. It does not lead and starts no
   * election then.
   */
  readonly diskHangs: boolean;
  /** Target of this leader's transfer of leadership; null: there is none. */
  readonly transferTo: NodeId | null;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** Last index that is durable on this node. */
  readonly durableIndex: LogIndex;
  /** Last index that was removed from the log because a snapshot covers it; 0: none. */
  readonly baseIndex: LogIndex;
  /** Configuration in force, and the index of its entry (0: the founding configuration). */
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
}

/** A leader's knowledge of one follower, and the state of its flow control. */
export interface FollowerStatus {
  readonly id: NodeId;
  readonly mode: 'probe' | 'replicate' | 'snapshot';
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  /** Number of messages without an acknowledgement, and the size of their entries in bytes. */
  readonly inflight: number;
  readonly inflightBytes: number;
  /** In mode `snapshot`: last index of the snapshot under way; else 0. */
  readonly pendingSnapshot: LogIndex;
  /** Time of the follower's last answer, in ms. */
  readonly lastContactMs: number;
}

export type ProposeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  /** Definite refusals: the command is not in the log. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  | { readonly ok: false; readonly reason: 'busy' }
  /** A leadership transfer to `to` is under way. Soon `to`, or this node again, accepts proposals. */
  | { readonly ok: false; readonly reason: 'transferring'; readonly to: NodeId };

/**
 * Result of a request to change the membership. The change is complete when a configuration that is not joint is
 * committed, at `index` or later. The leader appends C_new by itself after C_old,new is committed.
 */
export type ChangeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  /** Definite refusals: nothing was changed. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  /**
   * `busy`: this leader has not committed an entry of its own term yet, or transfers its leadership.
   * `change-under-way`: another change is not complete yet.
   */
  | { readonly ok: false; readonly reason: 'busy' | 'change-under-way' }
  | { readonly ok: false; readonly reason: 'bad-change'; readonly detail: string };

export type ReadResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null };

/**
 * Result of a request for a transfer of leadership. `ok`: the transfer has begun, or was under way already.
 * `CoreStatus.transferTo` shows its end.
 */
export type TransferResult =
  | { readonly ok: true; readonly to: NodeId }
  /** Definite refusals: nothing has begun. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  | { readonly ok: false; readonly reason: 'busy' | 'bad-target'; readonly detail: string };

/** Configuration of a core. All times are in milliseconds of the driver's monotonic clock. */
export interface RaftConfig {
  readonly id: NodeId;
  /**
   * The founders: the voters as long as neither a snapshot nor the log holds a configuration. This node must be one of
   * them, or the list must be empty, if the node has yet to join.
   */
  readonly peers: readonly NodeId[];
  /** An election timeout is drawn uniformly from [min, max) at each reset, §5.2. */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatMs: number;
  /**
   * Lets the leader serve reads without a round of heartbeats while it has a lease (lease.ts says what this assumes
   * about clocks). Absent: off. If it is on, this option and `electionTimeoutMinMs` must be equal on all servers of a
   * cluster. `maxClockDrift` is the fraction by which the rates of two servers' clocks may differ, in [0, 1).
   */
  readonly leaseReads?: { readonly maxClockDrift: number };
  /** True if the server checks its invariants with every Ready (assertions.ts), which is the default. */
  readonly assertions?: boolean;
  /** Returns random numbers, uniform in [0, 1). The core has no other source of randomness. */
  readonly random: () => number;
  /**
   * Maximum number of messages in flight to one follower, maximum size of the entries of a message in bytes, and
   * maximum size of a leader's uncommitted entries in bytes, above which `propose` returns busy.
   */
  readonly maxInflightMessages: number;
  readonly maxMessageBytes: number;
  readonly maxUncommittedBytes: number;
}
