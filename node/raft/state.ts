import { founding } from './configuration.ts';
import type { SnapshotMeta } from './configuration.ts';
import { broken } from './invariant.ts';
import { RaftLog } from './log.ts';
import type { Lease } from './lease.ts';
import { counts, Membership } from './membership.ts';
import type { Message } from './message.ts';
import { Outbox } from './outbox.ts';
import type { Progress } from './progress.ts';
import type { PendingReads } from './read-index.ts';
import type { RaftConfig } from './ready.ts';
import type { Entry, HardState, LogIndex, NodeId, Term } from './types.ts';

/** Initial data of a node, from its storage. */
export interface InitialState {
  readonly hardState: HardState;
  /**
   * 0 for a founder; else a random number above 0, below 2^53, drawn when this data folder was made (and durable in it
   * before anything else): a server that lost its folder comes back as another one, which must be removed from the
   * configuration and added again before it may vote. It counts only as the incarnation that the configuration names.
   */
  readonly incarnation: number;
  /**
   * Position before the first stored entry: the end of its compaction, or of the snapshot that replaced it. Null: the
   * log begins at index 1.
   */
  readonly snapshot: SnapshotMeta | null;
  /** The log after the snapshot, without gaps, all durable. */
  readonly entries: readonly Entry[];
  /** Time of the driver's monotonic clock, ms. */
  readonly nowMs: number;
}

export interface Follower {
  readonly name: 'follower';
  /** The leader of this term, as soon as it is known. */
  leader: NodeId | null;
  /** Time at which the leader of the current term was last heard from, in ms. Meaningless while `leader` is null. */
  lastHeardMs: number;
  electionDeadlineMs: number;
  /** True if the deadline was noticed so late that this process must have stalled, and was postponed once. */
  deadlinePutOff: boolean;
}

/** `pre-candidate` asks whether it would win, in its old term (dissertation 9.6); `candidate` asks for votes, §5.2. */
export interface Candidate {
  readonly name: 'pre-candidate' | 'candidate';
  /** Answers by voter, its own among them. */
  readonly votes: Map<NodeId, boolean>;
  electionDeadlineMs: number;
}

/** A leadership transfer under way (see `transfer.ts`). */
export interface Transfer {
  readonly to: NodeId;
  /** Time at which the leader gives it up, in ms. */
  readonly deadlineMs: number;
  /** TimeoutNow was sent, and is sent again with every heartbeat: it may be lost. */
  asked: boolean;
}

export interface Leader {
  readonly name: 'leader';
  /** Every other member; for a while also those that a configuration under way removes. */
  readonly progress: Map<NodeId, Progress>;
  /** Someone in `progress` is no member of the configuration in force. */
  hasDeparting: boolean;
  /**
   * True if it was elected by its own vote alone, which may not be durable yet: no other server may learn this term
   * before the noop at firstIndex is durable, and the vote with it. After a crash the same term would begin again, with
   * other entries.
   */
  mute: boolean;
  /** Index of the noop that began this term. Before it is committed, commitIndex may be out of date (§8). */
  readonly firstIndex: LogIndex;
  /** When this leader last let time pass. A gap of an election timeout means that it stalled: it may be deposed. */
  lastTickMs: number;
  heartbeatDueMs: number;
  /** Cost of the entries that were proposed in this term and are not committed, bytes. */
  uncommittedBytes: number;
  readonly reads: PendingReads;
  /** Null: lease reads are off. */
  readonly lease: Lease | null;
  /** Transfer of leadership under way; null: none. */
  transfer: Transfer | null;
  /** Something may have to be sent to a follower with the next Ready. */
  appendsDue: boolean;
}

/** A leader's state exists only while it leads; likewise a candidate's votes. */
export type Role = Follower | Candidate | Leader;

/** One server's state, figure 2. Changed only by the modules of this folder, while an input is carried out. */
export interface ServerState {
  readonly config: RaftConfig;
  readonly incarnation: number;
  readonly log: RaftLog;
  /** The configurations in the log; follows every change of it (log-change.ts). */
  readonly membership: Membership;
  /** The newest durable snapshot; null: none. Its index is at or after the log's base. */
  snapshot: SnapshotMeta | null;
  readonly outbox: Outbox;
  /** Latest term seen. Never falls. */
  currentTerm: Term;
  /** The candidate that this node voted for in currentTerm. Set once per term. */
  votedFor: NodeId | null;
  /** Highest entry known to be committed. Never falls. */
  commitIndex: LogIndex;
  /** Last entry returned in `Ready.committed`. ≤ commitIndex and ≤ the durable index. */
  deliveredIndex: LogIndex;
  /** Last entry the driver has applied. ≤ deliveredIndex. */
  appliedIndex: LogIndex;
  role: Role;
  /** Time of the latest input, ms. */
  nowMs: number;
  /**
   * Time at which a leader of any term was last heard from, in ms; at first the time of the start, because one may have
   * been heard before.
   */
  heardLeaderMs: number;
  /** Time since which the write on this server's disk has been under way, in ms; null: none is. The driver sets it. */
  diskBusySinceMs: number | null;
  /**
   * Number of elections that may still be tried without waiting for an election timeout, since the leader's connection
   * broke. 0 after a leader is heard from, or a vote is given to another server.
   */
  quickTries: number;
  /** Last read context that was given out. Never falls and never begins again, not even in a new term. */
  lastReadContext: number;
}

/** The state of a starting server: a follower that knows nothing to be committed except the entries in a snapshot. */
export function createState(config: RaftConfig, initial: InitialState): ServerState {
  checkConfig(config);
  const { hardState, incarnation, snapshot, entries, nowMs } = initial;
  const log = snapshot === null ? new RaftLog(entries) : new RaftLog(entries, snapshot);
  const membership = new Membership(
    snapshot ?? { index: 0 as LogIndex, configuration: founding(config.peers) },
  );
  for (const entry of entries) if (entry.kind === 'config') membership.append(entry);
  const known = snapshot?.index ?? (0 as LogIndex);
  if (log.lastTerm > hardState.term) {
    broken(
      `the log ends in term ${log.lastTerm}, but the stored term is ${hardState.term}: stored state was lost`,
    );
  }
  return {
    config,
    incarnation,
    log,
    membership,
    snapshot,
    outbox: new Outbox(),
    currentTerm: hardState.term,
    votedFor: hardState.votedFor,
    commitIndex: known,
    deliveredIndex: known,
    appliedIndex: known,
    role: newFollower(config, null, nowMs),
    nowMs,
    heardLeaderMs: nowMs,
    diskBusySinceMs: null,
    quickTries: 0,
    lastReadContext: 0,
  };
}

export function newFollower(config: RaftConfig, leader: NodeId | null, nowMs: number): Follower {
  const electionDeadlineMs = drawElectionDeadline(config, nowMs);
  return { name: 'follower', leader, lastHeardMs: nowMs, electionDeadlineMs, deadlinePutOff: false };
}

/** §5.2: a new random timeout each time, so that split votes are rare and do not repeat. */
export function drawElectionDeadline(config: RaftConfig, nowMs: number): number {
  const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = config;
  return nowMs + min + config.random() * (max - min);
}

/** The head of a message to `to` in the current term. */
export function envelope(
  { config, incarnation, currentTerm: term }: ServerState,
  to: NodeId,
): Pick<Message, 'from' | 'incarnation' | 'to' | 'term'> {
  return { from: config.id, incarnation, to, term };
}

/**
 * True if this server may be elected: it is a voter, and has not forgotten its promises. While C_new is not known to be
 * committed, this includes a server that C_new removes: it may be the only one that has C_new, so that the others
 * cannot elect a leader without it (dissertation 4.2.2). It does not count itself.
 */
export function mayStand({ config, incarnation, membership, commitIndex }: ServerState): boolean {
  const { current, previous, index } = membership;
  if (counts(current, config.id, incarnation)) return true;
  return index > commitIndex && previous !== null && counts(previous, config.id, incarnation);
}

/** The leader, as far as this server knows. */
export function knownLeader(state: ServerState): NodeId | null {
  if (state.role.name === 'leader') return state.config.id;
  return state.role.name === 'follower' ? state.role.leader : null;
}

function checkConfig(config: RaftConfig): void {
  const { id, peers, heartbeatMs, electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = config;
  if (peers.length > 0 && !peers.includes(id))
    broken(`config: peers [${peers.join(', ')}] do not contain this node, ${id}`);
  if (new Set(peers).size !== peers.length) broken(`config: peers [${peers.join(', ')}] repeat a node`);
  if (!(heartbeatMs > 0 && heartbeatMs < min))
    broken(`config: heartbeat ${heartbeatMs} ms must lie in (0, ${min})`);
  if (!(min < max)) broken(`config: election timeout range [${min}, ${max}) ms is empty`);
  const { leaseReads } = config;
  if (leaseReads !== undefined && !(leaseReads.maxClockDrift >= 0 && leaseReads.maxClockDrift < 1))
    broken(`config: clock drift ${leaseReads.maxClockDrift} must lie in [0, 1)`);
  for (const bound of ['maxInflightMessages', 'maxMessageBytes', 'maxUncommittedBytes'] as const) {
    if (!(config[bound] > 0)) broken(`config: ${bound} ${config[bound]} must be positive`);
  }
}
