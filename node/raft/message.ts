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
  /**
   * True if the leader asked for this election (dissertation 3.10). Then servers that hear the leader may vote, too.
   */
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
 * A success tells up to which index the follower's log is durable and equal to the leader's. A refusal has the hint of
 * §5.3's last paragraph.
 */
export interface AppendEntriesResponse extends Envelope {
  readonly type: 'AppendEntriesResponse';
  readonly success: boolean;
  /**
   * Success: last index up to which the log is durable and equal to the leader's. Refusal: the refused prevLogIndex.
   */
  readonly matchIndex: LogIndex;
  /**
   * In a refusal: the follower's term at the refused index, and its first index of that term. If its log ends before
   * the refused index: term 0, and the index after its end. In a success both are 0.
   */
  readonly conflictTerm: Term;
  readonly conflictIndex: LogIndex;
}

/**
 * Heartbeats are separate from AppendEntries, so that they never wait for bulk entries or a disk. A server with the
 * entry (`commit`, `commitTerm`) has all entries up to it (Log Matching, §5.3). The follower echoes `readContext`,
 * which makes a quorum round for ReadIndex (dissertation 6.4) if it is above 0.
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
 * §7: the follower needs entries that the leader's log no longer has. This message has no data. The leader's driver
 * streams its newest snapshot to `to`, and calls `raft.reportSnapshot` when that has ended or failed. When all data is
 * checked and durable at the receiver, its driver hands this message, with the meta of that snapshot, to its core.
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

/** True for messages that only a leader sends. A server that receives one hears from the leader of that term. */
export function isFromLeader(m: Message): m is AppendEntries | Heartbeat | InstallSnapshot | TimeoutNow {
  return (
    m.type === 'AppendEntries' ||
    m.type === 'Heartbeat' ||
    m.type === 'InstallSnapshot' ||
    m.type === 'TimeoutNow'
  );
}
