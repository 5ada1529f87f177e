import type { Message } from './message.ts';
import type { Entry, HardState, LogIndex, NodeId, RoleName, Term } from './types.ts';

/** A role, vote, log or commit step of the core, named as Raft's published TLA+ trace specification names it. */
export type CoreEvent =
  | {
      readonly type: 'BecomeFollower' | 'BecomePreCandidate' | 'BecomeCandidate' | 'BecomeLeader';
      readonly term: Term;
      readonly leader: NodeId | null;
      /** Why, in a few words: "higher term from n2", "lost contact with a majority", "election timeout". */
      readonly reason: string;
    }
  | { readonly type: 'GrantVote'; readonly term: Term; readonly candidate: NodeId }
  /** Entries from `entries[0].index` on were put into the log; anything that stood there before was removed. */
  | {
      readonly type: 'Replicate';
      readonly entries: readonly Entry[];
      readonly truncatedFrom: LogIndex | null;
    }
  /** `term` is that of the entry at `index`. */
  | { readonly type: 'Commit'; readonly index: LogIndex; readonly term: Term };

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
 * 2. make `hardState` and `entries` durable (one write, one sync; `hardState` first, so that a torn write never leaves
 *    entries of a term above the stored one; entries replace whatever stood at their indexes and behind);
 * 3. only when this and all earlier Readys are durable: send `messagesAfterPersist`, and call `raft.persisted`
 *    with the last of `entries`, if there are any: once per Ready, in order;
 * 4. apply `committed` in order, then call `raft.appliedTo` (only entries that are durable here are ever in
 * `committed`);
 * 5. answer `reads` once applied ≥ their index, and `failedReads` at once.
 */
export interface Ready {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** Reads that cannot be confirmed any more (leadership lost): definite, nothing was read. */
  readonly failedReads: readonly number[];
  readonly events: readonly CoreEvent[];
}

/**
 * What `persisted` hands back: the last entry that became durable, with its term, so that a late acknowledgement of
 * entries that were replaced meanwhile does not count.
 */
export interface Persisted {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What the core shows of itself. `leader` is who it believes leads. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: RoleName;
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly leader: NodeId | null;
  readonly commitIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** Last index that is durable on this node. */
  readonly durableIndex: LogIndex;
}

export type ProposeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  /** Definite refusals: the command is not in the log. */
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null }
  | { readonly ok: false; readonly reason: 'busy' };

export type ReadResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'not-leader'; readonly leader: NodeId | null };

/** Times in milliseconds of a monotonic clock that the driver hands in. */
export interface RaftConfig {
  readonly id: NodeId;
  /** All voters, this node too. */
  readonly peers: readonly NodeId[];
  /** An election timeout is drawn uniformly from [min, max) at each reset, §5.2. */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatMs: number;
  /** Uniform in [0, 1); the only source of randomness. */
  readonly random: () => number;
  /** Bounds of one follower's pipeline, and of what is uncommitted on a leader (beyond it `propose` says busy). */
  readonly maxInflightMessages: number;
  readonly maxMessageBytes: number;
  readonly maxUncommittedBytes: number;
}
