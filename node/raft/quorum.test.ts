import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { majority, reachedByQuorum, tally } from './quorum.ts';
import type { Electorate } from './quorum.ts';
import { nodeId } from './types.ts';
import type { NodeId } from './types.ts';

const all = Array.from({ length: 9 }, (_, at) => nodeId(`n${at + 1}`));
const some = (minLength: number): fc.Arbitrary<NodeId[]> => fc.subarray(all, { minLength });
/** Plain or joint configurations, whose halves may share voters. */
const electorates: fc.Arbitrary<Electorate> = fc.record({ voters: some(1), outgoing: some(0) });

/** The definition, literally: more than half of C_new, and more than half of C_old if there is one. */
function isQuorum({ voters, outgoing }: Electorate, holds: (id: NodeId) => boolean): boolean {
  return [voters, outgoing].every((half) => half.length === 0 || half.filter(holds).length * 2 > half.length);
}

describe('quorums', () => {
  test('any two majorities share a voter, and smaller groups may not', () => {
    for (let voters = 1; voters <= 9; voters++) {
      expect(2 * majority(voters)).toBeGreaterThan(voters);
      expect(2 * (majority(voters) - 1)).toBeLessThanOrEqual(voters);
    }
  });

  test('(§6) the highest value reached is one that more than half of each half of a joint configuration has', () => {
    const values = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(electorates, values, (electorate, reached) => {
        const valueOf = (id: NodeId): number => reached[all.indexOf(id)]!;
        const naive = Array.from({ length: 21 }, (_, value) => value).findLast((value) =>
          isQuorum(electorate, (id) => valueOf(id) >= value),
        );
        expect(reachedByQuorum(electorate, valueOf)).toBe(naive);
      }),
      { numRuns: 1_000 },
    );
  });

  test('(§6) an election is decided as soon as the missing votes cannot change its result, in both halves', () => {
    const votes = fc.array(fc.option(fc.boolean(), { nil: null }), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(electorates, votes, (electorate, cast) => {
        const map = new Map(cast.flatMap((vote, at) => (vote === null ? [] : [[all[at]!, vote] as const])));
        const voteOf = (id: NodeId): boolean | undefined => map.get(id);
        const won = isQuorum(electorate, (id) => voteOf(id) === true);
        const open = isQuorum(electorate, (id) => voteOf(id) !== false);
        expect(tally(map, electorate)).toBe(won ? 'won' : open ? 'pending' : 'lost');
      }),
      { numRuns: 1_000 },
    );
  });

  test('a quorum of C_old,new shares a voter with every majority of C_old and with every one of C_new', () => {
    fc.assert(
      fc.property(electorates, some(1), some(1), (electorate, joint, single) => {
        const { voters, outgoing } = electorate;
        if (!isQuorum(electorate, (id) => joint.includes(id))) return;
        for (const half of [voters, outgoing]) {
          if (half.length === 0 || !isQuorum({ voters: half, outgoing: [] }, (id) => single.includes(id)))
            continue;
          expect(half.some((id) => joint.includes(id) && single.includes(id))).toBe(true);
        }
      }),
    );
  });

  test('without voters nothing is reached and no candidate wins', () => {
    const empty = { voters: [], outgoing: [] };
    expect(reachedByQuorum(empty, () => 5)).toBe(-Infinity);
    expect(tally(new Map([[nodeId('n1'), true]]), empty)).toBe('lost');
  });
});
