import { describe, expect, test } from 'vitest';
import { buildPorcupine } from '../../bench/porcupine/driver.ts';
import { checkInjections, falseAlarms } from './check-injections.ts';
import { compare, type Disagreement, type Series } from './compare.ts';
import { INJECTIONS } from './injections.ts';

/** A slice of `npm run oracle:checker -- --count 1000000`. */
const SLICE = { seed: 20_261, from: 0, count: 20_000 };
const porcupine = await buildPorcupine();

async function disagreements(
  series: Series,
): Promise<{ found: Disagreement[]; violations: number; kinds: number }> {
  const found: Disagreement[] = [];
  const tallies = await compare(series, (disagreement) => found.push(disagreement));
  const violations = [...tallies.values()].reduce((sum, tally) => sum + tally.violations, 0);
  return { found, violations, kinds: tallies.size };
}

describe('verdicts, witnesses and certificates of random small histories', () => {
  test.skipIf(porcupine === null)(
    'by Porcupine (skipped without Go): no disagreement in 20,000',
    async () => {
      const { found, violations, kinds } = await disagreements({ ...SLICE, porcupine });
      expect(found).toEqual([]);
      expect(violations).toBeGreaterThan(SLICE.count / 5);
      expect(kinds).toBe(32);
    },
  );

  test('by trying every order: no disagreement in 3,000', async () => {
    const { found, violations } = await disagreements({ ...SLICE, count: 3_000, porcupine: null });
    expect(found).toEqual([]);
    expect(violations).toBeGreaterThan(600);
  });
});

/** Slices of `npm run oracle:anomalies`, by another seed. */
describe('50 histories of correct registers with one thing wrong in each: caught, named, and proven in a few operations', () => {
  test.each(INJECTIONS.map((injection) => [injection.anomaly, injection.base, injection] as const))(
    '%s (%s)',
    async (_anomaly, _base, injection) => {
      expect(await checkInjections({ injection, seed: 7, count: 50, porcupine })).toEqual([]);
    },
  );
});

test('no false alarm in 500 histories of correct registers', () => {
  expect(falseAlarms(7, 500)).toEqual([]);
});
