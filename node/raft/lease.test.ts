import { describe, expect, test } from 'vitest';

import { Raft } from './raft.ts';
import type { MemberChange } from './configuration.ts';
import type { Message } from './message.ts';
import type {
  ChangeResult,
  Persisted,
  ProposeResult,
  RaftConfig,
  ReadResult,
  Ready,
  TransferResult,
} from './ready.ts';
import type { InitialState } from './state.ts';
import { TrialCluster } from './testing/cluster.ts';
import type { RaftFactory } from './testing/cluster.ts';
import {
  acknowledge,
  echo,
  heartbeat,
  n1,
  n2,
  n3,
  only,
  preVoteRefusal,
  requestVote,
  TestServer,
} from './testing/server.ts';
import { firstFailure } from './testing/trial.ts';
import type { NodeId } from './types.ts';

const leaseReads = { maxClockDrift: 0.1 };
/** The shortest election timeout, 150 ms, minus 10 percent for the drift. */
const leaseMs = 135;

/** The leader of term 2; its noop is committed, and it has no lease yet. */
function leader(): TestServer {
  const server = new TestServer({ term: 1, log: [1], config: { leaseReads } });
  server.electLeader();
  server.settle();
  for (const from of [n2, n3]) server.receive(acknowledge(from, 2, 2));
  server.settle();
  return server;
}

/** Lets the server send its next heartbeat round, and returns the round's context. */
function beat(server: TestServer): number {
  server.pass(30);
  return only(server.settle(), 'Heartbeat')[0]!.readContext;
}

const read = (server: TestServer, requestId: number): { served: boolean; asked: boolean } => {
  server.read(requestId);
  const asked = only(server.settle(), 'Heartbeat').length > 0;
  return { served: server.reads.some((done) => done.requestId === requestId), asked };
};

describe('a leader with a lease (dissertation 6.4.1)', () => {
  test('reads without a round of heartbeats after a quorum has answered one', () => {
    const server = leader();
    expect(read(server, 1)).toEqual({ served: false, asked: true });
    const context = beat(server);
    server.receive(echo(n2, 2, context));
    expect(read(server, 2)).toEqual({ served: true, asked: false });
  });

  test('has a lease that begins when the round was sent, not when the answers arrived', () => {
    const server = leader();
    const context = beat(server);
    const sentMs = server.nowMs;
    server.pass(100);
    server.receive(echo(n2, 2, context));
    server.pass(sentMs + leaseMs - 1 - server.nowMs);
    expect(read(server, 1).served).toBe(true);
    server.pass(1);
    expect(read(server, 2).served).toBe(false);
  });

  test('does not read before an entry of its own term is committed', () => {
    const server = new TestServer({ term: 1, log: [1], config: { leaseReads } });
    server.electLeader();
    server.settle();
    server.receive(echo(n2, 2, beat(server)));
    expect(read(server, 1).served).toBe(false);
    server.receive(acknowledge(n2, 2, 2));
    server.settle();
    expect(server.reads).toEqual([{ requestId: 1, index: 2 }]);
  });

  test('reads by rounds again after it has sent TimeoutNow in its term, because voters obey it even if it arrives late', () => {
    const server = leader();
    server.receive(echo(n2, 2, beat(server)));
    server.raft.transferLeadership(n3, server.nowMs);
    server.settle();
    expect(read(server, 1)).toEqual({ served: false, asked: true });
    for (let at = 0; at < 10; at++) server.receive(echo(n2, 2, beat(server)));
    expect(server.status.transferTo).toBeNull();
    expect(read(server, 2)).toEqual({ served: false, asked: true });
  });

  test('has no lease by default, so every read needs a round', () => {
    const server = new TestServer({ term: 1, log: [1] });
    server.electLeader();
    server.settle();
    server.receive(acknowledge(n2, 2, 2));
    server.pass(30);
    server.settle();
    expect(read(server, 1)).toEqual({ served: false, asked: true });
  });
});

describe('a server that hears the leader of a cluster that reads by leases', () => {
  const promised = (server: TestServer): boolean => {
    server.receive(requestVote(n3, server.status.term + 1, [9, 9], true));
    return only(server.settle(), 'RequestVoteResponse').every(({ voteGranted }) => !voteGranted);
  };
  const follower = (): TestServer => {
    const server = new TestServer({ term: 1, config: { leaseReads } });
    server.pass(150);
    server.receive(heartbeat(n2, 1));
    server.settle();
    return server;
  };

  test('a server that hears the leader takes part in no election for the shortest election timeout, also when it learns of a higher term', () => {
    const server = follower();
    server.receive(preVoteRefusal(n3, 7));
    expect(server.status).toMatchObject({ leader: null, term: 7 });
    server.pass(149);
    expect(promised(server)).toBe(true);
    server.receive(requestVote(n3, 9, [9, 9]));
    expect(server.settle()).toEqual([]);
    expect(server.status.term).toBe(7);
    server.pass(1);
    expect(promised(server)).toBe(false);
  });

  test('keeps its promise when the connection from the leader breaks', () => {
    const server = follower();
    server.raft.peerLost(n2, server.nowMs);
    expect(server.status.leader).toBe(n2);
    expect(promised(server)).toBe(true);
  });

  test('behaves after a start as if it had just made its promise', () => {
    const server = new TestServer({ term: 1, config: { leaseReads } });
    expect(promised(server)).toBe(true);
    server.pass(149);
    expect(promised(server)).toBe(true);
  });

  test('votes nevertheless if the leader itself asks for the election', () => {
    const server = follower();
    server.receive(requestVote(n3, 2, [9, 9], false, true));
    expect(only(server.settle(), 'RequestVoteResponse')).toMatchObject([{ voteGranted: true }]);
  });
});

/** A server whose clock runs at `rate` times the speed of the cluster's clock. */
class Drifting extends Raft {
  readonly #rate: number;

  constructor(config: RaftConfig, initial: InitialState, rate: number) {
    super(config, { ...initial, nowMs: initial.nowMs * rate });
    this.#rate = rate;
  }

  override step(m: Message, nowMs: number): void {
    super.step(m, nowMs * this.#rate);
  }
  override tick(nowMs: number): void {
    super.tick(nowMs * this.#rate);
  }
  override peerLost(peer: NodeId, nowMs: number): void {
    super.peerLost(peer, nowMs * this.#rate);
  }
  override propose(data: Uint8Array, nowMs: number): ProposeResult {
    return super.propose(data, nowMs * this.#rate);
  }
  override readIndex(requestId: number, nowMs: number): ReadResult {
    return super.readIndex(requestId, nowMs * this.#rate);
  }
  override transferLeadership(to: NodeId | null, nowMs: number): TransferResult {
    return super.transferLeadership(to, nowMs * this.#rate);
  }
  override proposeConfiguration(changes: readonly MemberChange[], nowMs: number): ChangeResult {
    return super.proposeConfiguration(changes, nowMs * this.#rate);
  }
  override reportSnapshot(to: NodeId, ok: boolean, nowMs: number): void {
    super.reportSnapshot(to, ok, nowMs * this.#rate);
  }
  override diskBusySince(sinceMs: number | null): void {
    super.diskBusySince(sinceMs === null ? null : sinceMs * this.#rate);
  }
  override persisted(p: Persisted, nowMs: number): void {
    super.persisted(p, nowMs * this.#rate);
  }
  override takeReady(nowMs: number): Ready {
    return super.takeReady(nowMs * this.#rate);
  }
  override nextDeadlineMs(): number {
    return super.nextDeadlineMs() / this.#rate;
  }
}

describe('lease reads', () => {
  const rates = [1, 1.09, 1.04, 1.09, 1, 1.03, 1.06];
  const drifting: RaftFactory = (config, initial) =>
    new Drifting(
      { ...config, leaseReads: { maxClockDrift: 0.1 } },
      initial,
      rates[Number(config.id.slice(1)) - 1]!,
    );

  test.each([3, 5])(
    'of %i servers are linearizable under every fault at once, if clocks drift less than was assumed',
    (size) => {
      const failure = firstFailure({ size, firstSeed: 1, seeds: 40 }, drifting);
      if (failure !== null) throw new Error(`seed ${failure.seed}: ${failure.error.stack}`);
    },
  );

  /** n1 leads and is cut off. When its successor has committed an entry, n1 is asked for a read. */
  const readAtDeposedLeader = (seed: number, factory: RaftFactory): void => {
    const rafts = new Map<NodeId, Raft>();
    const cluster = new TrialCluster({ size: 3, spares: 0 }, seed, (config, initial) => {
      const raft = factory(config, initial);
      rafts.set(config.id, raft);
      return raft;
    });
    cluster.runUntil('a leader', () => cluster.isSettled(), 6_000);
    if (cluster.leader() !== n1) rafts.get(cluster.leader()!)!.transferLeadership(n1, cluster.schedule.nowMs);
    cluster.runUntil('n1 leads', () => cluster.leader() === n1 && cluster.isSettled(), 6_000);
    cluster.run(100);
    for (const other of [n2, n3]) {
      cluster.cut(n1, other);
      cluster.cut(other, n1);
    }
    const { maxCommit } = cluster.watch;
    while (cluster.watch.maxCommit === maxCommit) cluster.run(1);
    cluster.read(n1);
    cluster.run(5);
  };
  const seeds = Array.from({ length: 60 }, (_, i) => i + 1);

  test('are refused by a deposed leader in time if clocks drift less than was assumed', () => {
    for (const seed of seeds) expect(() => readAtDeposedLeader(seed, drifting)).not.toThrow();
  });

  test('are stale if clocks drift more than was assumed', () => {
    const wild: RaftFactory = (config, initial) =>
      new Drifting({ ...config, leaseReads: { maxClockDrift: 0 } }, initial, config.id === n1 ? 1 : 3);
    const told = seeds.flatMap((seed) => {
      try {
        readAtDeposedLeader(seed, wild);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    });
    expect(told).toContainEqual(expect.stringMatching(/linearizable reads/));
  });
});
