import type { Configuration, SnapshotMeta } from './configuration.ts';
import type { Message } from './message.ts';
import type { Entry, HardState, LogIndex, NodeId, RoleName, Term } from './types.ts';

/** A role, vote, log or commit step of the core, named as Raft's published TLA+ trace specification names it. */
export type CoreEvent =
  | {
      readonly type: 'BecomeFollower' | 'BecomePreCandidate' | 'BecomeCandidate' | 'BecomeLeader';
      readonly term: Term;
      readonly leader: NodeId | null;
      /** The reason in a few words: "higher term from n2", "lost contact with a majority", "election timeout". */
      readonly reason: string;
    }
  | { readonly type: 'GrantVote'; readonly term: Term; readonly candidate: NodeId }
  /** Entries from `entries[0].index` on were put into the log; earlier ones from there on were removed. */
  | {
      readonly type: 'Replicate';
      readonly entries: readonly Entry[];
      readonly truncatedFrom: LogIndex | null;
    }
  /** `term`: the term of the entry at `index`. */
  | { readonly type: 'Commit'; readonly index: LogIndex; readonly term: Term }
  /**
   * `configuration` came into force: its entry at `index` was put into the log, or the entries above it were removed.
   */
  | { readonly type: 'ChangeConf'; readonly index: LogIndex; readonly configuration: Configuration }
  /** The configuration in force, that of the entry at `index`, is committed. */
  | { readonly type: 'ApplyConfChange'; readonly index: LogIndex; readonly configuration: Configuration }
  /** The log was replaced by a snapshot that ends in (`index`, `term`). */
  | { readonly type: 'InstallSnapshot'; readonly snapshot: SnapshotMeta };

/** A linearizable read may be served once the state machine has applied `index` (dissertation 6.4). */
export interface ReadState {
  /** The number that the driver gave to `readIndex`. */
  readonly requestId: number;
  readonly index: LogIndex;
}

/**
 * What the driver must do, in this order:
 * 1. hand `messages` to the transport at once (a leader writes to its disk and to its followers at the same time,
 *    dissertation 10.2.1);
 * 2. make `hardState`, `snapshot` and `entries` durable, in this order (one write, one sync; `hardState` first, so that
 *    a torn write never leaves entries of a term above the stored one; a snapshot replaces the whole stored log, and
 *    the state machine's state before anything of `committed` is applied; entries replace whatever stood at their
 *    indexes and behind);
 * 3. only when this and all earlier Readys are durable: send `messagesAfterPersist`, and call `raft.persisted`
 *    with the last of `entries`, if there are any: once per Ready, in order;
 * 4. apply `committed` in order, then call `raft.appliedTo` (only entries that are durable here are ever in
 * `committed`);
 * 5. answer `reads` once applied ≥ their index, and `failedReads` at once.
 */
export interface Ready {
  readonly hardState: HardState | null;
  /** One that the driver had received: see `InstallSnapshot`. Null: none. */
  readonly snapshot: SnapshotMeta | null;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** Reads that cannot be confirmed any more (leadership lost): a definite result, nothing was read. */
  readonly failedReads: readonly number[];
  readonly events: readonly CoreEvent[];
}

/**
 * Argument of `persisted`: the last entry that became durable, with its term, so that a late acknowledgement of entries
 * that were replaced meanwhile does not count.
 */
export interface Persisted {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Visible state of the core. `leader`: the leader as far as this server knows. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: RoleName;
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly leader: NodeId | null;
  readonly commitIndex: LogIndex;
  /**
   * True if a write to its disk has been under way for an election timeout: then it neither leads nor starts an
   * election.
   */
  readonly diskHangs: boolean;
  /** Target of this leader's transfer of leadership; null: there is none. */
  readonly transferTo: NodeId | null;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** Last index that is durable on this node. */
  readonly durableIndex: LogIndex;
  /** Last index that was dropped from the log; 0: none. */
  readonly baseIndex: LogIndex;
  /** In force, and the entry it came with (0: the founding one). */
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
}

/** A leader's view of one of the others: its flow control. */
export interface FollowerStatus {
  readonly id: NodeId;
  readonly mode: 'probe' | 'replicate' | 'snapshot';
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  /** Number of messages without an acknowledgement, and the size of their entries. */
  readonly inflight: number;
  readonly inflightBytes: number;
  /** In mode `snapshot`: the last index of the one that is under way; else 0. */
  readonly pendingSnapshot: LogIndex;
  /** Of its last answer, ms. */
  readonly lastContactMs: number;
}

export type ProposeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  /** Definite refusals: the command is not in the log. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  | { readonly ok: false; readonly reason: 'busy' }
  /** Leadership is on its way to `to`; soon its successor takes proposals, or this node again. */
  | { readonly ok: false; readonly reason: 'transferring'; readonly to: NodeId };

/**
 * A change of the membership. It is complete when a configuration that is not joint is committed, at `index` or later:
 * the leader itself appends C_new after C_old,new is committed.
 */
export type ChangeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  /** Definite refusals: nothing was changed. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  /** `busy`: this leader has not committed an entry of its own term yet; `change-under-way`: only one at a time. */
  | { readonly ok: false; readonly reason: 'busy' | 'change-under-way' }
  | { readonly ok: false; readonly reason: 'bad-change'; readonly detail: string };

export type ReadResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null };

/**
 * Result of a request for a transfer of leadership: it has begun, or is under way already; `CoreStatus` shows its end.
 */
export type TransferResult =
  | { readonly ok: true; readonly to: NodeId }
  /** Definite refusals: nothing has begun. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  | { readonly ok: false; readonly reason: 'busy' | 'bad-target'; readonly detail: string };

/** Times in milliseconds of a monotonic clock that the driver hands in. */
export interface RaftConfig {
  readonly id: NodeId;
  /**
   * The founders: the voters of the configuration in force while neither a snapshot nor the log holds one. This node
   * is one of them, or there are none (it has yet to join).
   */
  readonly peers: readonly NodeId[];
  /** An election timeout is drawn uniformly from [min, max) at each reset, §5.2. */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatMs: number;
  /**
   * Reads without a round of heartbeats while a lease holds (lease.ts says what this assumes of the clocks). Absent:
   * off. It must be equal on all servers of a cluster, and so must `electionTimeoutMinMs` then. `maxClockDrift`:
   * fraction by which the rates of two servers' clocks may differ, in [0, 1).
   */
  readonly leaseReads?: { readonly maxClockDrift: number };
  /** Whether the server checks itself with every Ready (assertions.ts). Absent: it does. */
  readonly assertions?: boolean;
  /** Uniform in [0, 1); the only source of randomness. */
  readonly random: () => number;
  /**
   * Limits of one follower's pipeline, in messages and in bytes of their entries, and of a leader's uncommitted entries
   * (beyond it `propose` returns busy).
   */
  readonly maxInflightMessages: number;
  readonly maxMessageBytes: number;
  readonly maxUncommittedBytes: number;
}
