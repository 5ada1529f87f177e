import { broken } from './invariant.ts';
import type { Progress } from './progress.ts';
import { envelope } from './state.ts';
import type { Leader, ServerState } from './state.ts';
import type { Entry, LogIndex, NodeId } from './types.ts';

/** Sends to each follower the entries that were not sent to it yet, as many as its window allows. */
export function sendAppends(state: ServerState, leader: Leader): void {
  leader.appendsDue = false;
  if (leader.mute) return;
  // Followers that are up to date get the same entries, so the last slice is used again.
  let last: readonly Entry[] = [];
  let bytes = 0;
  for (const [to, progress] of leader.progress) {
    if (progress.mode === 'probe') {
      if (!progress.probeOut) probe(state, to, progress, true);
      continue;
    }
    while (
      progress.mode === 'replicate' &&
      progress.nextIndex <= state.log.lastIndex &&
      hasRoom(state, progress)
    ) {
      if (needsSnapshot(state, progress)) {
        sendSnapshot(state, to, progress);
        break;
      }
      if (last[0]?.index !== progress.nextIndex) {
        last = takeForMessage(state, progress.nextIndex);
        bytes = state.log.costOf(progress.nextIndex, last.at(-1)!.index);
      }
      sendAppend(state, to, progress, last);
      progress.sent(last.at(-1)!.index, bytes);
    }
  }
}

/**
 * Finds out if messages were lost, because a connection that breaks loses its content. If there was no answer for a
 * whole heartbeat interval, an empty message is sent. Its answer shows which entries have arrived.
 */
export function resendLost(state: ServerState, leader: Leader): void {
  for (const [to, progress] of leader.progress) {
    if (progress.mode === 'snapshot') continue;
    const silent = state.nowMs - progress.lastContactMs >= state.config.electionTimeoutMinMs;
    if (silent) progress.lostContact();
    const waiting = progress.mode === 'probe' ? progress.probeOut : progress.inflight > 0;
    if (waiting && (silent || !progress.answered)) probe(state, to, progress, false);
    progress.answered = false;
  }
}

export function sendHeartbeats(state: ServerState, leader: Leader, readContext: number): void {
  for (const to of leader.progress.keys()) sendHeartbeat(state, to, readContext);
}

function sendHeartbeat(state: ServerState, to: NodeId, readContext: number): void {
  const { commitIndex: commit, log, outbox } = state;
  const commitTerm = log.termAt(commit) ?? broken(`commit ${commit}: the log is ${log.describe()}`);
  outbox.messages.push({ type: 'Heartbeat', ...envelope(state, to), commit, commitTerm, readContext });
}

/** Sends a heartbeat to a peer that can be reached again, so that it learns the leader and answers soon. */
export function greet(state: ServerState, leader: Leader, to: NodeId): void {
  const progress = leader.progress.get(to);
  if (progress === undefined) return;
  progress.linkMade();
  leader.appendsDue = true;
  if (!leader.mute) sendHeartbeat(state, to, 0);
}

/** Sends entries from `progress.nextIndex` on. The log must still have the entry before it, or end there. */
export function sendAppend(
  state: ServerState,
  to: NodeId,
  progress: Progress,
  entries: readonly Entry[],
): void {
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

/**
 * True if the window has room for another message. Both messages and bytes are limited, and a command that is larger
 * than a message counts with its full size.
 */
function hasRoom({ config }: ServerState, { inflight, inflightBytes }: Progress): boolean {
  const { maxInflightMessages, maxMessageBytes } = config;
  return inflight < maxInflightMessages && inflightBytes < maxInflightMessages * maxMessageBytes;
}

/** Asks where the logs agree, with or without entries. If the log begins too late for this, a snapshot is sent. */
function probe(state: ServerState, to: NodeId, progress: Progress, withEntries: boolean): void {
  if (needsSnapshot(state, progress)) {
    sendSnapshot(state, to, progress);
    return;
  }
  sendAppend(state, to, progress, withEntries ? takeForMessage(state, progress.nextIndex) : []);
  if (progress.mode === 'probe') progress.probeOut = true;
}

/** §7: true if the position before the next entry is not in the log any more. */
export function needsSnapshot({ log }: ServerState, { nextIndex }: Progress): boolean {
  return nextIndex <= log.base.index;
}

function sendSnapshot(state: ServerState, to: NodeId, progress: Progress): void {
  const { snapshot, outbox, nowMs, config } = state;
  if (snapshot === null) broken(`no snapshot for ${to}, but ${state.log.describe()}`);
  if (nowMs - progress.lastContactMs >= config.electionTimeoutMinMs) {
    // It is useless to stream to a server that does not answer, so it must answer a heartbeat first.
    progress.lostContact();
    return;
  }
  progress.awaitSnapshot(snapshot.index);
  outbox.messages.push({ type: 'InstallSnapshot', ...envelope(state, to), snapshot });
}

/** Returns the entries from `from` on that fit into one message, but at least one. */
function takeForMessage({ log, config }: ServerState, from: LogIndex): Entry[] {
  const to = Math.max(from, log.lastWithin(from, config.maxMessageBytes));
  return log.slice(from, Math.min(to, log.lastIndex));
}
