import { describe, expect, test } from 'vitest';

import { firstFailure, trial } from './testing/trial.ts';

/** `RAFT_SEEDS=5000 RAFT_FIRST_SEED=1000000 vitest run node/raft/cluster` looks further. */
const seeds = Number(process.env['RAFT_SEEDS'] ?? 300);
const firstSeed = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

describe('a cluster under every fault at once', () => {
  test.each([1, 3, 5])(
    `of %i keeps the five safety properties, and recovers when all heals`,
    (size) => {
      const failure = firstFailure({ size, firstSeed, seeds });
      if (failure !== null) throw new Error(`size ${size}, seed ${failure.seed}: ${failure.error.stack}`);
    },
    600_000,
  );

  test('works, commits, elects, reads, stalls and crashes in these storms', () => {
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
