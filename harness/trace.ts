/**
 * What a node reports of itself, in the harness's own words. A system under test translates its own output into these;
 * what it cannot tell is absent. Terms and indexes are those of the Raft paper.
 */
export type NodeRole = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** The state of a node at one moment. Every field but the role is absent if the system does not report it. */
export interface NodeStatus {
  readonly role: NodeRole;
  readonly term?: number;
  readonly votedFor?: string | null;
  /** The node that this one follows (itself, if it leads); null: it knows none. */
  readonly leader?: string | null;
  readonly commit?: number;
  readonly applied?: number;
  readonly lastIndex?: number;
  readonly lastTerm?: number;
  /** The highest log index that is on the node's disk. */
  readonly durable?: number;
  /** Digest of the log up to `applied`: equal logs have equal digests. */
  readonly appliedDigest?: number;
  /** Resident memory of the node process, in bytes. */
  readonly rssBytes?: number;
}

/**
 * One step of a node, as the safety properties judge it. A system either reports all of its steps or has no trace. Role
 * and vote steps are complete; log steps come in batches. A log digest at index i depends on every entry up to i, so
 * that equal digests mean equal logs; the digest at index 0 is 0.
 */
export type TraceEvent =
  | {
      readonly type: 'BecomeFollower' | 'BecomePreCandidate' | 'BecomeCandidate' | 'BecomeLeader';
      readonly term: number;
      readonly leader: string | null;
      readonly reason: string;
    }
  | { readonly type: 'GrantVote'; readonly term: number; readonly candidate: string }
  /**
   * Log positions from `first` on: `terms[k]` and `digests[k]` belong to index first + k. Earlier entries from `first`
   * on are gone if and only if `truncated` is true.
   */
  | {
      readonly type: 'Replicate';
      readonly first: number;
      readonly terms: readonly number[];
      readonly digests: readonly number[];
      readonly truncated: boolean;
    }
  | { readonly type: 'Commit'; readonly index: number; readonly term: number }
  /** The state machine has applied the log up to `index`; `digest` is the log digest there. */
  | { readonly type: 'Apply'; readonly index: number; readonly digest: number }
  /** A snapshot of the state up to `index` is on the node's disk. */
  | ({ readonly type: 'TakeSnapshot' } & SnapshotPoint)
  /** A snapshot from the leader has replaced log and state: `index` is applied, the next entry will follow it. */
  | ({ readonly type: 'InstallSnapshot' } & SnapshotPoint)
  /** The configuration of the entry at `index` (0: the first one) is in force; and, later, committed. */
  | ({ readonly type: 'ChangeConf' | 'ApplyConfChange'; readonly index: number } & Members)
  /**
   * The log positions that a started node found on its disk (as Replicate, but nothing was written). `snapshot`
   * replaces the entries before `first`; null: `first` is 1.
   */
  | {
      readonly type: 'Recover';
      readonly term: number;
      readonly votedFor: string | null;
      readonly snapshot: SnapshotPoint | null;
      readonly first: number;
      readonly terms: readonly number[];
      readonly digests: readonly number[];
    };

export interface SnapshotPoint {
  readonly index: number;
  readonly term: number;
  /** The log digest at `index`. */
  readonly digest: number;
  /** Digest of the state machine's state: nodes that have applied the same log have the same. */
  readonly state: number;
}

/** The safety properties that a trace is judged by (figure 3 of the Raft paper, and durability). */
export const SAFETY_PROPERTIES = [
  'election-safety',
  'leader-append-only',
  'log-matching',
  'leader-completeness',
  'state-machine-safety',
  'durability',
] as const;

/**
 * The members of a cluster. While `outgoing` (C_old of a joint configuration) is not empty, a decision needs both
 * majorities.
 */
export interface Members {
  readonly voters: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
}

/** A line of a node's log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}
