import { describe, expect, test } from 'vitest';

import { decodeConfiguration, founding } from './configuration.ts';
import type { Message } from './message.ts';
import {
  acknowledge,
  appendEntries,
  echo,
  heartbeat,
  n1,
  n2,
  n3,
  n4,
  n5,
  only,
  preVoteGrant,
  preVoteRefusal,
  requestVote,
  TestServer,
  voteGrant,
  voteRefusal,
} from './testing/server.ts';
import type { Incoming } from './testing/server.ts';

const preCandidate = (): TestServer => {
  const server = new TestServer({ term: 1, log: [1] });
  server.pass(160);
  return server;
};

const candidate = (): TestServer => {
  const server = preCandidate();
  server.receive(preVoteGrant(n2, 2));
  return server;
};

const leader = (): TestServer => {
  const server = candidate();
  server.receive(voteGrant(n2, 2));
  return server;
};

const makers = { follower: () => new TestServer({ term: 1, log: [1] }), preCandidate, candidate, leader };

describe('terms (§5.1)', () => {
  const ofTerm9: Incoming[] = [
    appendEntries(n2, 9, [1, 1]),
    heartbeat(n2, 9),
    acknowledge(n2, 9, 0),
    echo(n2, 9, 0),
    voteRefusal(n2, 9),
    preVoteRefusal(n2, 9),
  ];

  test.each(Object.entries(makers))('a %s that sees a higher term adopts it and follows', (_name, make) => {
    for (const m of ofTerm9) {
      const server = make();
      server.receive(m);
      expect(server.status).toMatchObject({ role: 'follower', term: 9, votedFor: null });
      expect(server.status.leader).toBe(m.type === 'AppendEntries' || m.type === 'Heartbeat' ? n2 : null);
      expect(server.take().hardState).toEqual({ term: 9, votedFor: null });
    }
  });

  test.each(Object.entries(makers))(
    'a %s refuses messages of an older term, and answers with the current term',
    (_name, make) => {
      for (const m of [
        appendEntries(n2, 0, [0, 0], [1]),
        heartbeat(n2, 0, [0, 0], 7),
        requestVote(n2, 0, [9, 9]),
      ]) {
        const server = make();
        server.settle();
        const before = server.status;
        server.receive(m);
        const [answer, ...rest] = server.settle();
        expect(rest).toEqual([]);
        expect(answer).toMatchObject({ to: n2, term: before.term });
        expect(answer).not.toMatchObject({ success: true });
        expect(answer).not.toMatchObject({ readContext: 7 });
        expect(server.status).toEqual(before);
      }
    },
  );

  test('answers of an older term are ignored', () => {
    const server = leader();
    server.settle();
    const before = server.status;
    for (const m of [acknowledge(n2, 1, 2), echo(n2, 1, 1), voteGrant(n3, 1)]) server.receive(m);
    expect(server.settle()).toEqual([]);
    expect(server.status).toEqual(before);
  });

  test('messages for others change nothing', () => {
    const server = new TestServer();
    server.raft.step({ ...heartbeat(n2, 4), to: n3 } as unknown as Message, server.nowMs);
    expect(server.status.term).toBe(0);
    expect(server.raft.hasReady()).toBe(false);
  });
});

describe('servers outside of the configuration (dissertation 4.1)', () => {
  test('are followed if they lead, and get votes, because this server may not know the latest configuration', () => {
    const server = new TestServer();
    server.receive(heartbeat(n5, 4));
    expect(server.status).toMatchObject({ term: 4, leader: n5 });
    const voter = new TestServer();
    voter.receive(requestVote(n5, 4, [0, 0]));
    expect(voter.settle()).toMatchObject([{ to: n5, voteGranted: true }]);
  });

  test('do not count: neither their votes nor their acknowledgements', () => {
    const server = new TestServer();
    server.pass(160);
    server.settle();
    for (const stranger of [n4, n5]) server.receive(preVoteGrant(stranger, 1));
    expect(server.role).toBe('pre-candidate');
    const elected = leader();
    elected.settle();
    for (const stranger of [n4, n5]) elected.receive(acknowledge(stranger, elected.status.term, 1));
    expect(elected.status.commitIndex).toBe(0);
  });
});

describe('voting (figure 2, §5.4.1)', () => {
  const vote = (server: TestServer, m: Incoming): boolean | undefined => {
    server.receive(m);
    return only(server.settle(), 'RequestVoteResponse')[0]?.voteGranted;
  };

  // Log of the voter: term 1, term 3, term 3.
  test.each([
    { votedFor: null, last: [3, 3], granted: true, why: 'an equal log' },
    { votedFor: null, last: [3, 4], granted: true, why: 'a longer log' },
    { votedFor: null, last: [4, 1], granted: true, why: 'a later last term' },
    { votedFor: null, last: [3, 2], granted: false, why: 'a shorter log' },
    { votedFor: null, last: [2, 9], granted: false, why: 'an earlier last term, although the log is longer' },
    { votedFor: n2, last: [3, 3], granted: true, why: 'the candidate that it voted for' },
    { votedFor: n3, last: [4, 9], granted: false, why: 'another candidate than it voted for' },
  ] as const)(
    'a vote depends on the earlier vote and on the two logs ($why: $granted)',
    ({ votedFor, last, granted }) => {
      const server = new TestServer({ term: 4, votedFor, log: [1, 3, 3] });
      expect(vote(server, requestVote(n2, 4, last))).toBe(granted);
      expect(server.status.votedFor).toBe(granted ? n2 : votedFor);
    },
  );

  test('a server may vote again in a later term', () => {
    const server = new TestServer({ term: 4, votedFor: n3 });
    expect(vote(server, requestVote(n2, 5, [0, 0]))).toBe(true);
    expect(server.status).toMatchObject({ term: 5, votedFor: n2 });
  });

  test('the vote of a term does not change when a candidate becomes the leader of that term', () => {
    const server = new TestServer({ term: 4, votedFor: n2 });
    server.receive(heartbeat(n3, 4));
    expect(server.status).toMatchObject({ leader: n3, votedFor: n2 });
    expect(vote(server, requestVote(n3, 4, [9, 9]))).toBe(false);
  });

  test('a vote is sent only after the hard state with that vote is durable, also if it is repeated', () => {
    const server = new TestServer({ term: 4 });
    for (const hardState of [{ term: 5, votedFor: n2 }, null]) {
      server.receive(requestVote(n2, 5, [0, 0]));
      const ready = server.take();
      expect(ready.hardState).toEqual(hardState);
      expect(ready.messages).toEqual([]);
      expect(ready.messagesAfterPersist).toMatchObject([
        { type: 'RequestVoteResponse', voteGranted: true, term: 5 },
      ]);
    }
  });

  test('a granted vote restarts the election timer, a refused one does not', () => {
    const granting = new TestServer();
    const refusing = new TestServer({ term: 1, log: [1] });
    for (const server of [granting, refusing]) {
      server.pass(100);
      server.receive(requestVote(n2, 2, [0, 0]));
      server.pass(60);
    }
    expect([granting.role, refusing.role]).toEqual(['follower', 'pre-candidate']);
  });
});

describe('election timeouts (§5.2)', () => {
  test('election timeouts are chosen again for each election, over the whole of [min, max)', () => {
    const draws = [0, 0.5, 0.999];
    const server = new TestServer({ config: { random: () => draws.shift() ?? 0 } });
    expect(server.raft.nextDeadlineMs()).toBe(server.nowMs + 150);
    server.receive(heartbeat(n2, 1));
    expect(server.raft.nextDeadlineMs()).toBe(server.nowMs + 225);
    server.receive(heartbeat(n2, 1));
    expect(server.raft.nextDeadlineMs()).toBeCloseTo(server.nowMs + 299.85);
  });

  test('a follower that hears its leader in time stays a follower', () => {
    const server = new TestServer();
    for (let beat = 0; beat < 50; beat++) {
      server.pass(140);
      server.receive(beat % 2 === 0 ? heartbeat(n2, 1) : appendEntries(n2, 1, [0, 0]));
    }
    expect(server.status).toMatchObject({ role: 'follower', leader: n2, term: 1 });
  });

  test('a leader of an older term does not restart the election timer', () => {
    const server = new TestServer({ term: 2 });
    server.pass(100);
    server.receive(heartbeat(n2, 1));
    server.pass(60);
    expect(server.role).toBe('pre-candidate');
  });

  test('an election without an outcome is followed by another, in the next term', () => {
    const server = candidate();
    expect(server.status).toMatchObject({ role: 'candidate', term: 2, votedFor: n1 });
    server.pass(160);
    expect(server.status).toMatchObject({ role: 'pre-candidate', term: 2 });
    server.receive(preVoteGrant(n3, 3));
    expect(server.status).toMatchObject({ role: 'candidate', term: 3 });
  });

  test('a candidate yields to the leader of its own term', () => {
    const server = candidate();
    server.receive(appendEntries(n3, 2, [1, 1]));
    expect(server.status).toMatchObject({ role: 'follower', term: 2, leader: n3, votedFor: n1 });
  });
});

describe('an election', () => {
  test('asks for votes only after the term and the own vote are durable', () => {
    const server = candidate();
    const ready = server.take();
    expect(ready.hardState).toEqual({ term: 2, votedFor: n1 });
    expect(only(ready.messages, 'RequestVote').every((m) => m.preVote)).toBe(true);
    const asked = only(ready.messagesAfterPersist, 'RequestVote').filter((m) => !m.preVote);
    expect(asked).toMatchObject([
      { to: n2, term: 2, lastLogIndex: 1, lastLogTerm: 1 },
      { to: n3, term: 2, lastLogIndex: 1, lastLogTerm: 1 },
    ]);
  });

  test('an election is won by a majority of one vote per voter', () => {
    const server = new TestServer({ peers: [n1, n2, n3, n4, n5] });
    server.pass(160);
    for (const voter of [n2, n3]) server.receive(preVoteGrant(voter, 1));
    for (const voter of [n2, n2, n2]) server.receive(voteGrant(voter, 1));
    expect(server.role).toBe('candidate');
    server.receive(voteGrant(n4, 1));
    expect(server.status).toMatchObject({ role: 'leader', leader: n1, term: 1 });
  });

  test('an election is lost by the refusals of a majority', () => {
    const server = candidate();
    server.receive(voteRefusal(n2, 2));
    expect(server.role).toBe('candidate');
    server.receive(voteRefusal(n3, 2));
    expect(server.status).toMatchObject({ role: 'follower', term: 2, votedFor: n1 });
  });

  test('is not won by grants of a PreVote, nor by votes of another election', () => {
    const server = candidate();
    for (const m of [preVoteGrant(n2, 2), preVoteGrant(n3, 3), voteGrant(n2, 1)]) server.receive(m);
    expect(server.role).toBe('candidate');
  });

  test('a leader begins its term with an entry of its own: a noop (§8), or the founders if it is the first leader ever', () => {
    const server = leader();
    const ready = server.take();
    expect(ready.entries).toMatchObject([{ index: 2, term: 2, kind: 'config' }]);
    expect(decodeConfiguration(ready.entries[0]!.data)).toEqual(founding([n1, n2, n3]));
    server.receive(heartbeat(n2, 3));
    server.settle();
    server.electLeader();
    expect(server.take().entries).toMatchObject([{ index: 3, term: 4, kind: 'noop' }]);
  });

  test('a leader sends its first entry with its first messages', () => {
    const server = leader();
    const ready = server.take();
    expect(only(ready.messages, 'AppendEntries').map((m) => m.entries.length)).toEqual([1, 1]);
  });

  test('an election in a cluster of one server is won at once', () => {
    const server = new TestServer({ peers: [n1] });
    server.pass(160);
    expect(server.status).toMatchObject({ role: 'leader', term: 1 });
    server.propose('x');
    server.settle();
    expect(server.status.commitIndex).toBe(2);
    expect(server.applied.map((e) => e.kind)).toEqual(['config', 'command']);
  });
});

describe('PreVote (dissertation 9.6)', () => {
  test('a PreVote asks about the next term, does not change term and vote, and needs no disk', () => {
    const server = preCandidate();
    const ready = server.take();
    expect(ready.hardState).toBeNull();
    expect(ready.messagesAfterPersist).toEqual([]);
    expect(only(ready.messages, 'RequestVote')).toMatchObject([
      { to: n2, term: 2, preVote: true },
      { to: n3, term: 2, preVote: true },
    ]);
    expect(server.status).toMatchObject({ term: 1, votedFor: null });
  });

  test('a server that is cut off repeats its PreVote without end and never leaves its term', () => {
    const server = preCandidate();
    server.pass(5_000);
    expect(server.status).toMatchObject({ role: 'pre-candidate', term: 1 });
  });

  test('is granted to any number of candidates with good logs, and is not stored', () => {
    const server = new TestServer({ term: 1, log: [1] });
    for (const from of [n2, n3]) server.receive(requestVote(from, 2, [1, 1], true));
    const ready = server.take();
    expect(ready.hardState).toBeNull();
    expect(ready.messages).toMatchObject([
      { to: n2, term: 2, preVote: true, voteGranted: true },
      { to: n3, term: 2, preVote: true, voteGranted: true },
    ]);
    expect(server.status).toMatchObject({ term: 1, votedFor: null, role: 'follower' });
  });

  test('is refused for a log that is less up to date, and for a term that is not new', () => {
    const server = new TestServer({ term: 3, log: [1] });
    server.receive(requestVote(n2, 4, [0, 0], true));
    server.receive(requestVote(n2, 3, [1, 1], true));
    expect(server.settle()).toMatchObject([
      { voteGranted: false, term: 3 },
      { voteGranted: false, term: 3 },
    ]);
  });

  test('a pre-candidate of a lower term learns the higher term and adopts it (etcd#8501)', () => {
    const server = preCandidate();
    server.receive(preVoteRefusal(n2, 7));
    expect(server.status).toMatchObject({ role: 'follower', term: 7 });
    server.pass(160);
    expect(only(server.settle(), 'RequestVote').at(-1)).toMatchObject({ term: 8, preVote: true });
  });

  test('grants for another term do not count', () => {
    const server = preCandidate();
    server.receive(preVoteGrant(n2, 3));
    expect(server.role).toBe('pre-candidate');
  });
});

describe('a server that hears a live leader (dissertation 4.2.3)', () => {
  const following = (): TestServer => {
    const server = new TestServer({ term: 1 });
    server.receive(heartbeat(n2, 1));
    server.settle();
    return server;
  };

  test('gives no vote and adopts no term for the minimum election timeout', () => {
    const server = following();
    server.pass(140);
    server.receive(requestVote(n3, 5, [9, 9]));
    expect(server.settle()).toEqual([]);
    expect(server.status).toMatchObject({ term: 1, leader: n2 });
    server.receive(requestVote(n3, 2, [9, 9], true));
    expect(server.settle()).toMatchObject([{ preVote: true, voteGranted: false, term: 1 }]);
  });

  test('takes part in elections again after this time', () => {
    for (const preVote of [true, false]) {
      const server = new TestServer({ term: 1, config: { random: () => 0.9 } });
      server.receive(heartbeat(n2, 1));
      server.settle();
      server.pass(150);
      server.receive(requestVote(n3, 2, [9, 9], preVote));
      expect(server.settle()).toMatchObject([{ voteGranted: true }]);
    }
  });

  test('a leader counts as hearing itself, so a node that rejoins does not depose it', () => {
    const server = leader();
    server.settle();
    server.receive(requestVote(n3, 7, [9, 9]));
    server.receive(requestVote(n3, 7, [9, 9], true));
    expect(server.settle()).toMatchObject([{ preVote: true, voteGranted: false, term: 2 }]);
    expect(server.status).toMatchObject({ role: 'leader', term: 2 });
  });

  test('a server in a higher term is not excluded, because its answers raise the term of the others', () => {
    const stuck = new TestServer({ term: 7 });
    stuck.receive(heartbeat(n2, 2));
    const [answer] = stuck.settle();
    expect(answer).toMatchObject({ type: 'HeartbeatResponse', term: 7 });
    const server = leader();
    server.receive(echo(n3, 7, 0));
    expect(server.status).toMatchObject({ role: 'follower', term: 7 });
  });
});

describe('a follower after a stall', () => {
  test('first handles the messages that wait for it, and only then starts a PreVote', () => {
    const server = new TestServer({ term: 1 });
    server.receive(heartbeat(n2, 1));
    server.settle();
    server.stall(5_000);
    server.raft.tick(server.nowMs);
    expect(server.role).toBe('follower');
    server.receive(heartbeat(n2, 1));
    server.pass(100);
    expect(server.status).toMatchObject({ role: 'follower', leader: n2, term: 1 });
  });

  test('a follower that stalled becomes a pre-candidate soon if it hears no leader, even if its ticks are slow', () => {
    const server = new TestServer({ term: 1 });
    for (let late = 0; late < 2; late++) {
      server.stall(1_000);
      server.raft.tick(server.nowMs);
    }
    expect(server.status).toMatchObject({ role: 'pre-candidate', term: 1 });
  });

  test('a candidate that stalled does not win by votes from before the stall', () => {
    const server = candidate();
    server.stall(1_000);
    server.receive(voteGrant(n2, 2));
    expect(server.status).toMatchObject({ role: 'follower', term: 2 });
  });
});
