import type { LogIndex, NodeId, RoleName, Term } from '../raft/types.ts';

/**
 * Reports of a node to the harness, one JSON object per line, on file descriptor 3 (`--report-fd`), never across a
 * link. `at` is CLOCK_MONOTONIC in microseconds (`process.hrtime`), which all processes of a machine share. `n` counts
 * the lines of one node process from 0, so that a lost line is noticed.
 */
export type NodeReport = { readonly n: number; readonly at: number; readonly node: NodeId } & (
  | ReadyLine
  | StatusReport
  | TraceReport
  | LogReport
);

/** First line: the node listens. `recovered`: the content of its data folder. */
export interface ReadyLine {
  readonly type: 'ready';
  readonly pid: number;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Null: no admin port. */
  readonly adminPort: number | null;
  readonly recovered: {
    readonly term: Term;
    readonly votedFor: NodeId | null;
    readonly lastIndex: LogIndex;
    /** Index of the snapshot that it began from; 0: none. */
    readonly snapshotIndex: LogIndex;
    /**
     * Bytes of a torn tail that were cut off (a write that a crash interrupted; nothing in it was
     * acknowledged).
     */
    readonly tornBytes: number;
  };
}

/**
 * Sent on every change of role, term, vote or leader, and else at most every 100 ms, at least every 500 ms.
 */
export interface StatusReport {
  readonly type: 'status';
  readonly role: RoleName;
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly leader: NodeId | null;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly durable: LogIndex;
  /** CRC-32 chained over (term, kind, data) of every entry up to `applied`: equal logs have equal digests. */
  readonly appliedDigest: number;
  readonly rssBytes: number;
}

/**
 * The steps that the safety properties are checked on. Role and vote steps are complete; log steps come in
 * batches. A log digest at index i is CRC-32 over digest(i−1), term(i), kind(i) and data(i), with digest(0) =
 * 0.
 */
export type TraceReport =
  | {
      readonly type: 'BecomeFollower' | 'BecomePreCandidate' | 'BecomeCandidate' | 'BecomeLeader';
      readonly term: Term;
      readonly leader: NodeId | null;
      readonly reason: string;
    }
  | { readonly type: 'GrantVote'; readonly term: Term; readonly candidate: NodeId }
  /**
   * Log positions from `first` on: `terms[k]` and `digests[k]` belong to index first + k. The earlier entries from
   * `first` on are gone iff `truncated`.
   */
  | {
      readonly type: 'Replicate';
      readonly first: LogIndex;
      readonly terms: readonly Term[];
      readonly digests: readonly number[];
      readonly truncated: boolean;
    }
  | { readonly type: 'Commit'; readonly index: LogIndex; readonly term: Term }
  /** The state machine has applied up to `index`; `digest` is the log digest there. */
  | { readonly type: 'Apply'; readonly index: LogIndex; readonly digest: number }
  /**
   * A snapshot of the applied state up to `index` is on the disk. `digest`: of the log there; `state`: of the state.
   */
  | ({ readonly type: 'TakeSnapshot' } & SnapshotPoint)
  /** A snapshot from the leader is the whole log and state now: `index` is applied, the next entry will follow it. */
  | ({ readonly type: 'InstallSnapshot' } & SnapshotPoint)
  /** The configuration of the entry at `index` (0: the founding one) is in force; and, later, committed. */
  | ({ readonly type: 'ChangeConf' | 'ApplyConfChange'; readonly index: LogIndex } & Members)
  /**
   * After a start: the log positions that were found on disk (as Replicate, but nothing was written). `snapshot` covers
   * everything before `first`, which is applied already; null: `first` is 1.
   */
  | {
      readonly type: 'Recover';
      readonly term: Term;
      readonly votedFor: NodeId | null;
      readonly snapshot: SnapshotPoint | null;
      readonly first: LogIndex;
      readonly terms: readonly Term[];
      readonly digests: readonly number[];
    };

export interface SnapshotPoint {
  readonly index: LogIndex;
  readonly term: Term;
  /** The log digest at `index`. */
  readonly digest: number;
  /** CRC-32 of the state machine's state: nodes that have applied the same log have the same. */
  readonly state: number;
}

/**
 * The members of the cluster. While `outgoing` (C_old of a joint configuration) is not empty, both majorities decide.
 */
export interface Members {
  readonly voters: readonly NodeId[];
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export interface LogReport {
  readonly type: 'log';
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

export type { LogIndex, NodeId, RoleName, Term };
