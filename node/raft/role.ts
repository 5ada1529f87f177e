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

/**
 * Figure 4, with the pre-candidate of dissertation 9.6 between follower and candidate. TimeoutNow (3.10) makes a
 * follower a candidate directly.
 */
const legalEdges: Readonly<Record<RoleName, readonly RoleName[]>> = {
  follower: ['follower', 'pre-candidate', 'candidate'],
  'pre-candidate': ['follower', 'pre-candidate', 'candidate'],
  candidate: ['follower', 'pre-candidate', 'leader'],
  leader: ['follower'],
};

/**
 * Follows `leader` (null: not known yet) in `term`. If this is the current term, the vote stays. A follower that only
 * learns of a new term keeps its deadline, so that candidates that cannot win do not delay its own election.
 */
export function becomeFollower(state: ServerState, term: Term, leader: NodeId | null, reason: string): void {
  if (term < state.currentTerm)
    broken(`cannot become a follower in term ${term}: the current term is ${state.currentTerm}`);
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

/** Asks whether an election could be won. There is no new term and no vote, so nothing must be durable. */
export function becomePreCandidate(state: ServerState, reason: string): void {
  setRole(state, {
    name: 'pre-candidate',
    votes: new Map([[state.config.id, true]]),
    electionDeadlineMs: drawElectionDeadline(state.config, state.nowMs),
  });
  hurry(state);
  state.outbox.event({ type: 'BecomePreCandidate', term: state.currentTerm, leader: null, reason });
}

/** §5.2: begins a new term, and votes for itself. */
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

/** §5.2. The first entry is a noop (§8), because only an entry of its own term shows a leader what is committed. */
export function becomeLeader(state: ServerState, reason: string): void {
  const { config, log, nowMs, currentTerm: term, outbox } = state;
  if (!mayStand(state)) broken(`leader of term ${term}, but no voter`);
  if (state.votedFor !== config.id) broken(`leader of term ${term}, but voted for ${state.votedFor}`);
  const firstIndex = (log.lastIndex + 1) as LogIndex;
  // RequestVote is sent only after the own vote is durable, so an answer shows that it is.
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

/** A noop. But the first leader of the cluster puts the founders into the log, so that a joining server learns them. */
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

/**
 * Ends a leadership: its reads fail, because they cannot be confirmed any more, and its unsent messages are dropped.
 */
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
  if (term <= state.currentTerm)
    broken(`the new term ${term} is not above the current term ${state.currentTerm}`);
  state.currentTerm = term;
  state.votedFor = votedFor;
  state.outbox.hardStateChanged = true;
}
