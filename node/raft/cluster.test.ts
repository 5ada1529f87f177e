import { describe, expect, test } from 'vitest';

import { SimCluster, timing } from './testing/cluster.ts';
import type { RaftFactory } from './testing/cluster.ts';
import { storm } from './testing/weather.ts';

const seeds = Number(process.env['RAFT_SEEDS'] ?? 300);
const firstSeed = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

/** The slowest case: a server that lost everything catches up over a slow disk, one small message at a time. */
const recoveryMs = 60 * timing.electionTimeoutMaxMs;

/** A storm, then all heals: all five safety properties at every step, then a leader, progress, and equal logs. */
function trial(size: number, seed: number, factory?: RaftFactory): SimCluster {
  const cluster = new SimCluster(size, seed, factory);
  storm(cluster, 6_000);
  cluster.healAll();
  cluster.runUntil('one leader that all follow', () => cluster.isSettled(), recoveryMs);
  const before = cluster.watch.maxCommit;
  const leader = cluster.leader()!;
  cluster.runUntil('a proposal is taken', () => cluster.propose(leader), timing.electionTimeoutMaxMs);
  const committed = (): boolean => cluster.watch.maxCommit > before && cluster.isSettled();
  cluster.runUntil('a new entry is committed and applied by all', committed, recoveryMs);
  return cluster;
}

function trials(size: number, factory?: RaftFactory): { seed: number; error: Error } | null {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      trial(size, seed, factory);
    } catch (error) {
      return { seed, error: error as Error };
    }
  }
  return null;
}

describe('a cluster under every fault at once', () => {
  test.each([1, 3, 5])(
    `of %i keeps the five safety properties, and recovers when all heals`,
    (size) => {
      const failure = trials(size);
      if (failure !== null) throw new Error(`size ${size}, seed ${failure.seed}: ${failure.error.stack}`);
    },
    120_000,
  );

  test('works: most storms commit, elect, read, stall and lose', () => {
    const totals = {
      proposed: 0,
      busy: 0,
      readsDone: 0,
      readsFailed: 0,
      elections: 0,
      crashes: 0,
      stallStepDowns: 0,
    };
    for (let seed = 1; seed <= 20; seed++) {
      const { counts } = trial(3, seed);
      for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += counts[key];
    }
    const rare = Object.entries(totals).filter(([, count]) => count < 10);
    expect(rare).toEqual([]);
  });
});
