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

/** Initial data of a core, from the node's storage. */
export interface InitialState {
  readonly hardState: HardState;
  /**
   * 0 for a founder; else a random number above 0 and below 2^53, drawn when this data folder was made, and stored in
   * it before anything else. A server that lost its folder comes back with another incarnation. It must be removed from
   * the configuration and added again before it may vote, because only the incarnation in the configuration counts.
   */
  readonly incarnation: number;
  /**
   * Newest durable snapshot. The log begins after it, or earlier if not all of its entries were removed. Null: there is
   * none, and the log begins at index 1.
   */
  readonly snapshot: SnapshotMeta | null;
  /** The log after the snapshot, without gaps, all durable. */
  readonly entries: readonly Entry[];
  /** Time of the driver's monotonic clock, ms. */
  readonly nowMs: number;
}

export interface Follower {
  readonly name: 'follower';
  /** The leader of this term; null: not known yet. */
  leader: NodeId | null;
  /** Time at which the leader of the current term was last heard from, in ms. Meaningless while `leader` is null. */
  lastHeardMs: number;
  electionDeadlineMs: number;
  /** True if the deadline was postponed: it was noticed very late, which means that this process had stalled. */
  deadlinePutOff: boolean;
}

/**
 * A `pre-candidate` asks in its old term whether it would win (dissertation 9.6); a `candidate` asks for votes, §5.2.
 */
export interface Candidate {
  readonly name: 'pre-candidate' | 'candidate';
  /** Answers by voter, including its own vote. */
  readonly votes: Map<NodeId, boolean>;
  electionDeadlineMs: number;
}

/** A leadership transfer under way (see `transfer.ts`). */
export interface Transfer {
  readonly to: NodeId;
  /** Time at which the leader gives it up, in ms. */
  readonly deadlineMs: number;
  /** True if TimeoutNow was sent. It is sent again with every heartbeat, because it may be lost. */
  asked: boolean;
}

export interface Leader {
  readonly name: 'leader';
  /** Progress of every other member, and of servers that a change under way removes. */
  readonly progress: Map<NodeId, Progress>;
  /** True if a server in `progress` is not a member of the configuration in force. */
  hasDeparting: boolean;
  /**
   * True if the leader was elected only by its own vote, which may not be durable yet. No other server may learn of
   * this term before the noop at firstIndex, and so the vote, is durable. Otherwise, after a crash, the same term could
   * begin again with other entries.
   */
  mute: boolean;
  /** Index of the noop that began this term. Before it is committed, commitIndex may be out of date (§8). */
  readonly firstIndex: LogIndex;
  /** Time of this leader's last tick, in ms. A gap of an election timeout means that it stalled and may be deposed. */
  lastTickMs: number;
  heartbeatDueMs: number;
  /** Size of the entries that were proposed in this term and are not committed, in bytes. */
  uncommittedBytes: number;
  readonly reads: PendingReads;
  /** Lease of this leader; null: lease reads are off. */
  readonly lease: Lease | null;
  /** Transfer of leadership under way; null: none. */
  transfer: Transfer | null;
  /** True if the next Ready may have to contain messages to followers. */
  appendsDue: boolean;
}

/** State of a role. It exists only while the server has this role. */
export type Role = Follower | Candidate | Leader;

/** One server's state, figure 2. Only the modules of this folder change it, while they handle an input. */
export interface ServerState {
  readonly config: RaftConfig;
  readonly incarnation: number;
  readonly log: RaftLog;
  /** The configurations in the log. Every change of the log updates them (log-change.ts). */
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
   * Time at which a leader of any term was last heard from, in ms. At first it is the time of the start, because this
   * server may have heard from a leader before it.
   */
  heardLeaderMs: number;
  /** Time at which the disk write under way began, in ms; null: no write is under way. The driver sets it. */
  diskBusySinceMs: number | null;
  /**
   * Number of elections that this server may still start without waiting for an election timeout, after the leader's
   * connection broke. 0 after a leader is heard from, or a vote is given to another server.
   */
  quickTries: number;
  /** Last read context that was given out. It never falls, also not in a new term. */
  lastReadContext: number;
}

/** The state of a starting server: a follower. Only the entries in a snapshot are known to be committed. */
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

/** §5.2: draws a new random timeout each time, so that split votes are rare and do not repeat. */
export function drawElectionDeadline(config: RaftConfig, nowMs: number): number {
  const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max } = config;
  return nowMs + min + config.random() * (max - min);
}

/** The common fields of a message to `to` in the current term. */
export function envelope(
  { config, incarnation, currentTerm: term }: ServerState,
  to: NodeId,
): Pick<Message, 'from' | 'incarnation' | 'to' | 'term'> {
  return { from: config.id, incarnation, to, term };
}

/**
 * True if this server may be elected: it is a voter, and has not lost its promises. Until C_new is known to be
 * committed, this includes a server that C_new removes. That server may be the only one with C_new in its log, and then
 * no other server can be elected (dissertation 4.2.2). It does not count itself.
 */
export function mayStand({ config, incarnation, membership, commitIndex }: ServerState): boolean {
  const { current, previous, index } = membership;
  if (counts(current, config.id, incarnation)) return true;
  return index > commitIndex && previous !== null && counts(previous, config.id, incarnation);
}

/** The leader that this server knows, or null. */
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
