import type { NodeStatus } from '../protocol/client.ts';
import type { CoreStatus, FollowerStatus } from '../raft/ready.ts';
import type { LogIndex } from '../raft/types.ts';

/** A node's answer to a status request. */
export function nodeStatus(
  core: CoreStatus,
  followers: readonly FollowerStatus[],
  { applied, nowMs }: { applied: LogIndex; nowMs: number },
): NodeStatus {
  const { voters, outgoing, learners, addresses } = core.configuration;
  return {
    id: core.id,
    role: core.role,
    term: core.term,
    leader: core.leader,
    commit: core.commitIndex,
    applied,
    lastIndex: core.lastIndex,
    firstIndex: core.baseIndex + 1,
    members: {
      index: core.configurationIndex,
      committed: core.configurationIndex <= core.commitIndex,
      voters,
      outgoing,
      learners,
      addresses,
    },
    followers: followers.map(({ id, mode, matchIndex, lastContactMs }) => ({
      id,
      mode,
      matchIndex,
      silentMs: Math.round(nowMs - lastContactMs),
    })),
  };
}
