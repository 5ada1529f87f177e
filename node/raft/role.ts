import { hurry } from './failover.ts';
import { encodeConfiguration } from './configuration.ts';
import { broken } from './invariant.ts';
import { appendToLog } from './log-change.ts';
import { Lease } from './lease.ts';
import { incarnationOf, isVoter, membersOf } from './membership.ts';
import { Progress } from './progress.ts';
import { PendingReads } from './read-index.ts';
import { drawElectionDeadline, mayStand, newFollower } from './state.ts';
import type { Leader, Role, ServerState } from './state.ts';
import type { Entry, LogIndex, NodeId, RoleName, Term } from './types.ts';

/** Figure 4, with the pre-candidate of dissertation 9.6 between follower and candidate; 3.10's TimeoutNow skips it. */
const legalEdges: Readonly<Record<RoleName, readonly RoleName[]>> = {
  follower: ['follower', 'pre-candidate', 'candidate'],
  'pre-candidate': ['follower', 'pre-candidate', 'candidate'],
  candidate: ['follower', 'pre-candidate', 'leader'],
  leader: ['follower'],
};

/**
 * Follows `leader` (null: not known yet) in `term`, which may be the current one: then the vote stays as it is. A
 * follower that only learns of a new term keeps its deadline, so that hopeless candidates cannot keep it from standing.
 */
export function becomeFollower(state: ServerState, term: Term, leader: NodeId | null, reason: string): void {
  if (term < state.currentTerm)
    broken(`become follower in term ${term}, but the current term is ${state.currentTerm}`);
  const before = state.role;
  const changed = term > state.currentTerm || before.name !== 'follower';
  if (before.name === 'leader') abandonLead(state, before);
  if (term > state.currentTerm) setTerm(state, term, null);
  if (before.name === 'follower') {
    before.leader = leader;
  } else {
    setRole(state, newFollower(state.config, leader, state.nowMs));
    if (leader === null) hurry(state);
  }
  if (changed) state.outbox.event({ type: 'BecomeFollower', term, leader, reason });
}

/** Asks whether an election could be won, without a new term and without a vote: nothing that must be durable. */
export function becomePreCandidate(state: ServerState, reason: string): void {
  setRole(state, {
    name: 'pre-candidate',
    votes: new Map([[state.config.id, true]]),
    electionDeadlineMs: drawElectionDeadline(state.config, state.nowMs),
  });
  hurry(state);
  state.outbox.event({ type: 'BecomePreCandidate', term: state.currentTerm, leader: null, reason });
}

/** §5.2: a new term, a vote for itself. */
export function becomeCandidate(state: ServerState, reason: string): void {
  const { id } = state.config;
  setRole(state, {
    name: 'candidate',
    votes: new Map([[id, true]]),
    electionDeadlineMs: drawElectionDeadline(state.config, state.nowMs),
  });
  hurry(state);
  const term = (state.currentTerm + 1) as Term;
  setTerm(state, term, id);
  state.outbox.event({ type: 'BecomeCandidate', term, leader: null, reason });
  state.outbox.event({ type: 'GrantVote', term, candidate: id });
}

/** §5.2, and §8: a noop first, because only an entry of its own term shows a leader which entries are committed. */
export function becomeLeader(state: ServerState, reason: string): void {
  const { config, log, nowMs, currentTerm: term, outbox } = state;
  if (!mayStand(state)) broken(`leader of term ${term}, but no voter`);
  if (state.votedFor !== config.id) broken(`leader of term ${term}, but voted for ${state.votedFor}`);
  const firstIndex = (log.lastIndex + 1) as LogIndex;
  // An answer to its RequestVote, which left only when its vote was durable, shows that it is.
  const mute = state.role.name === 'candidate' && state.role.votes.size === 1;
  setRole(state, {
    name: 'leader',
    progress: newProgress(state, firstIndex),
    hasDeparting: false,
    mute,
    firstIndex,
    lastTickMs: nowMs,
    heartbeatDueMs: nowMs + config.heartbeatMs,
    uncommittedBytes: 0,
    reads: new PendingReads(),
    lease: config.leaseReads === undefined ? null : new Lease(config, config.leaseReads.maxClockDrift),
    transfer: null,
    appendsDue: true,
  });
  state.quickTries = 0;
  outbox.event({ type: 'BecomeLeader', term, leader: config.id, reason });
  appendToLog(state, firstEntry(state, firstIndex));
}

/** A noop; but the very first leader puts the founders into the log, so that a joining server learns them. */
function firstEntry({ membership, currentTerm: term }: ServerState, index: LogIndex): Entry {
  return membership.index === 0
    ? { index, term, kind: 'config', data: encodeConfiguration(membership.current) }
    : { index, term, kind: 'noop', data: new Uint8Array(0) };
}

function newProgress({ config, membership, nowMs }: ServerState, nextIndex: LogIndex): Map<NodeId, Progress> {
  const { current } = membership;
  const progress = new Map<NodeId, Progress>();
  for (const id of membersOf(current)) {
    const incarnation = isVoter(current, id) ? incarnationOf(current, id) : null;
    if (id !== config.id) progress.set(id, new Progress({ nextIndex, incarnation, nowMs }));
  }
  return progress;
}

/** End of a leadership: its reads can never be confirmed, and its unsent messages are void. */
function abandonLead(state: ServerState, leader: Leader): void {
  leader.reads.failAll(state.outbox.failedReads);
  state.outbox.dropLeaderMessages();
}

function setRole(state: ServerState, role: Role): void {
  const from = state.role.name;
  if (!legalEdges[from].includes(role.name)) broken(`a ${from} cannot become ${role.name}`);
  state.role = role;
}

function setTerm(state: ServerState, term: Term, votedFor: NodeId | null): void {
  if (term <= state.currentTerm) broken(`term ${term} does not rise above ${state.currentTerm}`);
  state.currentTerm = term;
  state.votedFor = votedFor;
  state.outbox.hardStateChanged = true;
}
