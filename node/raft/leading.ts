import { broken } from './invariant.ts';
import type { AppendEntriesResponse, HeartbeatResponse } from './message.ts';
import type { Progress } from './progress.ts';
import { reachedByMajority } from './quorum.ts';
import { commitTo } from './replication.ts';
import { becomeFollower } from './role.ts';
import { envelope } from './state.ts';
import type { Leader, ServerState } from './state.ts';
import type { Entry, LogIndex, NodeId, Term } from './types.ts';

/** A leader's part of letting time pass: CheckQuorum (dissertation 6.2) and heartbeats (§5.2). */
export function leaderTick(state: ServerState, leader: Leader): void {
  const { config, nowMs } = state;
  leader.lastTickMs = nowMs;
  const silentMs = nowMs - lastMajorityContactMs(state, leader);
  if (silentMs >= config.electionTimeoutMaxMs) {
    becomeFollower(state, state.currentTerm, null, 'lost contact with a majority');
    return;
  }
  if (nowMs < leader.heartbeatDueMs) return;
  // Keeps the beat if it can; after a delay it does not try to make up for missed beats.
  leader.heartbeatDueMs =
    Math.max(leader.heartbeatDueMs, nowMs - config.heartbeatMs / 2) + config.heartbeatMs;
  resendLost(state, leader);
  // A retry of a read round is a new round.
  if (leader.reads.rounds > 0 || canBeginReads(state, leader)) beginReadRound(state, leader);
  else sendHeartbeats(state, leader, 0);
}

export function handleAppendEntriesResponse(
  state: ServerState,
  leader: Leader,
  m: AppendEntriesResponse,
): void {
  const progress = leader.progress.get(m.from)!;
  progress.lastContactMs = state.nowMs;
  if (m.success) {
    if (m.matchIndex > state.log.lastIndex)
      broken(`${m.from} acknowledges ${m.matchIndex}: ${state.log.describe()}`);
    progress.succeeded(m.matchIndex);
    advanceCommit(state, leader);
  } else {
    progress.refused(m.matchIndex, nextIndexAfter(state, m));
  }
  progress.assertSane(state.log.lastIndex);
  leader.appendsDue = true;
}

export function handleHeartbeatResponse(state: ServerState, leader: Leader, m: HeartbeatResponse): void {
  const progress = leader.progress.get(m.from)!;
  progress.lastContactMs = state.nowMs;
  if (m.readContext > state.lastReadContext)
    broken(`${m.from} echoes read context ${m.readContext}, never given out`);
  if (m.readContext <= progress.readContext) return;
  progress.readContext = m.readContext;
  confirmReads(state, leader);
}

/**
 * Figure 2's last leader rule, §5.4.2: a majority has it, and it is of this leader's own term. An entry of an older
 * term that a majority has can still be overwritten (figure 8); it is committed by the first own one behind it.
 */
export function advanceCommit(state: ServerState, leader: Leader): void {
  const { log } = state;
  // The leader is one of the majority only as far as its own disk is (dissertation 10.2.1).
  const reached: number[] = [log.durableIndex];
  for (const progress of leader.progress.values()) reached.push(progress.matchIndex);
  const index = reachedByMajority(reached) as LogIndex;
  if (index <= state.commitIndex || log.termAt(index) !== state.currentTerm) return;
  // What `propose` counted: neither the noop at firstIndex nor what other terms left behind.
  for (let at = Math.max(state.commitIndex, leader.firstIndex) + 1; at <= index; at++) {
    leader.uncommittedBytes -= entryCost(log.entryAt(at as LogIndex).data.length);
  }
  commitTo(state, index);
}

/** What an entry counts for against the bounds of messages and of what is uncommitted, bytes. */
export function entryCost(dataBytes: number): number {
  return dataBytes + entryOverheadBytes;
}

/** Sends each follower what it has not been sent, as far as its window allows. */
export function sendAppends(state: ServerState, leader: Leader): void {
  leader.appendsDue = false;
  const { lastIndex } = state.log;
  for (const [to, progress] of leader.progress) {
    if (progress.mode === 'probe') {
      if (progress.probeOut) continue;
      sendAppend(state, to, progress, takeForMessage(state, progress.nextIndex));
      progress.probeOut = true;
      continue;
    }
    while (progress.nextIndex <= lastIndex && progress.inflight < state.config.maxInflightMessages) {
      const entries = takeForMessage(state, progress.nextIndex);
      sendAppend(state, to, progress, entries);
      progress.sent(entries.at(-1)!.index);
    }
  }
}

/**
 * Whether a round for the waiting reads may begin: the leader's own first entry must be committed, or its commit index
 * may be behind what was acknowledged before (dissertation 6.4). While rounds are out, reads gather for the next one.
 */
export function canBeginReads(state: ServerState, leader: Leader): boolean {
  if (leader.reads.waiting === 0 || state.commitIndex < leader.firstIndex) return false;
  return leader.reads.rounds < maxReadRounds;
}

/** A heartbeat round with a context of its own, begun after every read so far has arrived. */
export function beginReadRound(state: ServerState, leader: Leader): void {
  state.lastReadContext++;
  if (state.commitIndex >= leader.firstIndex) leader.reads.begin(state.lastReadContext, state.commitIndex);
  sendHeartbeats(state, leader, state.lastReadContext);
  confirmReads(state, leader);
}

function confirmReads(state: ServerState, leader: Leader): void {
  const echoed: number[] = [state.lastReadContext];
  for (const progress of leader.progress.values()) echoed.push(progress.readContext);
  leader.reads.confirm(reachedByMajority(echoed), state.outbox.reads);
}

/**
 * TCP delivers or breaks, and a broken connection loses what was in it. What was not answered for a whole heartbeat is
 * asked after with an empty message: its answer shows what arrived, at no cost if all did.
 */
function resendLost(state: ServerState, leader: Leader): void {
  for (const [to, progress] of leader.progress) {
    const silent = state.nowMs - progress.lastContactMs >= state.config.electionTimeoutMinMs;
    if (silent) progress.lostContact();
    const waiting = progress.mode === 'probe' ? progress.probeOut : progress.inflight > 0;
    if (waiting && (silent || !progress.answered)) sendAppend(state, to, progress, []);
    progress.answered = false;
  }
}

function sendHeartbeats(state: ServerState, leader: Leader, readContext: number): void {
  for (const [to, { matchIndex }] of leader.progress) {
    // Past its matchIndex the follower may hold something else, which it would commit.
    const commit = Math.min(state.commitIndex, matchIndex) as LogIndex;
    state.outbox.messages.push({ type: 'Heartbeat', ...envelope(state, to), commit, readContext });
  }
}

function sendAppend(state: ServerState, to: NodeId, progress: Progress, entries: readonly Entry[]): void {
  const { log } = state;
  const prevLogIndex = (progress.nextIndex - 1) as LogIndex;
  state.outbox.messages.push({
    type: 'AppendEntries',
    ...envelope(state, to),
    prevLogIndex,
    prevLogTerm:
      log.termAt(prevLogIndex) ?? broken(`nextIndex ${progress.nextIndex} of ${to}: ${log.describe()}`),
    entries,
    leaderCommit: state.commitIndex,
  });
}

/** As many entries from `from` on as one message may hold; one always fits. */
function takeForMessage({ log, config }: ServerState, from: LogIndex): Entry[] {
  const { lastIndex } = log;
  let bytes = 0;
  let to: number = from - 1;
  while (to < lastIndex) {
    bytes += entryCost(log.entryAt((to + 1) as LogIndex).data.length);
    if (bytes > config.maxMessageBytes && to >= from) break;
    to++;
  }
  return log.slice(from, to);
}

/** §5.3: with the conflicting term, skip over the whole term in one step. */
function nextIndexAfter({ log }: ServerState, m: AppendEntriesResponse): LogIndex {
  if (m.conflictTerm === (0 as Term)) return m.conflictIndex;
  const last = log.lastIndexOfTerm(m.conflictTerm);
  return last === undefined ? m.conflictIndex : ((last + 1) as LogIndex);
}

function lastMajorityContactMs(state: ServerState, leader: Leader): number {
  const contacts: number[] = [state.nowMs];
  for (const progress of leader.progress.values()) contacts.push(progress.lastContactMs);
  return reachedByMajority(contacts);
}

/** Index, term, kind, length and framing, roughly: so that empty commands are bounded too. */
const entryOverheadBytes = 32;
/** Read rounds under way at once. More would only be more heartbeats: what waits shares the next. */
const maxReadRounds = 4;
