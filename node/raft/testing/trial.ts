import { TrialCluster } from './cluster.ts';
import type { RaftFactory } from './cluster.ts';
import { timing } from './sim-server.ts';
import { storm } from './weather.ts';

/** The slowest case: a server that lost everything catches up over a slow disk, one small message at a time. */
const recoveryMs = 60 * timing.electionTimeoutMaxMs;

/**
 * A storm, then all heals. Throws at the first violated safety property, or if the healed cluster does not get a leader
 * that all follow, does not take and commit another entry, or ends with unequal logs. Everything follows from the seed.
 */
export function trial(size: number, seed: number, factory?: RaftFactory, looksInside = true): TrialCluster {
  // A cluster of one stays alone.
  const cluster = new TrialCluster({ size, spares: size > 1 ? 2 : 0, looksInside }, seed, factory);
  storm(cluster, 6_000);
  cluster.healAll();
  cluster.runUntil('one leader that all follow', () => cluster.isSettled(), recoveryMs);
  const before = cluster.watch.maxCommit;
  // Not by one leader alone: messages under way at the time of the healing may still move the leadership.
  const proposed = (): boolean => cluster.propose(cluster.leader() ?? cluster.ids[0]!);
  cluster.runUntil('a proposal is taken', proposed, recoveryMs);
  const committed = (): boolean => cluster.watch.maxCommit > before && cluster.isSettled();
  cluster.runUntil('a new entry is committed and applied by all', committed, recoveryMs);
  return cluster;
}

/** The first of `seeds` trials that fails, if one does. */
export function firstFailure(
  options: {
    readonly size: number;
    readonly firstSeed: number;
    readonly seeds: number;
    /** True if the visible state of a server counts, too; else only its effects. */
    readonly looksInside?: boolean;
  },
  factory?: RaftFactory,
): { readonly seed: number; readonly error: Error } | null {
  const { size, firstSeed, seeds, looksInside = true } = options;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      trial(size, seed, factory, looksInside);
    } catch (error) {
      return { seed, error: error as Error };
    }
  }
  return null;
}
