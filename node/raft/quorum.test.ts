import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { majority, reachedByMajority, tally } from './quorum.ts';

describe('quorums', () => {
  test('any two majorities share a voter, and no smaller number would do', () => {
    for (let voters = 1; voters <= 9; voters++) {
      expect(2 * majority(voters)).toBeGreaterThan(voters);
      expect(2 * (majority(voters) - 1)).toBeLessThanOrEqual(voters);
    }
  });

  test('reachedByMajority is the highest value that more than half of the voters have reached', () => {
    const values = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(values, (reached) => {
        let naive = -1;
        for (let value = 0; value <= 20; value++) {
          if (reached.filter((r) => r >= value).length * 2 > reached.length) naive = value;
        }
        expect(reachedByMajority([...reached])).toBe(naive);
      }),
    );
  });

  test('an election is won, lost or open as the votes that are still out could decide it', () => {
    const votes = fc.array(fc.option(fc.boolean(), { nil: null }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(votes, (cast) => {
        const map = new Map(cast.flatMap((vote, voter) => (vote === null ? [] : [[voter, vote] as const])));
        const granted = cast.filter((vote) => vote === true).length;
        const out = cast.filter((vote) => vote === null).length;
        const wins = (n: number): boolean => n * 2 > cast.length;
        const naive = wins(granted) ? 'won' : wins(granted + out) ? 'pending' : 'lost';
        expect(tally(map, cast.length)).toBe(naive);
      }),
    );
  });
});
