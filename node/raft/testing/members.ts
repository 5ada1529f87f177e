import type { Configuration, MemberChange } from '../configuration.ts';
import { membersOf } from '../membership.ts';
import type { NodeId } from '../types.ts';
import type { TrialCluster } from './cluster.ts';

/** Minimum number of voters. With fewer ones, a majority could be lost with one wiped server. */
const FEWEST_VOTERS = 3;
const MOST_VOTERS = 5;

/** Requests a change that an operator could make, from a node that seems to lead. */
export function changeMembers(cluster: TrialCluster): void {
  const leader = cluster.leader();
  if (leader === null) return;
  const changes = someChange(cluster, cluster.status(leader).configuration);
  if (changes.length > 0) cluster.change(leader, changes);
}

/** Removes a server that lost its disk, so that it can be added again. */
export function readmit(cluster: TrialCluster, id: NodeId): void {
  const leader = cluster.leader();
  if (leader !== null) cluster.change(leader, [{ type: 'remove', id }]);
}

function someChange({ random, ids }: TrialCluster, configuration: Configuration): MemberChange[] {
  const { voters, learners } = configuration;
  const members = membersOf(configuration);
  const strangers = ids.filter((id) => !members.has(id));
  const added = strangers.length > 0 ? random.pick(strangers) : null;
  const learner = learners.length > 0 ? random.pick(learners) : null;
  const voter = random.pick(voters);
  const leave: MemberChange = { type: random.pick(['remove', 'demote'] as const), id: voter };
  const changes: MemberChange[] = [];
  if (added !== null && random.chance(0.5))
    changes.push({ type: 'add-learner', id: added, address: `${added}:1` });
  if (learner !== null && random.chance(0.7)) {
    const out = voters.length >= MOST_VOTERS && random.chance(0.5);
    changes.push({ type: out ? 'remove' : 'promote', id: learner });
  }
  const promoted = changes.some(({ type }) => type === 'promote');
  const left = voters.length + (promoted ? 1 : 0) - 1;
  if (left >= FEWEST_VOTERS && random.chance(0.5)) changes.push(leave);
  return changes;
}
