import { describe, expect, test } from 'vitest';

import { firstFailure, trial } from './testing/trial.ts';

/** `RAFT_SEEDS=5000 RAFT_FIRST_SEED=1000000 vitest run node/raft/cluster` tries more seeds. */
const seeds = Number(process.env['RAFT_SEEDS'] ?? 300);
const firstSeed = Number(process.env['RAFT_FIRST_SEED'] ?? 1);

describe('a cluster under every fault at once', () => {
  test.each([1, 3, 5])(
    `of %i servers keeps the five safety properties, and recovers after all faults are healed`,
    (size) => {
      const failure = firstFailure({ size, firstSeed, seeds });
      if (failure !== null) throw new Error(`size ${size}, seed ${failure.seed}: ${failure.error.stack}`);
    },
    600_000,
  );

  test('meets every kind of event in these storms', () => {
    const totals: Record<string, number> = {};
    for (let seed = 1; seed <= 60; seed++) {
      for (const [what, count] of Object.entries(trial(3, seed).counts))
        totals[what] = (totals[what] ?? 0) + count;
    }
    const rare = Object.entries(totals).filter(([, count]) => count < 10);
    expect(rare).toEqual([]);
  });
});
