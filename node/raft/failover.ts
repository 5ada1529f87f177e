import { isVoter } from './membership.ts';
import type { ServerState } from './state.ts';
import type { NodeId } from './types.ts';

/**
 * When the leader's process dies, its connections break at once, and a server that sees this need not wait for the
 * election timeout. It forgets its leader, and asks the others within `firstTryWithinMs` whether they would vote for
 * it. Servers that still hear the leader refuse; servers whose connection also broke do not. Only the waiting is
 * skipped, never the vote.
 */
export function leaderLost(state: ServerState, peer: NodeId): void {
  const { role, currentTerm: term, config } = state;
  // Leases are promises to wait.
  if (config.leaseReads !== undefined) return;
  if (role.name !== 'follower' || role.leader !== peer) return;
  role.leader = null;
  state.quickTries = mostQuickTries;
  role.electionDeadlineMs = Math.min(role.electionDeadlineMs, state.nowMs + turnMs(state, peer));
  role.deadlinePutOff = false;
  state.outbox.event({
    type: 'BecomeFollower',
    term,
    leader: null,
    reason: `the connection from ${peer} broke`,
  });
}

/**
 * A server that has just started waits only for the time that an existing leader needs to reach it: the leader dials
 * each server that has dialled it, and then calls `linkMade`. If the server does not hear an existing leader for
 * another reason, the other servers refuse to vote, because they hear it.
 */
export function hurryAtStart(state: ServerState): void {
  const { role, config, nowMs } = state;
  if (role.name !== 'follower' || role.leader !== null) return;
  state.quickTries = mostQuickTries;
  const waitMs = (config.heartbeatMs * (1 + config.random())) / 4;
  role.electionDeadlineMs = Math.min(role.electionDeadlineMs, nowMs + waitMs);
}

/**
 * Makes the election deadline earlier while a lost leader has no successor. Each try waits about twice as long as the
 * one before, until the wait reaches the usual timeout. Call it after a role has drawn its deadline.
 */
export function hurry(state: ServerState): void {
  const { role, nowMs, config } = state;
  if (state.quickTries === 0 || role.name === 'leader') return;
  const retry = mostQuickTries - state.quickTries - 1;
  const waitMs = firstRetryMs[role.name] * 2 ** retry * (0.5 + config.random());
  role.electionDeadlineMs = Math.min(role.electionDeadlineMs, nowMs + waitMs);
}

/**
 * All servers that lost the leader notice it at the same moment, and two elections at once would split the vote. So
 * each server waits for its own turn, given by its place among the voters. The places move with the term, so that no
 * server is always first.
 */
function turnMs({ config, membership, currentTerm }: ServerState, lost: NodeId): number {
  const { voters, outgoing } = membership.current;
  const others = [...new Set([...voters, ...outgoing])].filter((id) => id !== lost).sort();
  if (!isVoter(membership.current, config.id)) return firstTryWithinMs;
  const place = (others.indexOf(config.id) + currentTerm) % others.length;
  return (firstTryWithinMs * (place + config.random() / 2)) / others.length;
}

/** Time within which every server has its turn, in ms. */
const firstTryWithinMs = 10;
const mostQuickTries = 6;
/**
 * Time before the first retry, by role, in ms. A PreVote takes two messages, and a vote waits for two disks. A retry
 * makes sense because a server that refused may soon notice that the leader is gone.
 */
const firstRetryMs = { follower: 20, 'pre-candidate': 20, candidate: 60 } as const;
