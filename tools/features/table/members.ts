import type { Removal } from '../removal.ts';

export const MEMBERS: readonly Removal[] = [
  {
    feature: 'members: add a learner, promote',
    without: 'an added node votes at once',
    edits: [
      {
        file: 'node/raft/reconfigure.ts',
        find: '      this.#learners.add(id);\n      this.#addresses[id]',
        replace: '      this.voters.add(id);\n      this.#addresses[id]',
      },
    ],
  },
  {
    feature: 'members: add a learner, promote',
    without: 'a learner that is behind is promoted nevertheless',
    edits: [
      {
        file: 'node/raft/changing.ts',
        find: "  if (mode === 'replicate' && behind <= mostEntriesBehind) return incarnation;",
        replace: "  if (mode !== 'snapshot' || behind <= mostEntriesBehind) return incarnation;",
      },
    ],
  },
  {
    feature: 'members: remove, also the leader',
    without: 'a removed leader keeps leading',
    edits: [
      {
        file: 'node/raft/changing.ts',
        find: '  const leaves = !isVoter(membership.current, state.config.id);',
        replace: '  const leaves = !isVoter(membership.current, state.config.id) && leader.mute;',
      },
    ],
  },
  {
    feature: 'members: replace in one change, by joint consensus',
    without: 'the configuration goes from C_old to C_new in one step',
    edits: [
      {
        file: 'node/raft/reconfigure.ts',
        find: '    return sameVoters ? leaveJoint(joint) : joint;',
        replace: '    return sameVoters || voters.length > 0 ? leaveJoint(joint) : joint;',
      },
    ],
  },
  {
    feature: 'members: replace in one change, by joint consensus',
    without: 'the new majority decides alone while the change is under way',
    edits: [
      {
        file: 'node/raft/quorum.ts',
        find: '  return outgoing.length === 0 ? reached : Math.min(reached, reachedByMajority(outgoing.map(valueOf)));',
        replace:
          '  return outgoing.length >= 0 ? reached : Math.min(reached, reachedByMajority(outgoing.map(valueOf)));',
      },
    ],
  },
  {
    feature: 'members: shown and changed from the shell',
    without: 'the command sends no change to the cluster',
    edits: [
      {
        file: 'harness/cli/members.ts',
        find: '  const changes = changesOf(options);',
        replace: '  const changes = changesOf(options).slice(0, 0);',
      },
    ],
  },
  {
    feature: 'a node that lost its folder does not vote',
    without: 'a node with an empty folder starts as if it were new',
    edits: [
      {
        file: 'node/server/data-folder.ts',
        find: '    incarnation: bootstrap ? 0 : randomInt(1, INCARNATIONS),',
        replace: '    incarnation: bootstrap ? 0 : randomInt(1, INCARNATIONS) * 0,',
      },
    ],
  },
  {
    feature: 'members: remove, also the leader',
    without: 'a removed node stays a voter',
    edits: [
      {
        file: 'node/raft/reconfigure.ts',
        find: '    this.voters.delete(id);\n',
        replace: '',
      },
    ],
  },
  {
    feature: 'a node that lost its folder does not vote',
    without: 'a node that was added again still does not count',
    edits: [
      {
        file: 'node/raft/reconfigure.ts',
        find: '    if (ready > 0) this.#incarnations[id] = ready;',
        replace: '',
      },
    ],
  },
];
