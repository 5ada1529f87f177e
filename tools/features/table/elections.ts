import type { Removal } from '../removal.ts';

export const ELECTIONS: readonly Removal[] = [
  {
    feature: 'elections, one leader a term',
    without: 'nobody stands when no leader is heard',
    servesNobody: true,
    edits: [
      {
        file: 'node/raft/election.ts',
        find: '  if (!mayStand(state) || diskHangs(state)) {',
        replace: '  if (config.id !== null) {',
      },
      {
        file: 'node/raft/failover.ts',
        find: "  if (role.name !== 'follower' || role.leader !== null) return;",
        replace: '  return;',
      },
    ],
  },
  {
    feature: 'elections, one leader a term',
    without: 'a vote for everyone who asks in a term',
    // Two leaders of a term are what the nodes' own assertions stop at.
    servesNobody: true,
    edits: [
      {
        file: 'node/raft/election.ts',
        find: '  const granted = free && upToDate;',
        replace: '  const granted = upToDate;',
      },
    ],
  },
  {
    feature: 'PreVote: a rejoiner raises no term',
    without: 'an election begins with a new term',
    edits: [
      {
        file: 'node/raft/election.ts',
        find: '  becomePreCandidate(state, reason);\n',
        replace:
          "  if (state.role.name === 'candidate') becomeFollower(state, state.currentTerm, null, reason);\n" +
          '  return startElection(state, { transfer: false, reason });\n',
      },
    ],
  },
  {
    feature: 'vote stickiness: who hears a leader elects no other',
    without: 'whoever hears a live leader votes all the same',
    edits: [
      {
        file: 'node/raft/election.ts',
        find: "  if (role.name === 'leader' || hasPromised(state)) return true;",
        replace: '  return hasPromised(state);',
      },
    ],
  },
  {
    feature: 'randomised election timeouts',
    without: 'every timeout is the shortest',
    edits: [
      {
        file: 'node/raft/state.ts',
        find: '  return nowMs + min + config.random() * (max - min);',
        replace: '  return nowMs + min + 0 * max;',
      },
    ],
  },
  {
    feature: 'CheckQuorum',
    without: 'a leader that hears no majority leads on',
    edits: [
      {
        file: 'node/raft/leading.ts',
        find: '  if (silentMs >= config.electionTimeoutMaxMs) {',
        replace: '  if (silentMs < 0) {',
      },
    ],
  },
  {
    feature: 'a stalled leader steps down',
    without: 'a leader that slept goes on where it was',
    edits: [
      {
        file: 'node/raft/raft.ts',
        find: '    if (stalledMs < config.electionTimeoutMinMs) return;',
        replace: '    if (stalledMs < Infinity * config.electionTimeoutMinMs) return;',
      },
    ],
  },
  {
    feature: 'fast failover',
    without: 'a broken connection from the leader starts no election',
    edits: [
      {
        file: 'node/server/run-node.ts',
        find: '      if (fastFailover) replica?.peerLost(peer);',
        replace: '      void peer;',
      },
    ],
  },
  {
    feature: 'leadership transfer',
    without: 'the target is never asked to stand (TimeoutNow)',
    edits: [
      {
        file: 'node/raft/transfer.ts',
        find: "  state.outbox.messages.push({ type: 'TimeoutNow', ...envelope(state, to), term: state.currentTerm });",
        replace: '  envelope(state, to);',
      },
    ],
  },
  {
    feature: 'leadership transfer',
    without: 'proposals are taken while it runs',
    edits: [
      {
        file: 'node/raft/raft.ts',
        find: "    if (role.transfer !== null) return { ok: false, reason: 'transferring', to: role.transfer.to };\n",
        replace: '',
      },
    ],
  },
];
