import {
  askAgain,
  electionTimeout,
  handleRequestVote,
  handleRequestVoteResponse,
  handleTimeoutNow,
  hearsLiveLeader,
  refuseVote,
} from './election.ts';
import { compactLog, handleInstallSnapshot, installFromOldLeader } from './installing.ts';
import { diskHangs } from './disk.ts';
import { hurryAtStart, leaderLost } from './failover.ts';
import { broken } from './invariant.ts';
import {
  advanceCommit,
  beginReadRound,
  canBeginReads,
  handleAppendEntriesResponse,
  handleHeartbeatResponse,
  leaderTick,
  snapshotSent,
} from './leading.ts';
import { appendOwn } from './log-change.ts';
import { canReadByLease, readByLease } from './lease-reads.ts';
import { entryCost } from './log.ts';
import { isFromLeader } from './message.ts';
import type { Message } from './message.ts';
import type {
  ChangeResult,
  CoreStatus,
  FollowerStatus,
  Persisted,
  ProposeResult,
  RaftConfig,
  ReadResult,
  Ready,
  TransferResult,
} from './ready.ts';
import { handleAppendEntries, handleHeartbeat, refuseOldLeader } from './replication.ts';
import { becomeFollower } from './role.ts';
import { greet, sendAppends } from './sending.ts';
import { Assertions } from './assertions.ts';
import { proposeConfiguration } from './changing.ts';
import type { MemberChange, SnapshotMeta } from './configuration.ts';
import { createState, knownLeader } from './state.ts';
import type { InitialState, ServerState } from './state.ts';
import { beginTransfer, continueTransfer } from './transfer.ts';
import type { LogIndex, NodeId } from './types.ts';

/**
 * One Raft server as a function of its inputs. It uses no I/O, no clock and no Promise: every input that depends on
 * time has the time `nowMs` of one monotonic clock, and all output is collected until `takeReady`.
 *
 * A leader whose process was paused or stalled for an election timeout steps down before it handles the next input. The
 * others may have elected a successor meanwhile, so it answers nothing, sends nothing and reads nothing until it is
 * elected again. Every method throws InvariantError if a rule of Raft or of this contract is broken.
 */
export class Raft {
  protected readonly state: ServerState;
  readonly #assertions: Assertions | null;

  /** Starts as a follower that knows no leader. Throws if the config or the log is not valid. */
  constructor(config: RaftConfig, initial: InitialState) {
    this.state = createState(config, initial);
    this.#assertions = config.assertions === false ? null : new Assertions(this.state);
  }

  /**
   * Handles a message from a peer. A stale message, or one for another server, changes nothing. The sender need not be
   * in this server's configuration, which may be out of date (dissertation 4.1). But only the answers of members are
   * counted.
   */
  step(message: Message, nowMs: number): void {
    const { state } = this;
    if (message.to !== state.config.id || message.from === state.config.id) return;
    this.#letTimePass(nowMs);
    if (message.term > state.currentTerm && !this.#adoptTerm(message)) return;
    if (message.term < state.currentTerm) {
      this.#answerOldTerm(message);
      return;
    }
    this.dispatch(message);
  }

  /**
   * Handles the loss of the connection over which `peer` sends. A server that follows `peer` soon starts a PreVote,
   * unless this cluster uses lease reads, which rely on promises to wait. `nextDeadlineMs()` is earlier after this
   * call.
   */
  peerLost(peer: NodeId, nowMs: number): void {
    this.#letTimePass(nowMs);
    leaderLost(this.state, peer);
  }

  /**
   * Handles a new connection over which entries are sent to `peer`. Messages on the earlier connection may be lost, so
   * a leader asks at once where the logs agree, and a candidate asks for the vote of `peer` again.
   */
  linkMade(peer: NodeId, nowMs: number): void {
    this.#letTimePass(nowMs);
    const { role } = this.state;
    if (role.name === 'leader') greet(this.state, role, peer);
    else askAgain(this.state, peer);
  }

  /**
   * Lets a server that has just started, and has heard from no leader, start its first elections without waiting for a
   * timeout. As with `peerLost`, this has no effect if the cluster uses lease reads.
   */
  hurry(nowMs: number): void {
    this.#letTimePass(nowMs);
    hurryAtStart(this.state);
  }

  /**
   * Sets the time at which the disk write that is under way began, in ms; null: no write is under way. Call it before
   * each tick.
   */
  diskBusySince(sinceMs: number | null): void {
    this.state.diskBusySinceMs = sinceMs;
  }

  /**
   * Does the work that is due at this time: elections, heartbeats, CheckQuorum. Call it about every heartbeatMs / 5, or
   * at `nextDeadlineMs()`.
   */
  tick(nowMs: number): void {
    this.#letTimePass(nowMs);
    const { state } = this;
    if (state.role.name === 'leader') leaderTick(state, state.role);
    else if (state.nowMs >= state.role.electionDeadlineMs) electionTimeout(state);
  }

  /** Appends a command if this node leads. The bytes are kept, not copied. */
  propose(data: Uint8Array, nowMs: number): ProposeResult {
    this.#letTimePass(nowMs);
    const { state } = this;
    const { role, config, currentTerm: term } = state;
    if (role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: knownLeader(state) };
    if (role.transfer !== null) return { ok: false, reason: 'transferring', to: role.transfer.to };
    const cost = entryCost(data.length);
    // If nothing is uncommitted, a command of any size is accepted, because otherwise it could never be proposed.
    if (role.uncommittedBytes > 0 && role.uncommittedBytes + cost > config.maxUncommittedBytes) {
      return { ok: false, reason: 'busy' };
    }
    return { ok: true, index: appendOwn(state, role, 'command', data), term };
  }

  /** Asks for a linearizable read; it comes back in `Ready.reads` or `Ready.failedReads` under this number. */
  readIndex(requestId: number, nowMs: number): ReadResult {
    this.#letTimePass(nowMs);
    const { state } = this;
    if (state.role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: knownLeader(state) };
    state.role.reads.add(requestId);
    return { ok: true };
  }

  /**
   * Transfers the leadership to `to`, or to the voter with the longest log (null). Proposals are refused until the
   * transfer is complete or an election timeout has passed. Then `status().transferTo` is null.
   */
  transferLeadership(to: NodeId | null, nowMs: number): TransferResult {
    this.#letTimePass(nowMs);
    const { state } = this;
    if (state.role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: knownLeader(state) };
    return beginTransfer(state, state.role, to);
  }

  /**
   * Call it when the entries of a Ready, of which `p` is the last, and everything before are durable: once for each
   * Ready with entries, in order. If `nowMs` is given, a leader that stalled steps down in this call already.
   */
  persisted(p: Persisted, nowMs: number = this.state.nowMs): void {
    this.#letTimePass(nowMs);
    const { state } = this;
    state.log.persisted(p);
    if (state.role.name === 'leader') advanceCommit(state, state.role);
  }

  /** Call it when the state machine has applied everything up to `index`, which was in a `Ready.committed`. */
  appliedTo(index: LogIndex): void {
    const { state } = this;
    if (index < state.appliedIndex || index > state.deliveredIndex) {
      broken(
        `cannot move the applied index from ${state.appliedIndex} to ${index}: delivered up to ${state.deliveredIndex}`,
      );
    }
    state.appliedIndex = index;
  }

  /** True if `takeReady` would return any output. */
  hasReady(): boolean {
    const { state } = this;
    const { role, outbox, log } = state;
    if (!outbox.isEmpty || log.hasUnstored || this.#deliverable() > state.deliveredIndex) return true;
    if (role.name !== 'leader') return false;
    return role.appendsDue || canBeginReads(state, role) || canReadByLease(state, role);
  }

  /** Returns all output since the last call. `Ready` describes what to do with it, and in which order. */
  takeReady(nowMs: number = this.state.nowMs): Ready {
    this.#letTimePass(nowMs);
    const { state } = this;
    const { role, outbox, log } = state;
    // Done here and not for each proposal or read, so that all inputs of one turn share messages and one read round.
    if (role.name === 'leader') {
      if (role.appendsDue) sendAppends(state, role);
      readByLease(state, role);
      if (canBeginReads(state, role)) beginReadRound(state, role);
      if (role.transfer !== null) continueTransfer(state, role, role.transfer);
    }
    const hardState = outbox.hardStateChanged ? { term: state.currentTerm, votedFor: state.votedFor } : null;
    const entries = log.takeUnstored();
    const last = Math.min(this.#deliverable(), state.deliveredIndex + maxCommittedPerReady) as LogIndex;
    const committed = log.slice(state.deliveredIndex + 1, last);
    state.deliveredIndex = last;
    const ready: Ready = { hardState, entries, committed, ...outbox.take() };
    this.#assertions?.check(ready);
    return ready;
  }

  /** Metadata for a snapshot of the state machine after it has applied `index`, which must be in the log. */
  snapshotMeta(index: LogIndex): SnapshotMeta {
    const { log, membership, appliedIndex } = this.state;
    if (index > appliedIndex) broken(`snapshot at ${index}, but applied ${appliedIndex}`);
    const term = log.termAt(index) ?? broken(`snapshot at ${index}: the log is ${log.describe()}`);
    return { index, term, configuration: membership.at(index) };
  }

  /**
   * Call it when `snapshot`, of the applied state, is durable. The entries up to `upTo` (≤ `snapshot.index`) are
   * removed. A follower that needs one of them gets a snapshot.
   */
  compact(snapshot: SnapshotMeta, upTo: LogIndex): void {
    compactLog(this.state, snapshot, upTo);
  }

  /**
   * Call it when the streaming of a snapshot to `to`, which an `InstallSnapshot` asked for, has ended. `ok`: `to` has
   * received all of it; else the transfer failed.
   */
  reportSnapshot(to: NodeId, ok: boolean, nowMs: number): void {
    this.#letTimePass(nowMs);
    const { state } = this;
    if (state.role.name === 'leader') snapshotSent(state, state.role, to, ok);
  }

  /** Changes the membership, if this node leads: all of `changes` at once, by joint consensus. */
  proposeConfiguration(changes: readonly MemberChange[], nowMs: number): ChangeResult {
    this.#letTimePass(nowMs);
    return proposeConfiguration(this.state, changes);
  }

  /** A leader's knowledge of the other servers; empty if this server does not lead. */
  followers(): readonly FollowerStatus[] {
    const { role } = this.state;
    if (role.name !== 'leader') return [];
    return Array.from(role.progress, ([id, progress]) => {
      const { mode, matchIndex, nextIndex, inflight, inflightBytes, pendingSnapshot, lastContactMs } =
        progress;
      return { id, mode, matchIndex, nextIndex, inflight, inflightBytes, pendingSnapshot, lastContactMs };
    });
  }

  status(): CoreStatus {
    const { config, role, log, membership, currentTerm: term, votedFor, commitIndex } = this.state;
    const { lastIndex, lastTerm, durableIndex, base } = log;
    const leader = knownLeader(this.state);
    return {
      id: config.id,
      role: role.name,
      term,
      votedFor,
      leader,
      diskHangs: diskHangs(this.state),
      transferTo: role.name === 'leader' ? (role.transfer?.to ?? null) : null,
      commitIndex,
      lastIndex,
      lastTerm,
      durableIndex,
      baseIndex: base.index,
      configuration: membership.current,
      configurationIndex: membership.index,
    };
  }

  /** The next time at which `tick` has something to do, ms. */
  nextDeadlineMs(): number {
    const { role } = this.state;
    return role.name === 'leader' ? role.heartbeatDueMs : role.electionDeadlineMs;
  }

  /** Handles a message of the current term, or a PreVote, which may ask about a later term. */
  protected dispatch(message: Message): void {
    const { state } = this;
    switch (message.type) {
      case 'RequestVote':
        return handleRequestVote(state, message);
      case 'RequestVoteResponse':
        return handleRequestVoteResponse(state, message);
      case 'AppendEntries':
        return handleAppendEntries(state, message);
      case 'Heartbeat':
        return handleHeartbeat(state, message);
      case 'AppendEntriesResponse':
        if (state.role.name === 'leader') handleAppendEntriesResponse(state, state.role, message);
        return;
      case 'HeartbeatResponse':
        if (state.role.name === 'leader') handleHeartbeatResponse(state, state.role, message);
        return;
      case 'InstallSnapshot':
        return handleInstallSnapshot(state, message);
      case 'TimeoutNow':
        return handleTimeoutNow(state, message);
      default:
        message satisfies never;
    }
  }

  /** §5.1: a higher term makes this server a follower. Returns false for a message that must be ignored. */
  #adoptTerm(m: Message): boolean {
    const { state } = this;
    if (m.type === 'RequestVote') {
      if (m.preVote) return true;
      // Dissertation 4.2.3: the term is not adopted either, because otherwise a server that cannot hear the leader
      // would depose it. That server is not excluded, because it answers the leader's next message with its higher
      // term.
      if (!m.transfer && hearsLiveLeader(state)) return false;
    }
    // A grant of a PreVote repeats the term that was asked about. No server need be in that term yet.
    if (m.type === 'RequestVoteResponse' && m.preVote && m.voteGranted) return true;
    const leader = isFromLeader(m) ? m.from : null;
    becomeFollower(state, m.term, leader, `higher term from ${m.from}`);
    return true;
  }

  /** §5.1: refuses messages of an older term. Senders that can use the current term are told it. */
  #answerOldTerm(m: Message): void {
    if (m.type === 'RequestVote') refuseVote(this.state, m);
    if (m.type === 'InstallSnapshot') installFromOldLeader(this.state, m);
    if (isFromLeader(m) && m.type !== 'TimeoutNow') refuseOldLeader(this.state, m);
  }

  /** Notes the time, and ends a leadership or candidacy if this process has stalled for too long. */
  #letTimePass(nowMs: number): void {
    const { state } = this;
    const { role, config } = state;
    state.nowMs = Math.max(state.nowMs, nowMs);
    if (role.name === 'follower') return;
    const sinceMs = role.name === 'leader' ? role.lastTickMs : role.electionDeadlineMs;
    const stalledMs = state.nowMs - sinceMs;
    if (stalledMs < config.electionTimeoutMinMs) return;
    becomeFollower(state, state.currentTerm, null, `stalled for ${Math.round(stalledMs)} ms`);
  }

  /** Last index that is committed, and durable on this node. */
  #deliverable(): LogIndex {
    return Math.min(this.state.commitIndex, this.state.log.durableIndex) as LogIndex;
  }
}

/** Maximum number of committed entries per Ready, so that a long log does not block the event loop after a restart. */
const maxCommittedPerReady = 4096;
