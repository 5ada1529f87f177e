import { describe, expect, test } from 'vitest';

import {
  acknowledge,
  echo,
  heartbeat,
  n1,
  n2,
  n3,
  n4,
  only,
  requestVote,
  TestServer,
  voteGrant,
} from './testing/server.ts';
import type { Incoming } from './testing/server.ts';
import type { NodeId } from './types.ts';

/** The leader of term 2 with entries 1 and 2; `n2` and `n3` have both. */
function leader(): TestServer {
  const server = new TestServer({ term: 1, log: [1] });
  server.electLeader();
  server.settle();
  for (const from of [n2, n3]) server.receive(acknowledge(from, 2, 2));
  server.settle();
  return server;
}

/** A follower of n2 in term 2 whose log is 1, 2. */
function follower(): TestServer {
  const server = new TestServer({ term: 2, log: [1, 2] });
  server.receive(heartbeat(n2, 2, [2, 2]));
  server.settle();
  return server;
}

const hand = (server: TestServer, to: NodeId | null): ReturnType<TestServer['raft']['transferLeadership']> =>
  server.raft.transferLeadership(to, server.nowMs);
const timeoutNow = (from: NodeId, term: number): Incoming => ({ type: 'TimeoutNow', from, term });

describe('a leader that transfers its leadership (dissertation 3.10)', () => {
  test('asks a target that has the whole log to start an election at once', () => {
    const server = leader();
    expect(hand(server, n3)).toEqual({ ok: true, to: n3 });
    expect(only(server.settle(), 'TimeoutNow')).toMatchObject([{ to: n3, term: 2 }]);
    expect(server.status).toMatchObject({ role: 'leader', transferTo: n3 });
  });

  test('first sends all entries to the target and commits them, so that no client has an unknown outcome', () => {
    const server = leader();
    server.propose('x');
    expect(hand(server, n3)).toMatchObject({ ok: true });
    expect(only(server.settle(), 'TimeoutNow')).toEqual([]);
    server.receive(acknowledge(n2, 2, 3));
    expect(only(server.settle(), 'TimeoutNow')).toEqual([]);
    server.receive(acknowledge(n3, 2, 3));
    expect(only(server.settle(), 'TimeoutNow')).toMatchObject([{ to: n3 }]);
  });

  test('a leader accepts no proposals during a transfer, but serves reads', () => {
    const server = leader();
    hand(server, n2);
    expect(server.propose('x')).toEqual({ ok: false, reason: 'transferring', to: n2 });
    expect(server.read(1)).toEqual({ ok: true });
  });

  test('gives up after an election timeout and continues to lead', () => {
    const server = leader();
    hand(server, n2);
    for (let beat = 0; beat < 7; beat++) {
      server.pass(30);
      for (const from of [n2, n3]) server.receive(echo(from, 2, 0));
    }
    expect(server.status).toMatchObject({ role: 'leader', term: 2, transferTo: null });
    expect(server.propose('x')).toMatchObject({ ok: true });
  });

  test('repeats TimeoutNow, which may be lost, until it gives up', () => {
    const server = leader();
    hand(server, n2);
    server.settle();
    let asked = 0;
    for (let beat = 0; beat < 10; beat++) {
      server.pass(30);
      for (const from of [n2, n3]) server.receive(echo(from, 2, 0));
      asked += only(server.settle(), 'TimeoutNow').length;
    }
    expect(asked).toBeGreaterThanOrEqual(3);
    expect(asked).toBeLessThanOrEqual(5);
  });

  test('votes for its successor at once', () => {
    const server = leader();
    hand(server, n2);
    server.settle();
    server.receive(requestVote(n2, 3, [2, 2], false, true));
    expect(server.settle()).toMatchObject([{ type: 'RequestVoteResponse', voteGranted: true, term: 3 }]);
    expect(server.status).toMatchObject({ role: 'follower', term: 3, votedFor: n2 });
  });

  test('chooses the voter with the longest log if no target is named', () => {
    const server = leader();
    server.propose('x');
    server.settle();
    server.receive(acknowledge(n3, 2, 3));
    expect(hand(server, null)).toEqual({ ok: true, to: n3 });
  });

  test('refuses a target that cannot lead, and continues to serve', () => {
    const server = leader();
    expect(hand(server, n1)).toMatchObject({ reason: 'bad-target', detail: 'n1 leads already' });
    expect(hand(server, n4)).toMatchObject({
      reason: 'bad-target',
      detail: 'n4 is not a voter of this cluster',
    });
    for (let beat = 0; beat < 6; beat++) {
      server.pass(30);
      server.receive(echo(n2, 2, 0));
    }
    expect(hand(server, n3)).toMatchObject({ detail: 'n3 has not answered for 180 ms' });
    expect(server.propose('x')).toMatchObject({ ok: true });
  });

  test('has one transfer at a time, and a repeated request for it changes nothing', () => {
    const server = leader();
    hand(server, n2);
    expect(hand(server, n2)).toEqual({ ok: true, to: n2 });
    expect(hand(server, n3)).toMatchObject({ reason: 'busy', detail: 'a transfer to n2 is under way' });
  });

  test('a server that does not lead names the leader', () => {
    expect(hand(follower(), n3)).toEqual({ ok: false, reason: 'not-leader', leader: n2 });
  });
});

describe('the target of a transfer (dissertation 3.10)', () => {
  test('the target of a transfer becomes a candidate at once, in the next term, without a PreVote', () => {
    const server = follower();
    server.receive(timeoutNow(n2, 2));
    const sent = only(server.settle(), 'RequestVote');
    expect(sent.map(({ to, term, preVote, transfer }) => [to, term, preVote, transfer])).toEqual([
      [n2, 3, false, true],
      [n3, 3, false, true],
    ]);
    server.receive(voteGrant(n2, 3));
    expect(server.status).toMatchObject({ role: 'leader', term: 3 });
  });

  test('asks for votes only after the term and the own vote are durable, as in every election', () => {
    const server = follower();
    server.receive(timeoutNow(n2, 2));
    const ready = server.take();
    expect(ready.hardState).toEqual({ term: 3, votedFor: n1 });
    expect(only(ready.messages, 'RequestVote')).toEqual([]);
    expect(only(ready.messagesAfterPersist, 'RequestVote')).toHaveLength(2);
  });

  test('ignores a request of an older term that arrives late', () => {
    const server = follower();
    server.receive(timeoutNow(n2, 1));
    expect(server.settle()).toEqual([]);
    expect(server.status).toMatchObject({ role: 'follower', term: 2 });
  });

  test('does not start a second election when TimeoutNow is repeated', () => {
    const server = follower();
    server.receive(timeoutNow(n2, 2));
    server.receive(timeoutNow(n2, 2));
    expect(server.status).toMatchObject({ role: 'candidate', term: 3 });
  });
});

test('a voter that hears its leader ignores a candidate, unless the leader asked for the election (3.10, 4.2.3)', () => {
  const server = follower();
  server.receive(requestVote(n3, 3, [2, 2]));
  expect(server.settle()).toEqual([]);
  expect(server.status.term).toBe(2);
  server.receive(requestVote(n3, 3, [2, 2], false, true));
  expect(server.settle()).toMatchObject([{ to: n3, voteGranted: true, term: 3 }]);
});

test('a transfer does not lift the election restriction (§5.4.1)', () => {
  const server = follower();
  server.receive(requestVote(n3, 3, [1, 1], false, true));
  expect(server.settle()).toMatchObject([{ to: n3, voteGranted: false, term: 3 }]);
});
