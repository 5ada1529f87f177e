import { advanceChange } from './changing.ts';
import { stepDownIfDiskHangs } from './disk.ts';
import { broken } from './invariant.ts';
import { incarnationOf } from './membership.ts';
import type { AppendEntriesResponse, HeartbeatResponse } from './message.ts';
import type { Progress } from './progress.ts';
import { reachedByQuorum } from './quorum.ts';
import { commitTo } from './replication.ts';
import { becomeFollower } from './role.ts';
import { resendLost, sendHeartbeats } from './sending.ts';
import { transferBeat } from './transfer.ts';
import type { Leader, ServerState } from './state.ts';
import type { LogIndex, NodeId, Term } from './types.ts';

/** Does the leader's work of a tick: CheckQuorum (dissertation 6.2) and heartbeats (§5.2). */
export function leaderTick(state: ServerState, leader: Leader): void {
  const { config, nowMs } = state;
  leader.lastTickMs = nowMs;
  if (stepDownIfDiskHangs(state)) return;
  const silentMs = nowMs - reached(state, leader, nowMs, (progress) => progress.lastContactMs);
  if (silentMs >= config.electionTimeoutMaxMs) {
    becomeFollower(state, state.currentTerm, null, 'lost contact with a majority');
    return;
  }
  if (nowMs < leader.heartbeatDueMs) return;
  // Keeps the regular interval if possible. After a delay, missed heartbeats are not sent later.
  leader.heartbeatDueMs =
    Math.max(leader.heartbeatDueMs, nowMs - config.heartbeatMs / 2) + config.heartbeatMs;
  if (leader.mute) return;
  resendLost(state, leader);
  if (leader.transfer !== null) transferBeat(state, leader, leader.transfer);
  // A retry of a read round is a new round.
  if (leader.lease !== null || leader.reads.rounds > 0 || canBeginReads(state, leader))
    beginReadRound(state, leader);
  else sendHeartbeats(state, leader, 0);
}

export function handleAppendEntriesResponse(
  state: ServerState,
  leader: Leader,
  m: AppendEntriesResponse,
): void {
  const progress = leader.progress.get(m.from);
  if (progress === undefined) return;
  progress.heard(m.incarnation, state.nowMs);
  if (m.success) {
    if (m.matchIndex > state.log.lastIndex)
      broken(`${m.from} acknowledges ${m.matchIndex}: ${state.log.describe()}`);
    progress.succeeded(m.matchIndex, state.log.base.index);
    advanceCommit(state, leader);
  } else {
    progress.refused(m.matchIndex, nextIndexAfter(state, m));
  }
  progress.assertSane(state.log.lastIndex);
  leader.appendsDue = true;
}

export function handleHeartbeatResponse(state: ServerState, leader: Leader, m: HeartbeatResponse): void {
  const progress = leader.progress.get(m.from);
  if (progress === undefined) return;
  if (progress.heard(m.incarnation, state.nowMs)) leader.appendsDue = true;
  if (m.readContext > state.lastReadContext)
    broken(`${m.from} echoes read context ${m.readContext}, which was never given out`);
  if (m.readContext <= progress.readContext) return;
  progress.readContext = m.readContext;
  confirmReads(state, leader);
}

/**
 * Figure 2's last leader rule, §5.4.2: an entry is committed if a majority has it and it is of this leader's own term.
 * An entry of an older term that a majority has can still be overwritten (figure 8). It is committed together with the
 * first entry of the leader's own term after it.
 */
export function advanceCommit(state: ServerState, leader: Leader): void {
  const { log } = state;
  if (leader.mute && log.durableIndex >= leader.firstIndex) {
    leader.mute = false;
    leader.appendsDue = true;
  }
  // The leader counts for the majority only up to the index that is on its own disk (dissertation 10.2.1).
  const index = reached(state, leader, log.durableIndex, (progress) => progress.matchIndex) as LogIndex;
  if (index <= state.commitIndex || log.termAt(index) !== state.currentTerm) return;
  // Subtracts only bytes that `propose` counted: not the noop at firstIndex, and not entries of other terms.
  leader.uncommittedBytes -= log.costOf(Math.max(state.commitIndex, leader.firstIndex) + 1, index);
  commitTo(state, index);
  advanceChange(state, leader);
}

/**
 * True if a round for the waiting reads may begin. The leader's own first entry must be committed, because its commit
 * index could otherwise be older than acknowledged writes (dissertation 6.4). While the maximum number of rounds is
 * under way, reads wait together for the next one.
 */
export function canBeginReads(state: ServerState, leader: Leader): boolean {
  if (leader.reads.waiting === 0 || state.commitIndex < leader.firstIndex) return false;
  return leader.reads.rounds < maxReadRounds;
}

/** Begins a heartbeat round for all waiting reads, with a new context. */
export function beginReadRound(state: ServerState, leader: Leader): void {
  state.lastReadContext++;
  if (state.commitIndex >= leader.firstIndex) leader.reads.begin(state.lastReadContext, state.commitIndex);
  leader.lease?.asked(state.lastReadContext, state.nowMs);
  sendHeartbeats(state, leader, state.lastReadContext);
  confirmReads(state, leader);
}

function confirmReads(state: ServerState, leader: Leader): void {
  const echoed = reached(state, leader, state.lastReadContext, (progress) => progress.readContext);
  leader.lease?.confirmed(echoed);
  leader.reads.confirm(echoed, state.outbox.reads);
}

/**
 * Call it after the driver has streamed a snapshot to `to` (`ok`), or failed to. On success the follower is asked for
 * its position; on failure the next heartbeat tries again.
 */
export function snapshotSent({ log }: ServerState, leader: Leader, to: NodeId, ok: boolean): void {
  leader.progress.get(to)?.snapshotSent(ok, log.base.index);
  leader.appendsDue = true;
}

/** §5.3: uses the conflicting term to skip the whole term in one step. */
function nextIndexAfter({ log }: ServerState, m: AppendEntriesResponse): LogIndex {
  if (m.conflictTerm === (0 as Term)) return m.conflictIndex;
  const last = log.lastIndexOfTerm(m.conflictTerm);
  return last === undefined ? m.conflictIndex : ((last + 1) as LogIndex);
}

/**
 * The highest value that a quorum has reached. `own` is the leader's value; it counts if the leader is a voter. A
 * server that has lost its promises does not count (membership.ts).
 */
function reached(
  { config, membership: { current } }: ServerState,
  leader: Leader,
  own: number,
  valueOf: (progress: Progress) => number,
): number {
  return reachedByQuorum(current, (id) => {
    if (id === config.id) return own;
    const progress = leader.progress.get(id)!;
    return progress.incarnation === incarnationOf(current, id) ? valueOf(progress) : -Infinity;
  });
}

/**
 * Maximum number of read rounds under way. More would only mean more heartbeats, because waiting reads share the next
 * round.
 */
const maxReadRounds = 4;
