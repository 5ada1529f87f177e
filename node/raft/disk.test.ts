import { describe, expect, test } from 'vitest';

import { acknowledge, echo, heartbeat, n2, n3, only, requestVote, TestServer } from './testing/server.ts';

/** Lets time pass with ticks and the followers' answers while one write is under way. */
function passWithBusyDisk(server: TestServer, ms: number, sinceMs: number): void {
  for (const endMs = server.nowMs + ms; server.nowMs < endMs;) {
    server.raft.diskBusySince(sinceMs);
    server.pass(5);
    for (const from of [n2, n3]) server.receive(echo(from, server.status.term, 0));
  }
}

describe('a leader whose disk hangs', () => {
  const leader = (): TestServer => {
    const server = new TestServer({ term: 1, log: [1] });
    server.electLeader();
    server.settle();
    for (const from of [n2, n3]) server.receive(acknowledge(from, 2, 2));
    server.settle();
    return server;
  };

  test('a leader whose disk hangs steps down after an election timeout, although all followers answer its heartbeats', () => {
    const server = leader();
    const sinceMs = server.nowMs;
    passWithBusyDisk(server, 295, sinceMs);
    expect(server.role).toBe('leader');
    passWithBusyDisk(server, 10, sinceMs);
    expect(server.status).toMatchObject({ role: 'follower', leader: null });
    server.settle();
    expect(server.events.at(-1)).toMatchObject({ reason: 'a disk write has not ended for 300 ms' });
  });

  test('sends no heartbeat after it has stepped down', () => {
    const server = leader();
    passWithBusyDisk(server, 305, server.nowMs);
    server.settle();
    passWithBusyDisk(server, 1_000, server.nowMs - 305);
    expect(server.settle()).toEqual([]);
  });

  test('continues to lead if its writes are slow but do end', () => {
    const server = leader();
    for (let write = 0; write < 10; write++) passWithBusyDisk(server, 250, server.nowMs);
    expect(server.role).toBe('leader');
  });
});

describe('a follower whose disk hangs', () => {
  const follower = (): TestServer => {
    const server = new TestServer({ term: 1, log: [1] });
    server.receive(heartbeat(n2, 1));
    server.settle();
    return server;
  };

  test('starts no election before the write has ended, even if it hears no leader for a long time', () => {
    const server = follower();
    server.raft.diskBusySince(server.nowMs - 300);
    server.pass(2_000);
    expect(server.role).toBe('follower');
    expect(server.settle()).toEqual([]);
    server.raft.diskBusySince(null);
    server.pass(300);
    expect(server.role).toBe('pre-candidate');
  });

  test('promises no vote, and does not accept a transfer of leadership', () => {
    const server = follower();
    server.raft.diskBusySince(server.nowMs - 300);
    server.receive({ type: 'TimeoutNow', from: n2, term: 1 });
    expect(server.status).toMatchObject({ role: 'follower', term: 1 });
    server.pass(150);
    server.receive(requestVote(n3, 2, [1, 1], true));
    expect(only(server.settle(), 'RequestVoteResponse')).toMatchObject([{ voteGranted: false }]);
  });
});
