import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PendingReads } from './read-index.ts';
import {
  acknowledge,
  echo,
  heartbeat,
  n1,
  n2,
  n3,
  n4,
  n5,
  only,
  TestServer,
  voteGrant,
  preVoteGrant,
} from './testing/server.ts';
import { logIndex } from './types.ts';

/** A leader of term 2 whose noop, entry 2, is committed. */
function leader(peers = [n1, n2, n3]): TestServer {
  const server = new TestServer({ term: 1, log: [1], peers });
  server.pass(160);
  for (const make of [preVoteGrant, voteGrant])
    for (const from of peers.slice(1)) server.receive(make(from, 2));
  server.settle();
  for (const from of peers.slice(1)) server.receive(acknowledge(from, 2, 2));
  server.settle();
  return server;
}

/** The context of the heartbeat round that is sent now; 0 if none is sent. */
const roundOf = (server: TestServer): number => only(server.settle(), 'Heartbeat')[0]?.readContext ?? 0;

describe('ReadIndex (dissertation 6.4)', () => {
  test('a read is served at the commit index of its arrival, once a majority has echoed its round', () => {
    const server = leader();
    server.read(7);
    const context = roundOf(server);
    expect(context).toBeGreaterThan(0);
    expect(server.reads).toEqual([]);
    server.receive(echo(n3, 2, context));
    server.settle();
    expect(server.reads).toEqual([{ requestId: 7, index: 2 }]);
  });

  test('a read needs the echoes of a majority: in a cluster of five, one echo of four is not enough', () => {
    const server = leader([n1, n2, n3, n4, n5]);
    server.read(7);
    const context = roundOf(server);
    for (let again = 0; again < 3; again++) server.receive(echo(n2, 2, context));
    server.settle();
    expect(server.reads).toEqual([]);
    server.receive(echo(n4, 2, context));
    server.settle();
    expect(server.reads.length).toBe(1);
  });

  test('all reads of a turn share one round', () => {
    const server = leader();
    for (const id of [1, 2, 3]) server.read(id);
    const sent = only(server.settle(), 'Heartbeat');
    expect(sent.length).toBe(2);
    server.receive(echo(n2, 2, sent[0]!.readContext));
    server.settle();
    expect(server.reads.map((read) => read.requestId)).toEqual([1, 2, 3]);
  });

  test('an echo of a round that began before the read arrived does not prove it', () => {
    const server = leader();
    server.read(1);
    const first = roundOf(server);
    server.read(2);
    server.receive(echo(n2, 2, first));
    const second = roundOf(server);
    expect(server.reads.map((read) => read.requestId)).toEqual([1]);
    expect(second).toBeGreaterThan(first);
    server.receive(echo(n3, 2, first));
    server.receive(echo(n2, 2, first));
    server.settle();
    expect(server.reads.map((read) => read.requestId)).toEqual([1]);
    server.receive(echo(n3, 2, second));
    server.settle();
    expect(server.reads.map((read) => read.requestId)).toEqual([1, 2]);
  });

  test('a lost round is repeated with a new context, whose echo also proves the earlier reads', () => {
    const server = leader();
    const contexts = new Set<number>();
    server.read(1);
    contexts.add(roundOf(server));
    for (let beat = 0; beat < 4; beat++) {
      server.pass(30);
      contexts.add(roundOf(server));
    }
    expect(contexts.size).toBe(5);
    server.receive(echo(n2, 2, Math.max(...contexts)));
    server.settle();
    expect(server.reads.map((read) => read.requestId)).toEqual([1]);
  });

  test('reads wait for the next round while rounds are under way, so the number of rounds does not grow with the reads', () => {
    const server = leader();
    let rounds = 0;
    for (let id = 1; id <= 100; id++) {
      server.read(id);
      if (roundOf(server) > 0) rounds++;
    }
    expect(rounds).toBe(4);
    server.pass(30);
    const context = roundOf(server);
    server.receive(echo(n2, 2, context));
    server.settle();
    expect(server.reads.length).toBe(100);
  });

  test('a new leader serves no read before an entry of its own term is committed', () => {
    const server = new TestServer({ term: 1, log: [1, 1, 1] });
    server.electLeader();
    server.settle();
    server.read(1);
    expect(roundOf(server)).toBe(0);
    server.pass(30);
    const early = roundOf(server);
    server.receive(echo(n2, 2, early));
    server.receive(echo(n3, 2, early));
    server.settle();
    expect(server.reads).toEqual([]);
    server.receive(acknowledge(n2, 2, 4));
    const context = roundOf(server);
    server.receive(echo(n3, 2, context));
    server.settle();
    expect(server.reads).toEqual([{ requestId: 1, index: 4 }]);
  });

  test('reads of a leader that is deposed fail, and an echo of their round does not count in a later term', () => {
    const server = leader();
    server.read(1);
    const old = roundOf(server);
    server.receive(heartbeat(n3, 3));
    server.settle();
    expect(server.failedReads).toEqual([1]);
    expect(server.read(2)).toEqual({ ok: false, reason: 'not-leader', leader: n3 });
    server.electLeader();
    server.settle();
    server.receive(acknowledge(n2, 4, server.status.lastIndex));
    server.settle();
    server.read(3);
    expect(roundOf(server)).toBeGreaterThan(old);
    server.receive(echo(n2, 2, old));
    server.receive(echo(n2, 4, old));
    server.settle();
    expect(server.reads).toEqual([]);
  });

  test('a follower echoes only its own leader, in its own term', () => {
    const server = new TestServer({ term: 3 });
    server.receive(heartbeat(n2, 2, [0, 0], 5));
    expect(only(server.settle(), 'HeartbeatResponse')).toMatchObject([{ term: 3, readContext: 0 }]);
  });

  test('a cluster of one confirms itself', () => {
    const server = new TestServer({ peers: [n1] });
    server.pass(160);
    server.settle();
    server.read(1);
    server.settle();
    expect(server.reads).toEqual([{ requestId: 1, index: 1 }]);
  });

  test('an echo of a context that was never given out is an error', () => {
    expect(() => leader().receive(echo(n2, 2, 99))).toThrow('echoes read context 99');
  });
});

describe('pending reads', () => {
  test('are returned once each, in order, and only for a context that began after them', () => {
    const steps = fc.array(fc.oneof(fc.constant('read'), fc.constant('begin'), fc.nat({ max: 3 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (script) => {
        const reads = new PendingReads();
        const begunAt = new Map<number, number>();
        const waiting: number[] = [];
        const out: number[] = [];
        const wrong: number[] = [];
        let highest = 0;
        let [next, context] = [0, 0];
        for (const step of script) {
          if (step === 'read') {
            waiting.push(next);
            reads.add(next++);
          } else if (step === 'begin') {
            context++;
            for (const id of waiting.splice(0)) begunAt.set(id, context);
            reads.begin(context, logIndex(1));
          } else {
            const confirmed = Math.max(highest, context - step);
            highest = confirmed;
            const proven: { requestId: number; index: ReturnType<typeof logIndex> }[] = [];
            reads.confirm(confirmed, proven);
            out.push(...proven.map((read) => read.requestId));
            // The proven reads must be exactly those whose round is the confirmed one or an earlier one.
            for (const [id, at] of begunAt) if (at <= confirmed !== out.includes(id)) wrong.push(id);
          }
        }
        const failed: number[] = [];
        reads.failAll(failed);
        expect([...out, ...failed].toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: next }, (_, id) => id),
        );
        expect(wrong).toEqual([]);
        expect(out).toEqual(out.toSorted((a, b) => a - b));
      }),
    );
  });
});
