import { describe, expect, test } from 'vitest';

import {
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
} from './testing/server.ts';

const five = [n1, n2, n3, n4, n5];

/** A follower in term 1 that has just heard from its leader, n2. */
function follower(options: ConstructorParameters<typeof TestServer>[0] = {}): TestServer {
  const server = new TestServer({ term: 1, log: [1], ...options });
  server.receive(heartbeat(n2, 1));
  server.settle();
  return server;
}

describe('a follower whose connection from the leader breaks', () => {
  test('a follower asks for a PreVote within 10 ms, not an election timeout later', () => {
    const server = follower();
    server.raft.peerLost(n2, server.nowMs);
    expect(server.status).toMatchObject({ role: 'follower', leader: null, term: 1 });
    expect(server.raft.nextDeadlineMs() - server.nowMs).toBeLessThan(10);
    server.pass(10);
    expect(server.status).toMatchObject({ role: 'pre-candidate', term: 1 });
    expect(only(server.settle(), 'RequestVote')).toMatchObject([
      { to: n2, preVote: true, term: 2 },
      { to: n3, preVote: true, term: 2 },
    ]);
  });

  test('only waits less: it starts an election if a majority would vote for it, and not otherwise', () => {
    const server = follower({ peers: five });
    server.raft.peerLost(n2, server.nowMs);
    server.pass(10);
    server.receive(preVoteGrant(n3, 2));
    expect(server.status).toMatchObject({ role: 'pre-candidate', term: 1 });
    server.receive(preVoteGrant(n4, 2));
    expect(server.status).toMatchObject({ role: 'candidate', term: 2 });
    server.settle();
    for (const from of [n3, n4]) server.receive(voteGrant(from, 2));
    expect(server.role).toBe('leader');
  });

  test('grants a PreVote that it refused before the connection broke', () => {
    const server = follower();
    const asked = requestVote(n3, 2, [1, 1], true);
    server.receive(asked);
    expect(only(server.settle(), 'RequestVoteResponse')).toMatchObject([{ voteGranted: false }]);
    server.raft.peerLost(n2, server.nowMs);
    server.receive(asked);
    expect(only(server.settle(), 'RequestVoteResponse')).toMatchObject([{ voteGranted: true }]);
  });

  test('follows again as soon as it hears the leader, with the usual timeout', () => {
    const server = follower();
    server.raft.peerLost(n2, server.nowMs);
    server.receive(heartbeat(n2, 1));
    expect(server.status.leader).toBe(n2);
    server.pass(140);
    expect(server.role).toBe('follower');
  });

  test('a follower whose PreVote the others refuse tries again soon, each time later, and does not change its term', () => {
    const server = follower();
    server.raft.peerLost(n2, server.nowMs);
    const asked: number[] = [];
    for (const startMs = server.nowMs; server.nowMs < startMs + 2_000;) {
      server.pass(5);
      if (only(server.settle(), 'RequestVote').length === 0) continue;
      asked.push(server.nowMs - startMs);
      for (const from of [n2, n3]) server.receive(preVoteRefusal(from, 1));
    }
    const waits = asked.map((at, i) => at - (asked[i - 1] ?? 0));
    expect(waits.slice(0, 6)).toEqual([5, 10, 20, 40, 80, 150]);
    expect(waits.slice(6).every((ms) => ms >= 150)).toBe(true);
    expect(server.status).toMatchObject({ role: 'follower', term: 1 });
  });

  test('starts no election after the loss of another follower, nor does a leader or a candidate', () => {
    const server = follower();
    server.raft.peerLost(n3, server.nowMs);
    expect(server.status.leader).toBe(n2);
    expect(server.raft.hasReady()).toBe(false);
    const leader = new TestServer({ term: 1 });
    leader.electLeader();
    leader.raft.peerLost(n2, leader.nowMs);
    expect(leader.role).toBe('leader');
  });
});

describe('a server that has just started', () => {
  test('asks for a PreVote within a heartbeat interval if it hears of no leader, and tries again soon', () => {
    const server = new TestServer({ config: { heartbeatMs: 50 } });
    server.raft.hurry(server.nowMs);
    server.pass(10);
    expect(server.role).toBe('follower');
    server.pass(20);
    expect(server.status).toMatchObject({ role: 'pre-candidate', term: 0 });
    server.settle();
    server.pass(45);
    expect(only(server.settle(), 'RequestVote')).toHaveLength(2);
  });

  test('asks for a vote again when a connection is made, and only then (§5.1: requests are retried)', () => {
    const server = new TestServer({ term: 1, log: [1] });
    server.raft.hurry(server.nowMs);
    server.pass(server.raft.nextDeadlineMs() - server.nowMs);
    expect(only(server.settle(), 'RequestVote')).toHaveLength(2);
    server.raft.linkMade(n3, server.nowMs);
    expect(only(server.settle(), 'RequestVote')).toMatchObject([{ to: n3, preVote: true, term: 2 }]);
    server.receive(preVoteRefusal(n3, 1));
    server.raft.linkMade(n3, server.nowMs);
    expect(only(server.settle(), 'RequestVote')).toEqual([]);
    server.receive(preVoteGrant(n2, 2));
    expect(server.status).toMatchObject({ role: 'candidate', term: 2 });
    server.settle();
    server.raft.linkMade(n2, server.nowMs);
    expect(only(server.settle(), 'RequestVote')).toMatchObject([{ to: n2, preVote: false, term: 2 }]);
    server.receive(voteGrant(n2, 2));
    expect(server.role).toBe('leader');
  });

  test('follows a leader that it hears, with the usual timeout', () => {
    const server = new TestServer({ term: 1, log: [1], config: { heartbeatMs: 50 } });
    server.raft.hurry(server.nowMs);
    server.receive(heartbeat(n2, 1));
    server.pass(140);
    expect(server.status).toMatchObject({ role: 'follower', leader: n2 });
  });
});

describe('followers that lose the leader at the same moment', () => {
  const delays = (ids: typeof five, term: number, random: number): number[] =>
    ids.map((id) => {
      const server = new TestServer({
        term,
        peers: five,
        config: { id, random: () => random },
      });
      server.receive(heartbeat(n2, term));
      server.raft.peerLost(n2, server.nowMs);
      return server.raft.nextDeadlineMs() - server.nowMs;
    });
  const survivors = [n1, n3, n4, n5];

  test.each([0, 0.999])(
    'start their elections one after the other, for every random number (%d)',
    (random) => {
      const sorted = delays(survivors, 1, random).toSorted((a, b) => a - b);
      const gaps = sorted.slice(1).map((at, i) => at - sorted[i]!);
      expect(Math.min(...gaps)).toBeGreaterThan(1.2);
      expect(sorted.at(-1)).toBeLessThan(10);
    },
  );

  test('take turns at being the first, from term to term', () => {
    const firsts = [1, 2, 3, 4].map((term) => {
      const all = delays(survivors, term, 0);
      return all.indexOf(Math.min(...all));
    });
    expect(new Set(firsts)).toEqual(new Set([0, 1, 2, 3]));
  });
});
