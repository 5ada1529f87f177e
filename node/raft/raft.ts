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
 * One Raft server as a function of its inputs. No I/O, no clock, no async: every input that depends on time carries
 * `nowMs` of one monotonic clock, and all output is collected until `takeReady`.
 *
 * Before any input is carried out, a leader that has not let time pass for an election timeout (a paused or stalled
 * process) steps down: others may have elected a successor meanwhile, so it answers nothing, sends nothing and reads
 * nothing until it is elected again. Throws InvariantError where a rule of Raft or of this contract is broken.
 */
export class Raft {
  protected readonly state: ServerState;
  readonly #assertions: Assertions | null;

  /** Starts as a follower that knows of no leader. Throws on a malformed config or log. */
  constructor(config: RaftConfig, initial: InitialState) {
    this.state = createState(config, initial);
    this.#assertions = config.assertions === false ? null : new Assertions(this.state);
  }

  /**
   * A message from a peer. A stale message, or one for another server, changes nothing. Its sender need not be in this
   * server's configuration, which may be the older one (dissertation 4.1); decisions that count answers count members
   * only.
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
   * The connection that `peer` sends over has broken. A server that followed it looks for another leader at once,
   * unless this cluster reads by leases, which are promises to wait. `nextDeadlineMs()` is earlier then: tick at that
   * time.
   */
  peerLost(peer: NodeId, nowMs: number): void {
    this.#letTimePass(nowMs);
    leaderLost(this.state, peer);
  }

  /**
   * A new connection, over which entries are sent to `peer`, was made, and the messages on the earlier one may be lost:
   * a leader asks at once where their logs agree, and a candidate asks for its vote again.
   */
  linkMade(peer: NodeId, nowMs: number): void {
    this.#letTimePass(nowMs);
    const { role } = this.state;
    if (role.name === 'leader') greet(this.state, role, peer);
    else askAgain(this.state, peer);
  }

  /**
   * This server has just started and has heard from no leader: its first elections need not wait for a timeout. As with
   * `peerLost`, not if leases are promises to wait.
   */
  hurry(nowMs: number): void {
    this.#letTimePass(nowMs);
    hurryAtStart(this.state);
  }

  /**
   * Time since which the write on this node's disk has been under way, in ms; null: none is. Must be called before a
   * tick.
   */
  diskBusySince(sinceMs: number | null): void {
    this.state.diskBusySinceMs = sinceMs;
  }

  /**
   * Lets time pass: elections, heartbeats, CheckQuorum. Call it every heartbeatMs / 5 or so, or at
   * `nextDeadlineMs()`.
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
    // One command always fits, however large: or it could never be proposed.
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
   * Transfers the leadership to `to`, or to the voter with the longest log (null). Until that has happened, or an
   * election timeout has passed, nothing can be proposed. `status().transferTo` shows the end.
   */
  transferLeadership(to: NodeId | null, nowMs: number): TransferResult {
    this.#letTimePass(nowMs);
    const { state } = this;
    if (state.role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: knownLeader(state) };
    return beginTransfer(state, state.role, to);
  }

  /**
   * The entries of a Ready (`p` names the last) and everything before are durable. Once per Ready with entries, in
   * order. `nowMs`, if given, lets a stalled leader notice here already.
   */
  persisted(p: Persisted, nowMs: number = this.state.nowMs): void {
    this.#letTimePass(nowMs);
    const { state } = this;
    state.log.persisted(p);
    if (state.role.name === 'leader') advanceCommit(state, state.role);
  }

  /** The state machine has applied everything up to `index`, which came in a `Ready.committed`. */
  appliedTo(index: LogIndex): void {
    const { state } = this;
    if (index < state.appliedIndex || index > state.deliveredIndex) {
      broken(`applied ${index}, but before ${state.appliedIndex}, and delivered ${state.deliveredIndex}`);
    }
    state.appliedIndex = index;
  }

  /** Whether `takeReady` would hand out anything. */
  hasReady(): boolean {
    const { state } = this;
    const { role, outbox, log } = state;
    if (!outbox.isEmpty || log.hasUnstored || this.#deliverable() > state.deliveredIndex) return true;
    if (role.name !== 'leader') return false;
    return role.appendsDue || canBeginReads(state, role) || canReadByLease(state, role);
  }

  /** Returns everything since the last call, each thing once. See `Ready` for the order of the work. */
  takeReady(nowMs: number = this.state.nowMs): Ready {
    this.#letTimePass(nowMs);
    const { state } = this;
    const { role, outbox, log } = state;
    // Here and not at each proposal or read: everything that came in one turn shares messages and one read round.
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

  /** Metadata for a snapshot of the state machine that has applied up to `index`. `index` must be in the log. */
  snapshotMeta(index: LogIndex): SnapshotMeta {
    const { log, membership, appliedIndex } = this.state;
    if (index > appliedIndex) broken(`snapshot at ${index}, but applied ${appliedIndex}`);
    const term = log.termAt(index) ?? broken(`snapshot at ${index}: the log is ${log.describe()}`);
    return { index, term, configuration: membership.at(index) };
  }

  /**
   * A snapshot of the applied state is durable: the entries up to `upTo` (≤ `snapshot.index`) may be removed. A server
   * that needs one of them gets a snapshot. From now on `snapshot` is the newest.
   */
  compact(snapshot: SnapshotMeta, upTo: LogIndex): void {
    compactLog(this.state, snapshot, upTo);
  }

  /**
   * Streaming a snapshot to `to`, asked for by an `InstallSnapshot`, has ended (`ok`: `to` has all of it) or failed.
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

  /** A leader's knowledge of the others; empty on other servers. */
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

  /** The one switch: a message of the current term (or a PreVote, which may ask about a later one). */
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

  /** §5.1: a higher term makes a follower. Returns false for a message that must not count at all. */
  #adoptTerm(m: Message): boolean {
    const { state } = this;
    if (m.type === 'RequestVote') {
      if (m.preVote) return true;
      // Dissertation 4.2.3: not even the term is adopted, or a server that cannot hear its leader would depose it. It
      // is not shut out, because it answers the leader's next message with its higher term.
      if (!m.transfer && hearsLiveLeader(state)) return false;
    }
    // A grant of a PreVote repeats the term that was asked about; no one is in that term yet.
    if (m.type === 'RequestVoteResponse' && m.preVote && m.voteGranted) return true;
    const leader = isFromLeader(m) ? m.from : null;
    becomeFollower(state, m.term, leader, `higher term from ${m.from}`);
    return true;
  }

  /** §5.1: messages of an older term are refused; senders that could act on it are told the current term. */
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

  /** Committed, and durable on this node. */
  #deliverable(): LogIndex {
    return Math.min(this.state.commitIndex, this.state.log.durableIndex) as LogIndex;
  }
}

/** A restart with a long log delivers it in pieces, so that one Ready never holds up the event loop for long. */
const maxCommittedPerReady = 4096;
