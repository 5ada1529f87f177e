import { isVoter } from './membership.ts';
import type { ServerState } from './state.ts';
import type { NodeId } from './types.ts';

/**
 * When the leader's process dies, its connections break at once, and a server that sees this need not wait for the
 * election timeout. It forgets its leader, and asks the others within `firstTryWithinMs` whether they would vote for
 * it. Servers that still hear the leader refuse; servers whose connection broke, too, do not. Only waiting is skipped,
 * never voting.
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
    reason: `the connection of ${peer} broke`,
  });
}

/**
 * A server that has just started waits only as long as an existing leader needs to reach it: the leader dials a server
 * that has dialled it, and begins with `linkMade`. If the leader was not heard for another reason, the others, which
 * hear it, refuse.
 */
export function hurryAtStart(state: ServerState): void {
  const { role, config, nowMs } = state;
  if (role.name !== 'follower' || role.leader !== null) return;
  state.quickTries = mostQuickTries;
  const waitMs = (config.heartbeatMs * (1 + config.random())) / 4;
  role.electionDeadlineMs = Math.min(role.electionDeadlineMs, nowMs + waitMs);
}

/**
 * After a role has drawn its election deadline: while a leader was lost and none was found, the tries follow each other
 * soon, each after about twice the time of the one before, until that reaches the usual timeout.
 */
export function hurry(state: ServerState): void {
  const { role, nowMs, config } = state;
  if (state.quickTries === 0 || role.name === 'leader') return;
  const retry = mostQuickTries - state.quickTries - 1;
  const waitMs = firstRetryMs[role.name] * 2 ** retry * (0.5 + config.random());
  role.electionDeadlineMs = Math.min(role.electionDeadlineMs, nowMs + waitMs);
}

/**
 * All servers that lost the leader notice it at the same moment. So each has a turn of its own, by its place among the
 * voters, because two elections at once split the vote. The term moves the places on, so that no server is always
 * first.
 */
function turnMs({ config, membership, currentTerm }: ServerState, lost: NodeId): number {
  const { voters, outgoing } = membership.current;
  const others = [...new Set([...voters, ...outgoing])].filter((id) => id !== lost).sort();
  if (!isVoter(membership.current, config.id)) return firstTryWithinMs;
  const place = (others.indexOf(config.id) + currentTerm) % others.length;
  return (firstTryWithinMs * (place + config.random() / 2)) / others.length;
}

/** All turns lie within this time. */
const firstTryWithinMs = 10;
const mostQuickTries = 6;
/**
 * A PreVote takes two messages, and a vote waits for two disks; a server that refused may soon notice that the leader
 * is gone.
 */
const firstRetryMs = { follower: 20, 'pre-candidate': 20, candidate: 60 } as const;
