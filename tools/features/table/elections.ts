import type { Removal } from '../removal.ts';

export const ELECTIONS: readonly Removal[] = [
  {
    feature: 'elections, one leader per term',
    without: 'no follower becomes a candidate when it hears no leader',
    servesNoClients: true,
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
    feature: 'elections, one leader per term',
    without: 'a node votes for every candidate of a term',
    // Two leaders in one term make the nodes' own assertions fail.
    servesNoClients: true,
    edits: [
      {
        file: 'node/raft/election.ts',
        find: '  const granted = free && upToDate;',
        replace: '  const granted = upToDate;',
      },
    ],
  },
  {
    feature: 'PreVote: a node that rejoins does not raise the term',
    without: 'an election starts with a new term, without a pre-vote',
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
    feature: 'vote stickiness: a follower that hears a leader does not vote for another',
    without: 'a node that hears a live leader votes nevertheless',
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
    without: 'every election timeout is the minimum',
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
    without: 'a leader without contact to a majority keeps leading',
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
    without: 'a leader that was stalled keeps leading',
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
    without: 'the target is never told to start an election (TimeoutNow)',
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
    without: 'proposals are accepted during a transfer',
    edits: [
      {
        file: 'node/raft/raft.ts',
        find: "    if (role.transfer !== null) return { ok: false, reason: 'transferring', to: role.transfer.to };\n",
        replace: '',
      },
    ],
  },
];
