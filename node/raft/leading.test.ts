import { describe, expect, test } from 'vitest';

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
  refuse,
  TestServer,
} from './testing/server.ts';

/** The leader of term 2 with the log 1, 2. Its first messages are sent, and its whole log is durable. */
function leader(options: ConstructorParameters<typeof TestServer>[0] = {}): TestServer {
  const server = new TestServer({ term: 1, log: [1], ...options });
  server.electLeader();
  server.settle();
  return server;
}

/** As `leader`, but every follower has acknowledged the whole log. */
function replicating(options: ConstructorParameters<typeof TestServer>[0] = {}): TestServer {
  const server = leader(options);
  for (const from of options.peers?.slice(1) ?? [n2, n3]) server.receive(acknowledge(from, 2, 2));
  server.settle();
  return server;
}

describe('the commit rule (§5.3, §5.4.2)', () => {
  test('an entry of the current term is committed when a majority has it', () => {
    const server = leader({ peers: [n1, n2, n3, n4, n5] });
    server.receive(acknowledge(n3, 2, 2));
    expect(server.status.commitIndex).toBe(0);
    server.receive(acknowledge(n4, 2, 2));
    expect(server.status.commitIndex).toBe(2);
  });

  test('figure 8: an entry of an older term is committed not by counting, only together with a later entry of the current term', () => {
    // (c): S1 leads term 4 and sends the entry of term 2 to a majority; (d) S5 of term 3 could still overwrite it.
    const server = new TestServer({ peers: [n1, n2, n3, n4, n5], term: 3, log: [1, 2] });
    server.pass(160);
    for (const from of [n2, n3])
      server.receive({ type: 'RequestVoteResponse', from, term: 4, preVote: true, voteGranted: true });
    for (const from of [n2, n3])
      server.receive({ type: 'RequestVoteResponse', from, term: 4, preVote: false, voteGranted: true });
    server.settle();
    expect(server.status).toMatchObject({ role: 'leader', term: 4, lastIndex: 3 });
    for (const from of [n2, n3, n4, n5]) server.receive(acknowledge(from, 4, 2));
    expect(server.status.commitIndex).toBe(0);
    // (e): with an entry of term 4 on a majority, everything before it is committed too.
    for (const from of [n2, n3]) server.receive(acknowledge(from, 4, 3));
    expect(server.status.commitIndex).toBe(3);
    server.settle();
    expect(server.applied.map((e) => e.term)).toEqual([1, 2, 4]);
  });

  test('the leader sends before its own disk is done, and counts itself only then (dissertation 10.2.1)', () => {
    const server = replicating({ peers: [n1, n2, n3, n4, n5] });
    server.propose('x');
    const ready = server.take();
    expect(only(ready.messages, 'AppendEntries').map((m) => m.to)).toEqual([n2, n3, n4, n5]);
    for (const from of [n2, n3]) server.receive(acknowledge(from, 2, 3));
    expect(server.status.commitIndex).toBe(2);
    server.persist(ready);
    expect(server.status.commitIndex).toBe(3);
  });

  test('a majority without the leader commits, too, but the leader applies only entries that are on its own disk', () => {
    const server = replicating();
    server.propose('x');
    const ready = server.take();
    for (const from of [n2, n3]) server.receive(acknowledge(from, 2, 3));
    expect(server.status.commitIndex).toBe(3);
    expect(server.take().committed).toEqual([]);
    server.persist(ready);
    expect(server.take().committed).toMatchObject([{ index: 3 }]);
  });

  test('a late acknowledgement of a write from before its election does not count for the entries of the leader', () => {
    const server = new TestServer({ term: 1, log: [1] });
    server.receive(appendEntries(n2, 1, [1, 1], [1]));
    const before = server.take();
    server.receive(appendEntries(n3, 2, [1, 1]));
    server.electLeader();
    // `settle` in the election wrote nothing, so the write of entry 2 is the first one under way.
    const own = server.take();
    expect(own.entries).toMatchObject([{ index: 3, term: 3, kind: 'config' }]);
    for (const from of [n2, n3]) server.receive(acknowledge(from, 3, 2));
    server.persist(before);
    expect(server.status).toMatchObject({ durableIndex: 2, commitIndex: 0 });
    server.receive(acknowledge(n2, 3, 3));
    expect(server.status.commitIndex).toBe(0);
    server.persist(own);
    expect(server.status.commitIndex).toBe(3);
  });
});

describe('replication to a follower', () => {
  test('replication begins with one probe, and then streams ahead of the acknowledgements up to a limit', () => {
    const server = leader({ config: { maxInflightMessages: 2 } });
    for (let i = 0; i < 5; i++) {
      server.propose(`${i}`);
      expect(only(server.settle(), 'AppendEntries')).toEqual([]);
    }
    server.receive(acknowledge(n2, 2, 2));
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([{ to: n2, prevLogIndex: 2 }]);
    server.propose('x');
    server.propose('y');
    expect(only(server.settle(), 'AppendEntries').map((m) => [m.prevLogIndex, m.entries.length])).toEqual([
      [7, 2],
    ]);
    server.propose('z');
    expect(only(server.settle(), 'AppendEntries')).toEqual([]);
    server.receive(acknowledge(n2, 2, 7));
    expect(only(server.settle(), 'AppendEntries').map((m) => [m.prevLogIndex, m.entries.length])).toEqual([
      [9, 1],
    ]);
  });

  test('keeps messages within the size limit, but sends an entry that is larger than it', () => {
    const server = replicating({ config: { maxMessageBytes: 200 } });
    for (const size of [50, 50, 50, 500, 10]) server.propose('x'.repeat(size));
    const sent = only(server.settle(), 'AppendEntries').filter((m) => m.to === n2);
    expect(sent.map((m) => m.entries.length)).toEqual([2, 1, 1, 1]);
  });

  test('replication limits the bytes in flight to what its messages may hold, even if the entries are large', () => {
    const server = replicating({ config: { maxMessageBytes: 200, maxInflightMessages: 4 } });
    for (let i = 0; i < 6; i++) server.propose('x'.repeat(368));
    const appends = (): number => only(server.settle(), 'AppendEntries').filter((m) => m.to === n2).length;
    // Each message counts as 400 bytes, and the limit is 800.
    expect(appends()).toBe(2);
    expect(server.raft.followers()[0]).toMatchObject({ inflight: 2, inflightBytes: 800 });
    server.receive(acknowledge(n2, 2, 3));
    expect(appends()).toBe(1);
    server.receive(acknowledge(n2, 2, 5));
    expect(appends()).toBe(2);
  });

  test('all proposals of a turn share one message', () => {
    const server = replicating();
    for (let i = 0; i < 10; i++) server.propose(`${i}`);
    expect(only(server.settle(), 'AppendEntries').map((m) => m.entries.length)).toEqual([10, 10]);
  });

  test('matchIndex never falls: late and repeated answers change nothing', () => {
    const server = replicating();
    for (let i = 0; i < 3; i++) server.propose(`${i}`);
    server.settle();
    server.receive(acknowledge(n2, 2, 5));
    server.settle();
    server.receive(acknowledge(n2, 2, 3));
    server.receive(refuse(n2, 2, 2, [0, 2]));
    server.receive(refuse(n2, 2, 5, [0, 3]));
    server.settle();
    expect(server.raft.followers().find(({ id }) => id === n2)).toMatchObject({ matchIndex: 5 });
  });

  test('a leader skips a whole term of conflicts in one step (§5.3)', () => {
    const server = new TestServer({ term: 6, log: [1, 1, 4, 4, 5, 5, 6, 6] });
    server.electLeader();
    server.settle();
    // The leader has entries of term 4: the search continues after its last one.
    server.receive(refuse(n2, 7, 8, [4, 3]));
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([
      { to: n2, prevLogIndex: 4, prevLogTerm: 4 },
    ]);
    // It has none of term 3: the search continues before the follower's first one.
    server.receive(refuse(n3, 7, 8, [3, 2]));
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([
      { to: n3, prevLogIndex: 1, prevLogTerm: 1 },
    ]);
  });

  test('a refusal that does not answer the current probe changes nothing', () => {
    const server = leader();
    server.receive(refuse(n2, 2, 7, [0, 1]));
    expect(server.settle()).toEqual([]);
    server.receive(refuse(n2, 2, 1, [0, 1]));
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([{ prevLogIndex: 0, entries: [{}, {}] }]);
    server.receive(refuse(n2, 2, 1, [0, 1]));
    expect(server.settle()).toEqual([]);
  });

  test('sends a lost probe again with the next heartbeat', () => {
    const server = leader();
    server.pass(30);
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([
      { to: n2, prevLogIndex: 1, entries: [] },
      { to: n3, prevLogIndex: 1, entries: [] },
    ]);
    server.receive(acknowledge(n2, 2, 1));
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([
      { to: n2, prevLogIndex: 1, entries: [{}] },
    ]);
  });

  test('asks about the last messages of a stream when no answer comes, and sends the lost ones again', () => {
    const server = replicating();
    server.propose('lost');
    expect(only(server.settle(), 'AppendEntries').length).toBe(2);
    server.receive(acknowledge(n3, 2, 3));
    server.pass(60);
    const asked = only(server.settle(), 'AppendEntries').filter((m) => m.to === n2);
    expect(asked[0]).toMatchObject({ prevLogIndex: 3, entries: [] });
    server.receive(refuse(n2, 2, 3, [0, 3]));
    expect(only(server.settle(), 'AppendEntries')).toMatchObject([
      { to: n2, prevLogIndex: 2, entries: [{}] },
    ]);
  });

  test('does not stream to a silent follower, which gets one empty message with each heartbeat', () => {
    const server = replicating();
    for (let beat = 0; beat < 20; beat++) {
      server.pass(30);
      server.receive(echo(n3, 2, 0));
    }
    server.settle();
    for (let beat = 0; beat < 10; beat++) {
      server.propose('x'.repeat(100));
      const sent = only(server.settle(), 'AppendEntries').filter((m) => m.to === n2);
      expect(sent.flatMap((m) => m.entries)).toEqual([]);
      server.receive(acknowledge(n3, 2, server.status.lastIndex));
      server.pass(30);
    }
    server.settle();
    server.receive(acknowledge(n2, 2, 2));
    expect(only(server.settle(), 'AppendEntries')[0]).toMatchObject({ to: n2, prevLogIndex: 2 });
  });

  test('a follower with a new connection is asked at once which messages the earlier connection lost', () => {
    const server = replicating();
    server.propose('lost');
    server.settle();
    server.raft.linkMade(n2, server.nowMs);
    const sent = server.settle();
    const [probe] = only(sent, 'AppendEntries').filter((m) => m.to === n2);
    // The follower also learns the leader at once, even if there are no entries to send.
    expect(only(sent, 'Heartbeat').map((m) => m.to)).toEqual([n2]);
    expect(probe).toMatchObject({ prevLogIndex: server.status.lastIndex - 1 });
    expect(probe!.entries).toHaveLength(1);
  });

  test('a follower that lost its disk receives the whole log again', () => {
    const server = replicating();
    for (let round = 0; round < 12; round++) {
      server.propose('x');
      for (const m of only(server.settle(), 'AppendEntries').filter((m) => m.to === n2)) {
        server.receive(
          m.prevLogIndex === 0 ? acknowledge(n2, 2, m.entries.length) : refuse(n2, 2, m.prevLogIndex, [0, 1]),
        );
      }
      server.receive(acknowledge(n3, 2, server.status.lastIndex));
      server.pass(30);
    }
    const lost = server.raft.followers().find(({ id }) => id === n2);
    expect(lost!.matchIndex).toBeGreaterThan(2);
  });
});

describe('proposals', () => {
  test('have a definite result: index and term if accepted, the known leader if refused', () => {
    const server = replicating();
    expect(server.propose('x')).toEqual({ ok: true, index: 3, term: 2 });
    server.receive(heartbeat(n3, 3));
    expect(server.propose('y')).toEqual({ ok: false, reason: 'not-leader', leader: n3 });
    expect(new TestServer().propose('z')).toEqual({ ok: false, reason: 'not-leader', leader: null });
  });

  test('proposals are refused as busy while too much is uncommitted, until commits make room', () => {
    const server = replicating({ config: { maxUncommittedBytes: 300 } });
    expect(server.propose('x'.repeat(900)).ok).toBe(true);
    expect(server.propose('')).toEqual({ ok: false, reason: 'busy' });
    server.settle();
    server.receive(acknowledge(n2, 2, 3));
    const taken = Array.from({ length: 20 }, () => server.propose('').ok).filter(Boolean).length;
    expect(taken).toBe(9);
    server.settle();
    server.receive(acknowledge(n2, 2, 12));
    expect(server.propose('x').ok).toBe(true);
  });
});

describe('heartbeats (§5.2)', () => {
  test('are sent at their interval and name the last committed entry, which proves all entries before it', () => {
    const server = leader();
    server.receive(acknowledge(n3, 2, 2));
    server.settle();
    server.pass(300 - 5);
    const beats = only(server.settle(), 'Heartbeat');
    expect(beats.filter((m) => m.to === n2).length).toBeGreaterThanOrEqual(9);
    expect(beats.every((m) => m.commit === 2 && m.commitTerm === 2)).toBe(true);
  });

  test('the core tells the driver when the next tick is due', () => {
    const server = leader();
    expect(server.raft.nextDeadlineMs() - server.nowMs).toBeLessThanOrEqual(30);
    server.nowMs = server.raft.nextDeadlineMs();
    server.raft.tick(server.nowMs);
    expect(only(server.settle(), 'Heartbeat').length).toBe(2);
    expect(server.raft.nextDeadlineMs()).toBe(server.nowMs + 30);
  });
});

describe('CheckQuorum (dissertation 6.2)', () => {
  test('a leader that hears no majority for an election timeout steps down', () => {
    const server = replicating();
    server.pass(295);
    expect(server.role).toBe('leader');
    server.pass(10);
    expect(server.status).toMatchObject({ role: 'follower', term: 2, leader: null });
    expect(server.propose('x')).toEqual({ ok: false, reason: 'not-leader', leader: null });
    server.settle();
    expect(server.events.at(-1)).toMatchObject({
      type: 'BecomeFollower',
      reason: 'lost contact with a majority',
    });
  });

  test('a leader that hears a majority continues to lead, but votes and PreVotes do not count as contact', () => {
    const server = replicating({ peers: [n1, n2, n3, n4, n5] });
    for (let beat = 0; beat < 40; beat++) {
      server.pass(30);
      server.receive(echo(n2, 2, 0));
      server.receive(acknowledge(n3, 2, 2));
    }
    expect(server.role).toBe('leader');
    for (let beat = 0; beat < 11; beat++) {
      server.pass(30);
      server.receive(echo(n2, 2, 0));
      server.receive({
        type: 'RequestVote',
        from: n3,
        term: 3,
        preVote: true,
        transfer: false,
        lastLogIndex: 2,
        lastLogTerm: 2,
      });
    }
    expect(server.role).toBe('follower');
  });
});

describe('a leader that stalled for an election timeout', () => {
  const inputs: [string, (server: TestServer) => unknown][] = [
    ['a tick', (s) => s.raft.tick(s.nowMs)],
    ['a message', (s) => s.receive(acknowledge(n2, 2, 3))],
    ['a proposal', (s) => expect(s.propose('x')).toMatchObject({ ok: false, reason: 'not-leader' })],
    ['a read', (s) => expect(s.read(9)).toMatchObject({ ok: false, reason: 'not-leader' })],
    ['its disk', (s) => s.raft.persisted({ index: 3 as never, term: 2 as never }, s.nowMs)],
    ['a Ready', (s) => s.take()],
  ];

  test.each(inputs)('steps down before it carries out %s', (_name, input) => {
    const server = replicating();
    server.propose('unsent');
    server.read(1);
    server.stall(150);
    input(server);
    expect(server.status).toMatchObject({ role: 'follower', term: 2, leader: null, commitIndex: 2 });
    const sent = server.settle();
    expect([...only(sent, 'AppendEntries'), ...only(sent, 'Heartbeat')]).toEqual([]);
    expect(server.reads).toEqual([]);
  });

  test('a leader that stalled fails its reads, and leads again only after an election', () => {
    const server = replicating();
    server.read(1);
    server.settle();
    server.stall(400);
    server.receive(echo(n2, 2, 1));
    server.settle();
    expect(server.failedReads).toEqual([1]);
    expect(server.events.at(-1)).toMatchObject({
      type: 'BecomeFollower',
      term: 2,
      reason: 'stalled for 400 ms',
    });
    server.pass(140);
    expect(server.role).toBe('follower');
    server.pass(20);
    expect(server.role).toBe('pre-candidate');
  });

  test('a shorter gap does not count as a stall', () => {
    const server = replicating();
    server.stall(149);
    server.raft.tick(server.nowMs);
    expect(server.role).toBe('leader');
  });
});
