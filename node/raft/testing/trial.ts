import { TrialCluster } from './cluster.ts';
import type { RaftFactory } from './cluster.ts';
import { timing } from './sim-server.ts';
import { storm } from './weather.ts';

/**
 * Time limit for the recovery, in virtual ms. In the slowest case a server that lost everything catches up with a slow
 * disk, one small message at a time.
 */
const recoveryMs = 60 * timing.electionTimeoutMaxMs;

/**
 * Runs a storm, then heals all faults. Throws at the first violated safety property. Also throws if the healed cluster
 * does not elect a leader that all follow, does not accept and commit another entry, or ends with logs that are not
 * equal. The seed determines everything.
 */
export function trial(size: number, seed: number, factory?: RaftFactory, looksInside = true): TrialCluster {
  // A cluster of one gets no further members.
  const cluster = new TrialCluster({ size, spares: size > 1 ? 2 : 0, looksInside }, seed, factory);
  storm(cluster, 6_000);
  cluster.healAll();
  cluster.runUntil('one leader that all follow', () => cluster.isSettled(), recoveryMs);
  const before = cluster.watch.maxCommit;
  // Asks the present leader each time, because messages from before the healing may still change the leadership.
  const proposed = (): boolean => cluster.propose(cluster.leader() ?? cluster.ids[0]!);
  cluster.runUntil('a proposal is taken', proposed, recoveryMs);
  const committed = (): boolean => cluster.watch.maxCommit > before && cluster.isSettled();
  cluster.runUntil('a new entry is committed and applied by all', committed, recoveryMs);
  return cluster;
}

/** Returns the first of `seeds` trials that fails, or null. */
export function firstFailure(
  options: {
    readonly size: number;
    readonly firstSeed: number;
    readonly seeds: number;
    /** True if the visible state of the servers is checked, too; else only their effects are. */
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
