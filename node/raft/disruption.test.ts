import { describe, expect, test } from 'vitest';

import { TrialCluster } from './testing/cluster.ts';
import { timing } from './testing/sim-server.ts';
import { n1, n2, n3 } from './testing/server.ts';
import type { NodeId } from './types.ts';

const { electionTimeoutMinMs, electionTimeoutMaxMs } = timing;
const seeds = 40;

/** Runs the claim with many seeds, each of which gives other timers, delays and disks. */
function forEachSeed(holds: (seed: number) => void): void {
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      holds(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** A cluster of three without faults; returns its leader and the two followers. */
function settled(seed: number): { cluster: TrialCluster; leader: NodeId; one: NodeId; other: NodeId } {
  const cluster = new TrialCluster({ size: 3, spares: 0 }, seed);
  cluster.runUntil('a leader', () => cluster.isSettled(), 10 * electionTimeoutMaxMs);
  const leader = cluster.leader()!;
  const [one, other] = [n1, n2, n3].filter((id) => id !== leader) as [NodeId, NodeId];
  return { cluster, leader, one, other };
}

function separate(cluster: TrialCluster, a: NodeId, b: NodeId): void {
  cluster.cut(a, b);
  cluster.cut(b, a);
}

function join(cluster: TrialCluster, a: NodeId, b: NodeId): void {
  cluster.heal(a, b);
  cluster.heal(b, a);
}

describe('disruption', () => {
  test('a node that rejoins does not depose the leader, even after it was cut off from all others for long', () =>
    forEachSeed((seed) => {
      const { cluster, leader, one, other } = settled(seed);
      const { term } = cluster.status(leader);
      for (let round = 0; round < 3; round++) {
        separate(cluster, leader, one);
        separate(cluster, other, one);
        cluster.run(10 * electionTimeoutMaxMs);
        join(cluster, leader, one);
        join(cluster, other, one);
        cluster.runUntil('the rejoiner follows', () => cluster.isSettled(), 2 * electionTimeoutMaxMs);
        cluster.propose(leader);
      }
      expect(cluster.status(leader)).toMatchObject({ role: 'leader', term });
    }));

  test('a broken link between the leader and one follower does not depose the leader (Cloudflare 2020)', () =>
    forEachSeed((seed) => {
      const { cluster, leader, one } = settled(seed);
      const { term } = cluster.status(leader);
      for (let flap = 0; flap < 4; flap++) {
        separate(cluster, leader, one);
        cluster.run(5 * electionTimeoutMaxMs);
        expect(cluster.propose(leader)).toBe(true);
        join(cluster, leader, one);
        cluster.runUntil('the follower is back', () => cluster.isSettled(), 10 * electionTimeoutMaxMs);
      }
      expect(cluster.status(leader)).toMatchObject({ role: 'leader', term });
    }));

  test('a leader whose messages arrive but who receives none steps down', () =>
    forEachSeed((seed) => {
      const { cluster, leader, one, other } = settled(seed);
      cluster.cut(one, leader);
      cluster.cut(other, leader);
      const succeeded = (): boolean => cluster.leader() !== null && cluster.leader() !== leader;
      cluster.runUntil('a new leader', succeeded, 8 * electionTimeoutMaxMs);
      const steppedDown = (): boolean => cluster.status(leader).role !== 'leader';
      cluster.runUntil('the old leader steps down', steppedDown, electionTimeoutMaxMs);
    }));

  test('a leader that receives messages but whose own ones are lost is replaced, and steps down by itself', () =>
    forEachSeed((seed) => {
      const { cluster, leader, one, other } = settled(seed);
      cluster.cut(leader, one);
      cluster.cut(leader, other);
      const succeeded = (): boolean => cluster.leader() !== null && cluster.leader() !== leader;
      cluster.runUntil('a new leader', succeeded, 8 * electionTimeoutMaxMs);
      const steppedDown = (): boolean => cluster.status(leader).role !== 'leader';
      cluster.runUntil('the old leader steps down', steppedDown, electionTimeoutMaxMs);
    }));

  test('a server that missed elections during a cut can still help to elect a leader after another server died (etcd#8243)', () =>
    forEachSeed((seed) => {
      const { cluster, leader, one, other } = settled(seed);
      separate(cluster, leader, one);
      separate(cluster, other, one);
      cluster.propose(leader);
      cluster.run(200);
      cluster.crash(leader);
      cluster.run(200);
      cluster.restart(leader);
      cluster.runUntil('a leader of two', () => cluster.leader() !== null, 20 * electionTimeoutMaxMs);
      const [last, survivor] = cluster.leader() === leader ? [leader, other] : [other, leader];
      cluster.crash(last);
      join(cluster, leader, one);
      join(cluster, other, one);
      const led = (): boolean => cluster.leader() === survivor || cluster.leader() === one;
      cluster.runUntil('a leader of the other two', led, 20 * electionTimeoutMaxMs);
    }));

  test('a leader that was paused during an election follows its successor after it is resumed', () =>
    forEachSeed((seed) => {
      const { cluster, leader } = settled(seed);
      const { term } = cluster.status(leader);
      cluster.pause(leader);
      cluster.run(5 * electionTimeoutMaxMs);
      cluster.resume(leader);
      expect(cluster.status(leader).role).toBe('follower');
      cluster.runUntil('all follow one', () => cluster.isSettled(), 10 * electionTimeoutMaxMs);
      expect(cluster.status(leader).term).toBeGreaterThan(term);
    }));

  test('a follower that was paused does not disturb the leader after it is resumed', () =>
    forEachSeed((seed) => {
      const { cluster, leader, one } = settled(seed);
      const { term } = cluster.status(leader);
      cluster.pause(one);
      cluster.run(4 * electionTimeoutMaxMs);
      cluster.resume(one);
      cluster.run(2 * electionTimeoutMaxMs);
      expect(cluster.status(leader)).toMatchObject({ role: 'leader', term });
      expect(cluster.status(one)).toMatchObject({ role: 'follower', leader, term });
    }));

  test('slow links do not depose a leader, even if a round trip takes almost an election timeout', () =>
    forEachSeed((seed) => {
      const cluster = new TrialCluster({ size: 3, spares: 0 }, seed);
      cluster.weather = { lossProbability: 0, duplicateProbability: 0, minDelayMs: 60, maxDelayMs: 70 };
      cluster.runUntil('a leader', () => cluster.isSettled(), 40 * electionTimeoutMaxMs);
      const leader = cluster.leader()!;
      const { term } = cluster.status(leader);
      cluster.run(40 * electionTimeoutMaxMs);
      expect(cluster.status(leader)).toMatchObject({ role: 'leader', term });
    }));

  test('when the leader is killed, a successor leads within a few election timeouts', () =>
    forEachSeed((seed) => {
      const { cluster, leader } = settled(seed);
      cluster.crash(leader);
      cluster.runUntil(
        'a successor',
        () => cluster.leader() !== null,
        4 * electionTimeoutMaxMs + electionTimeoutMinMs,
      );
    }));
});
