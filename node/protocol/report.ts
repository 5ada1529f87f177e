import type { LogIndex, NodeId, RoleName, Term } from '../raft/types.ts';

/**
 * Reports of a node to the harness, one JSON object per line. They are sent on file descriptor 3 (`--report-fd`), not
 * over a link. `at` is CLOCK_MONOTONIC in microseconds (`process.hrtime`), which is the same for all processes of a
 * machine. `n` counts the lines of one node process from 0, so that a lost line is noticed.
 */
export type NodeReport = { readonly n: number; readonly at: number; readonly node: NodeId } & (
  | ReadyLine
  | StatusReport
  | TraceReport
  | LogReport
);

/** The first line, which says that the node listens. `recovered` describes the content of its data folder. */
export interface ReadyLine {
  readonly type: 'ready';
  readonly pid: number;
  readonly clientPort: number;
  readonly peerPort: number;
  /** Admin port; null: there is none. */
  readonly adminPort: number | null;
  readonly recovered: {
    readonly term: Term;
    readonly votedFor: NodeId | null;
    readonly lastIndex: LogIndex;
    /** Last index of the snapshot from which the node started; 0: none. */
    readonly snapshotIndex: LogIndex;
    /**
     * Number of bytes of a torn tail that were removed. A torn tail is a write that a crash interrupted, and nothing in
     * it was acknowledged.
     */
    readonly tornBytes: number;
  };
}

/**
 * Sent at every change of role, term, vote or leader. Otherwise it is sent at least every 500 ms, and after other
 * changes at most every 100 ms.
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
  /** CRC-32 over (term, kind, data) of all entries up to `applied`. Equal logs have equal digests. */
  readonly appliedDigest: number;
  readonly rssBytes: number;
}

/**
 * The steps on which the safety properties are checked. Every role and vote step has its own line; log steps are
 * batched. The log digest at index i is the CRC-32 over digest(i−1), term(i), kind(i) and data(i); digest(0) is 0.
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
   * Entries that were put into the log from index `first` on: `terms[k]` and `digests[k]` belong to index first + k.
   * `truncated` is true if earlier entries from `first` on were removed.
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
   * A snapshot of the applied state up to `index` is on the disk.
   */
  | ({ readonly type: 'TakeSnapshot' } & SnapshotPoint)
  /** A snapshot from the leader has replaced the log and the state. `index` is applied. */
  | ({ readonly type: 'InstallSnapshot' } & SnapshotPoint)
  /**
   * ChangeConf: the configuration of the entry at `index` (0: the founding one) is in force. ApplyConfChange: it is
   * committed.
   */
  | ({ readonly type: 'ChangeConf' | 'ApplyConfChange'; readonly index: LogIndex } & Members)
  /**
   * The entries that were found on the disk at the start, with the fields of Replicate. `snapshot` covers everything
   * before `first`, which is applied already; null: `first` is 1.
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
  /** CRC-32 of the state machine's state. It is the same on all nodes that have applied the same log. */
  readonly state: number;
}

/**
 * The members of the cluster. While `outgoing` (C_old of a joint configuration) is not empty, both majorities are
 * needed.
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
