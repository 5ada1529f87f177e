import type { LogLine } from '../replica/log.ts';
import type { CoreEvent } from '../raft/ready.ts';

export const ROLE_OF = {
  BecomeFollower: 'follower',
  BecomePreCandidate: 'pre-candidate',
  BecomeCandidate: 'candidate',
  BecomeLeader: 'leader',
} as const;

export function isRoleEvent(type: CoreEvent['type']): type is keyof typeof ROLE_OF {
  return Object.hasOwn(ROLE_OF, type);
}

/** Returns the log line of an event of the core; null: the event is not logged. */
export function describeEvent(event: CoreEvent): LogLine | null {
  switch (event.type) {
    case 'BecomeFollower':
    case 'BecomePreCandidate':
    case 'BecomeCandidate':
    case 'BecomeLeader': {
      const { term, leader, reason } = event;
      const role = ROLE_OF[event.type];
      const of = role === 'follower' && leader !== null ? ` of ${leader}` : '';
      return {
        level: 'info',
        event: 'role-changed',
        message: `${role}${of} in term ${term}: ${reason}`,
        fields: { role, term, leader, reason },
      };
    }
    case 'ApplyConfChange': {
      const { voters, learners } = event.configuration;
      const others = learners.length === 0 ? '' : `; learners ${learners.join(', ')}`;
      return {
        level: 'info',
        event: 'membership-committed',
        message: `members as of entry ${event.index}: ${voters.join(', ')}${others}`,
        fields: { index: event.index, voters: voters.join(','), learners: learners.join(',') },
      };
    }
    case 'InstallSnapshot': {
      const { index, term } = event.snapshot;
      return {
        level: 'info',
        event: 'snapshot-installed',
        message: `the log up to entry ${index} was replaced by a snapshot`,
        fields: { index, term },
      };
    }
    case 'GrantVote':
      return {
        level: 'info',
        event: 'vote-granted',
        message: `votes for ${event.candidate} in term ${event.term}`,
        fields: { candidate: event.candidate, term: event.term },
      };
    case 'Replicate':
    case 'Commit':
    case 'ChangeConf':
      return null;
    default:
      return event satisfies never;
  }
}
