import { expect, test } from 'vitest';

import type { Message } from './message.ts';
import { Raft } from './raft.ts';
import type { ServerState } from './state.ts';
import { logOf, n1, n2, n3 } from './testing/server.ts';
import { logIndex, term } from './types.ts';

/** A server whose state a test may damage. */
class Opened extends Raft {
  get inside(): ServerState {
    return this.state;
  }
}

/** The leader of term 2 whose log is 1, 2; both are committed and applied. */
function leader(assertions = true): Opened {
  const bounds = { maxInflightMessages: 8, maxMessageBytes: 1_000, maxUncommittedBytes: 10_000 };
  const timeouts = { electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300, heartbeatMs: 30 };
  const raft = new Opened(
    { id: n1, peers: [n1, n2, n3], ...bounds, ...timeouts, random: () => 0, assertions },
    {
      hardState: { term: term(1), votedFor: null },
      incarnation: 0,
      snapshot: null,
      entries: logOf(1),
      nowMs: 0,
    },
  );
  const answer = (m: object): void =>
    raft.step({ from: n2, incarnation: 0, to: n1, term: term(2), ...m } as Message, 160);
  const settle = (): void => {
    while (raft.hasReady()) {
      const { entries, committed } = raft.takeReady();
      if (entries.length > 0) raft.persisted(entries.at(-1)!);
      if (committed.length > 0) raft.appliedTo(committed.at(-1)!.index);
    }
  };
  for (let nowMs = 0; nowMs <= 160; nowMs += 5) raft.tick(nowMs);
  answer({ type: 'RequestVoteResponse', preVote: true, voteGranted: true });
  answer({ type: 'RequestVoteResponse', preVote: false, voteGranted: true });
  settle();
  answer({ type: 'AppendEntriesResponse', success: true, matchIndex: 2, conflictTerm: 0, conflictIndex: 0 });
  settle();
  return raft;
}

test.each<[string, (state: ServerState) => void, RegExp]>([
  ['a term that falls', (state) => (state.currentTerm = term(1)), /term 1/],
  [
    'a term that was not stored',
    (state) => (state.currentTerm = term(3)),
    /term 3, vote n1, but the stored ones are 2/,
  ],
  ['a second vote', (state) => (state.votedFor = n3), /vote n3, but the stored ones are 2, n1/],
  ['a commit index that falls', (state) => (state.commitIndex = logIndex(1)), /commit 1|fell/],
  ['a commit index after the end of the log', (state) => (state.commitIndex = logIndex(9)), /commit 9/],
  [
    'an entry that was applied before it was delivered',
    (state) => (state.appliedIndex = logIndex(3)),
    /applied 3/,
  ],
  ['a read context that was given out before', (state) => (state.lastReadContext = -1), /fell/],
  [
    'a leader that follows itself',
    ({ role }) => role.name === 'leader' && role.progress.set(n1, role.progress.get(n2)!),
    /among its own followers/,
  ],
  [
    'a follower with a longer log than the leader',
    ({ role }) => role.name === 'leader' && (role.progress.get(n2)!.matchIndex = logIndex(8)),
    /matchIndex 8/,
  ],
  [
    'bytes that were not proposed',
    ({ role }) => role.name === 'leader' && (role.uncommittedBytes = 7),
    /7 bytes uncommitted/,
  ],
  [
    'a snapshot of entries that are not committed',
    (state) =>
      (state.snapshot = { index: logIndex(5), term: term(2), configuration: state.membership.current }),
    /snapshot ends at 5/,
  ],
])('a server with %s stops before it sends anything', (_what, damage, finds) => {
  const raft = leader();
  damage(raft.inside);
  // The receivers of a leader are checked when it begins to lead, and when the members change.
  if (finds.source === 'among its own followers')
    raft.proposeConfiguration([{ type: 'remove', id: n2 }], 161);
  expect(() => raft.takeReady(161)).toThrow(finds);
});

test('a server without assertions does not stop', () => {
  const raft = leader(false);
  raft.inside.lastReadContext = -1;
  expect(raft.takeReady(161).entries).toEqual([]);
});
