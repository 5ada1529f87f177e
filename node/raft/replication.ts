import { restartElectionTimer } from './election.ts';
import { broken } from './invariant.ts';
import { appendToLog, truncateLog } from './log-change.ts';
import type {
  AppendEntries,
  AppendEntriesResponse,
  Heartbeat,
  HeartbeatResponse,
  InstallSnapshot,
} from './message.ts';
import { becomeFollower } from './role.ts';
import { envelope } from './state.ts';
import type { ServerState } from './state.ts';
import type { LogIndex, NodeId, Term } from './types.ts';

/**
 * The follower's part of §5.3. Call it for messages of the current term only: a higher term was adopted before, and
 * messages of a lower term go to `refuseOldLeader`.
 */
export function handleAppendEntries(state: ServerState, message: AppendEntries): void {
  followLeader(state, message.from);
  const { log } = state;
  const m = withoutCompacted(state, message);
  if (!log.matches(m.prevLogIndex, m.prevLogTerm)) {
    // The answer promises nothing durable, so it need not wait for the disk.
    state.outbox.messages.push({
      type: 'AppendEntriesResponse',
      ...envelope(state, m.from),
      success: false,
      matchIndex: m.prevLogIndex,
      ...conflictAt(state, m),
    });
    return;
  }
  putEntries(state, m);
  // Last index that this message verifies (figure 2's "index of last new entry"). Later entries may be from an old
  // leader, so they must not be acknowledged or committed.
  const verified = (m.prevLogIndex + m.entries.length) as LogIndex;
  commitTo(state, Math.min(m.leaderCommit, verified) as LogIndex);
  acknowledge(state, m.from, verified);
}

/** Tells the leader that the log up to `matchIndex` is equal to its own. */
export function acknowledge(state: ServerState, leader: NodeId, matchIndex: LogIndex): void {
  // The entries are in the same Ready or an earlier one, so they are durable before this message is sent.
  state.outbox.messagesAfterPersist.push({
    type: 'AppendEntriesResponse',
    ...envelope(state, leader),
    success: true,
    matchIndex,
    conflictTerm: 0 as Term,
    conflictIndex: 0 as LogIndex,
  });
}

export function handleHeartbeat(state: ServerState, m: Heartbeat): void {
  followLeader(state, m.from);
  // The term shows if the entry at that index is from another leader, or missing because a disk lost data.
  if (state.log.matches(m.commit, m.commitTerm)) commitTo(state, m.commit);
  state.outbox.messages.push(heartbeatResponse(state, m.from, m.readContext));
}

/**
 * Answers a leader of an older term, so that it learns the current one. The content of its message is ignored, also its
 * read round.
 */
export function refuseOldLeader(state: ServerState, m: AppendEntries | Heartbeat | InstallSnapshot): void {
  if (m.type === 'Heartbeat') {
    state.outbox.messages.push(heartbeatResponse(state, m.from, 0));
    return;
  }
  state.outbox.messages.push({
    type: 'AppendEntriesResponse',
    ...envelope(state, m.from),
    success: false,
    matchIndex: m.type === 'AppendEntries' ? m.prevLogIndex : m.snapshot.index,
    conflictTerm: 0 as Term,
    conflictIndex: 0 as LogIndex,
  });
}

/** Moves the commit index up to `index`, if that is higher. The entries must be in the log. */
export function commitTo(state: ServerState, index: LogIndex): void {
  if (index <= state.commitIndex) return;
  const term = state.log.termAt(index) ?? broken(`commit ${index}, but the log is ${state.log.describe()}`);
  const changes = state.membership.between(state.commitIndex, index);
  state.commitIndex = index;
  state.outbox.event({ type: 'Commit', index, term });
  for (const change of changes) state.outbox.event({ type: 'ApplyConfChange', ...change });
}

/** §5.2: a message of the current term from its leader ends a candidacy, and restarts the election timer. */
export function followLeader(state: ServerState, leader: NodeId): void {
  const { role, currentTerm } = state;
  if (role.name === 'leader')
    broken(`${leader} leads term ${currentTerm}, but so does this node, ${state.config.id}`);
  if (role.name !== 'follower') {
    becomeFollower(state, currentTerm, leader, `${leader} leads this term`);
  } else if (role.leader === null) {
    role.leader = leader;
  } else if (role.leader !== leader) {
    broken(`${leader} and ${role.leader} both lead term ${currentTerm}`);
  }
  if (state.role.name !== 'follower') return;
  state.role.lastHeardMs = state.nowMs;
  state.heardLeaderMs = state.nowMs;
  restartElectionTimer(state);
}

/**
 * Removes the entries of a message that this server's snapshot covers. They are committed, so they are equal to its own
 * (§5.4.3).
 */
function withoutCompacted({ log }: ServerState, m: AppendEntries): AppendEntries {
  const { index, term } = log.base;
  if (m.prevLogIndex >= index) return m;
  return {
    ...m,
    prevLogIndex: index,
    prevLogTerm: term,
    entries: m.entries.slice(index - m.prevLogIndex),
  };
}

/**
 * Figure 2, AppendEntries rules 3 and 4. Entries are removed only if an entry has a different term. If a message is
 * old, repeated or reordered, its entries are in the log already, and the entries after them stay.
 */
function putEntries(state: ServerState, { prevLogIndex, entries }: AppendEntries): void {
  const { log } = state;
  let at = 0;
  while (at < entries.length && log.matches(entries[at]!.index, entries[at]!.term)) at++;
  if (at === entries.length) return;
  const first = entries[at]!.index;
  if (first !== prevLogIndex + 1 + at)
    broken(`entry ${first} is number ${at + 1} after prevLogIndex ${prevLogIndex}`);
  if (first <= state.commitIndex)
    broken(`entry ${first} differs from a committed one (commit ${state.commitIndex})`);
  let truncatedFrom: LogIndex | null = null;
  if (first <= log.lastIndex) {
    truncateLog(state, first);
    truncatedFrom = first;
  }
  for (; at < entries.length; at++) {
    appendToLog(state, entries[at]!, truncatedFrom);
    truncatedFrom = null;
  }
}

/** §5.3, last paragraphs: the index where the leader should look next. If the log is too short, this is its end. */
function conflictAt(
  { log }: ServerState,
  { prevLogIndex }: AppendEntries,
): Pick<AppendEntriesResponse, 'conflictTerm' | 'conflictIndex'> {
  const term = log.termAt(prevLogIndex);
  if (term === undefined) return { conflictTerm: 0 as Term, conflictIndex: (log.lastIndex + 1) as LogIndex };
  return { conflictTerm: term, conflictIndex: log.firstIndexOfRun(prevLogIndex) };
}

function heartbeatResponse(state: ServerState, to: NodeId, readContext: number): HeartbeatResponse {
  return { type: 'HeartbeatResponse', ...envelope(state, to), readContext };
}
