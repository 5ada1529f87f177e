import type { SnapshotMeta } from './configuration.ts';
import type { Entry, LogIndex, NodeId, Term } from './types.ts';

/**
 * Every message names its sender, its receiver and the sender's term (for PreVote: the term of the intended election).
 */
interface Envelope {
  readonly from: NodeId;
  /**
   * Incarnation of `from`'s data folder (`InitialState.incarnation`). An incarnation that the configuration does not
   * count has forgotten the promises of the counted one: it gets the log, but its answers do not count.
   */
  readonly incarnation: number;
  readonly to: NodeId;
  readonly term: Term;
}

/** §5.2, §5.4.1. `preVote` asks "would you vote for me?" without a new term (dissertation 9.6). */
export interface RequestVote extends Envelope {
  readonly type: 'RequestVote';
  readonly preVote: boolean;
  /** The leader itself asked for this election (dissertation 3.10): hearing it is no reason to ignore the candidate. */
  readonly transfer: boolean;
  readonly lastLogIndex: LogIndex;
  readonly lastLogTerm: Term;
}

export interface RequestVoteResponse extends Envelope {
  readonly type: 'RequestVoteResponse';
  readonly preVote: boolean;
  readonly voteGranted: boolean;
}

/** §5.3: entries that follow (prevLogIndex, prevLogTerm), and the leader's commit index. */
export interface AppendEntries extends Envelope {
  readonly type: 'AppendEntries';
  readonly prevLogIndex: LogIndex;
  readonly prevLogTerm: Term;
  readonly entries: readonly Entry[];
  readonly leaderCommit: LogIndex;
}

/**
 * On success `matchIndex` is the last index known to be durable and equal; on refusal the hint of §5.3's last
 * paragraph.
 */
export interface AppendEntriesResponse extends Envelope {
  readonly type: 'AppendEntriesResponse';
  readonly success: boolean;
  /** success: last durable index that equals the leader's. refusal: the prevLogIndex that was refused. */
  readonly matchIndex: LogIndex;
  /**
   * Refusal only (else 0): the term that the follower has at the refused index, and the first index it has of that
   * term. If its log ends before the refused index: term 0, and the index after its end.
   */
  readonly conflictTerm: Term;
  readonly conflictIndex: LogIndex;
}

/**
 * The heartbeat has a path of its own, so that it never waits for bulk entries or a disk. A server with the entry
 * (`commit`, `commitTerm`) has all committed entries (Log Matching, §5.3). `readContext` > 0 asks the follower to echo
 * it: one quorum round for ReadIndex (dissertation 6.4).
 */
export interface Heartbeat extends Envelope {
  readonly type: 'Heartbeat';
  readonly commit: LogIndex;
  readonly commitTerm: Term;
  readonly readContext: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: 'HeartbeatResponse';
  readonly readContext: number;
}

/**
 * §7: the follower needs what the leader's log no longer has. The message carries no data: the leader's driver streams
 * its newest snapshot to `to`, and calls `raft.reportSnapshot` when that has ended or failed; the receiver's driver
 * hands this message to its core once it has all of the data, checked and durable, with that snapshot's meta in it.
 */
export interface InstallSnapshot extends Envelope {
  readonly type: 'InstallSnapshot';
  readonly snapshot: SnapshotMeta;
}

/** The leader asks the receiver, which has all of its log, to start an election at once (dissertation 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: 'TimeoutNow';
}

export type Message =
  | RequestVote
  | RequestVoteResponse
  | AppendEntries
  | AppendEntriesResponse
  | Heartbeat
  | HeartbeatResponse
  | InstallSnapshot
  | TimeoutNow;

/** Messages that only a leader sends: to receive one is to hear from the leader of its term. */
export function isFromLeader(m: Message): m is AppendEntries | Heartbeat | InstallSnapshot | TimeoutNow {
  return (
    m.type === 'AppendEntries' ||
    m.type === 'Heartbeat' ||
    m.type === 'InstallSnapshot' ||
    m.type === 'TimeoutNow'
  );
}
