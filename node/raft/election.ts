import { diskHangs } from './disk.ts';
import { hasPromised } from './lease-reads.ts';
import { counts, isVoter } from './membership.ts';
import type { RequestVote, RequestVoteResponse, TimeoutNow } from './message.ts';
import { tally } from './quorum.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './role.ts';
import { drawElectionDeadline, envelope, knownLeader, mayStand } from './state.ts';
import type { Candidate, ServerState } from './state.ts';
import type { NodeId, Term } from './types.ts';

/** Handles the end of the election timeout of a follower or (pre-)candidate, §5.2. */
export function electionTimeout(state: ServerState): void {
  const { role, config, nowMs } = state;
  if (role.name === 'leader') return;
  if (!mayStand(state) || diskHangs(state)) {
    // This server leaves the election to the others: it is a learner, was removed, has yet to join, or has lost its
    // data folder or cannot write to it.
    role.electionDeadlineMs = drawElectionDeadline(config, nowMs);
    return;
  }
  const lateMs = nowMs - role.electionDeadlineMs;
  if (role.name === 'follower' && !role.deadlinePutOff && lateMs > 2 * config.heartbeatMs) {
    // This process stalled. The leader may be alive, and its heartbeats may be waiting in our socket buffers.
    role.deadlinePutOff = true;
    role.electionDeadlineMs = nowMs + config.heartbeatMs;
    return;
  }
  const quick = state.quickTries > 0;
  if (quick) state.quickTries--;
  if (role.name === 'follower') startPreVote(state, quick ? 'lost its leader' : 'election timeout');
  else startPreVote(state, `no majority ${quick ? 'yet' : 'within the election timeout'}`);
}

/**
 * Receiver of RequestVote in figure 2, and of the PreVote of dissertation 9.6, which changes no state. Call it when
 * `m.term` ≥ the current term. For a vote the terms are equal, because a higher one was adopted before.
 */
export function handleRequestVote(state: ServerState, m: RequestVote): void {
  const upToDate = state.log.isUpToDate(m.lastLogIndex, m.lastLogTerm);
  if (m.preVote) {
    // A pre-candidate of a lower term learns our term, adopts it and asks again. Without an answer, two servers that
    // need each other, one with the longer log and one with the higher term, would wait for ever (etcd#8501).
    const granted = m.term > state.currentTerm && upToDate && !hearsLiveLeader(state) && !diskHangs(state);
    state.outbox.messages.push(voteResponse(state, m, granted));
    return;
  }
  // Candidates and leaders have voted for themselves. If the term has a leader already, no
  // other server can win it.
  const free = state.votedFor === m.from || (state.votedFor === null && knownLeader(state) === null);
  const granted = free && upToDate;
  if (granted && state.votedFor === null) grantVote(state, m.from);
  // The vote must be durable before anyone can count it.
  state.outbox.messagesAfterPersist.push(voteResponse(state, m, granted));
}

/** Counts a vote, but only in an election that is under way, and only if the vote answers that election. */
export function handleRequestVoteResponse(state: ServerState, m: RequestVoteResponse): void {
  const { role } = state;
  if (!counts(state.membership.current, m.from, m.incarnation)) return;
  if (role.name === 'pre-candidate' && m.preVote) {
    // A grant has the term that the PreVote asked about, a refusal has the voter's own term.
    if (m.voteGranted && m.term !== state.currentTerm + 1) return;
    role.votes.set(m.from, m.voteGranted);
    concludePreVote(state, role);
  } else if (role.name === 'candidate' && !m.preVote) {
    role.votes.set(m.from, m.voteGranted);
    concludeElection(state, role);
  }
}

/**
 * Dissertation 4.2.3: a server that hears from a live leader takes part in no election. A leader counts as hearing from
 * itself, until CheckQuorum makes it step down because it has lost its followers.
 */
export function hearsLiveLeader(state: ServerState): boolean {
  const { role } = state;
  if (role.name === 'leader' || hasPromised(state)) return true;
  if (role.name !== 'follower' || role.leader === null) return false;
  return state.nowMs - role.lastHeardMs < state.config.electionTimeoutMinMs;
}

/** Refuses a vote. The answer tells a sender of a lower term the current one. */
export function refuseVote(state: ServerState, m: RequestVote): void {
  const out = m.preVote ? state.outbox.messages : state.outbox.messagesAfterPersist;
  out.push(voteResponse(state, m, false));
}

/**
 * Dissertation 3.10: the leader asks this server to succeed it. It starts an election at once, without a PreVote,
 * because servers that hear the leader would refuse it.
 */
export function handleTimeoutNow(state: ServerState, m: TimeoutNow): void {
  const { name } = state.role;
  if (mayStand(state) && !diskHangs(state) && (name === 'follower' || name === 'pre-candidate'))
    startElection(state, { transfer: true, reason: `${m.from} transfers its leadership` });
}

/**
 * §5.1: a request without an answer is repeated. Here it is repeated as soon as there is a new connection. Without
 * this, two servers that start at the same moment would reach each other only in the next election.
 */
export function askAgain(state: ServerState, peer: NodeId): void {
  const { role, membership, currentTerm } = state;
  if (role.name !== 'pre-candidate' && role.name !== 'candidate') return;
  if (peer === state.config.id || !isVoter(membership.current, peer) || role.votes.has(peer)) return;
  const preVote = role.name === 'pre-candidate';
  const term = (preVote ? currentTerm + 1 : currentTerm) as Term;
  requestVotes(state, [peer], { preVote, transfer: false, term });
}

function startPreVote(state: ServerState, reason: string): void {
  becomePreCandidate(state, reason);
  requestVotes(state, everyVoter(state), {
    preVote: true,
    transfer: false,
    term: (state.currentTerm + 1) as Term,
  });
  if (state.role.name === 'pre-candidate') concludePreVote(state, state.role);
}

function startElection(state: ServerState, why: { transfer: boolean; reason: string }): void {
  becomeCandidate(state, why.reason);
  requestVotes(state, everyVoter(state), { preVote: false, transfer: why.transfer, term: state.currentTerm });
  if (state.role.name === 'candidate') concludeElection(state, state.role);
}

function concludePreVote(state: ServerState, { votes }: Candidate): void {
  const outcome = tally(votes, state.membership.current);
  if (outcome === 'won') startElection(state, { transfer: false, reason: 'won the pre-vote' });
  else if (outcome === 'lost') becomeFollower(state, state.currentTerm, null, 'lost the pre-vote');
}

function concludeElection(state: ServerState, { votes }: Candidate): void {
  const outcome = tally(votes, state.membership.current);
  if (outcome === 'won') becomeLeader(state, 'votes from a majority');
  else if (outcome === 'lost') becomeFollower(state, state.currentTerm, null, 'lost the election');
}

function everyVoter({ membership: { current } }: ServerState): Iterable<NodeId> {
  return new Set([...current.voters, ...current.outgoing]);
}

function requestVotes(
  state: ServerState,
  voters: Iterable<NodeId>,
  what: { readonly preVote: boolean; readonly transfer: boolean; readonly term: Term },
): void {
  const { log, outbox, config } = state;
  // A candidate's term and its vote for itself must be durable before anyone can act on them.
  const out = what.preVote ? outbox.messages : outbox.messagesAfterPersist;
  const { lastIndex: lastLogIndex, lastTerm: lastLogTerm } = log;
  for (const to of voters) {
    if (to === config.id) continue;
    out.push({ type: 'RequestVote', ...envelope(state, to), ...what, lastLogIndex, lastLogTerm });
  }
}

function grantVote(state: ServerState, candidate: NodeId): void {
  state.votedFor = candidate;
  state.outbox.hardStateChanged = true;
  state.outbox.event({ type: 'GrantVote', term: state.currentTerm, candidate });
  // §5.2: granting a vote restarts the election timer.
  if (state.role.name === 'follower') restartElectionTimer(state);
}

function voteResponse(state: ServerState, m: RequestVote, voteGranted: boolean): RequestVoteResponse {
  const term = m.preVote && voteGranted ? m.term : state.currentTerm;
  return { type: 'RequestVoteResponse', ...envelope(state, m.from), term, preVote: m.preVote, voteGranted };
}

/** Draws a new election deadline; for followers only. */
export function restartElectionTimer(state: ServerState): void {
  const { role, config, nowMs } = state;
  if (role.name !== 'follower') return;
  state.quickTries = 0;
  role.electionDeadlineMs = drawElectionDeadline(config, nowMs);
  role.deadlinePutOff = false;
}
