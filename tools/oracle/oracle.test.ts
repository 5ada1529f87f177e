import { describe, expect, test } from 'vitest';
import { buildPorcupine } from '../../bench/porcupine/driver.ts';
import { checkInjections, falseAlarms } from './check-injections.ts';
import { compare, type Disagreement, type Series } from './compare.ts';
import { INJECTIONS } from './injections.ts';

/** A small part of `npm run oracle:checker -- --count 1000000`. */
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

describe('the checker’s verdicts, witnesses and certificates for random small histories', () => {
  test.skipIf(porcupine === null)(
    'agree with Porcupine in 20,000 histories (skipped without Go)',
    async () => {
      const { found, violations, kinds } = await disagreements({ ...SLICE, porcupine });
      expect(found).toEqual([]);
      expect(violations).toBeGreaterThan(SLICE.count / 5);
      expect(kinds).toBe(32);
    },
  );

  test('agree with trying every order in 3,000 histories', async () => {
    const { found, violations } = await disagreements({ ...SLICE, count: 3_000, porcupine: null });
    expect(found).toEqual([]);
    expect(violations).toBeGreaterThan(600);
  });
});

/** A small part of `npm run oracle:anomalies`, with another seed. */
describe('in 50 histories of correct registers with one injected anomaly each', () => {
  test.each(INJECTIONS.map((injection) => [injection.anomaly, injection.base, injection] as const))(
    'every %s (%s) is found, named, and proven with a few operations',
    async (_anomaly, _base, injection) => {
      expect(await checkInjections({ injection, seed: 7, count: 50, porcupine })).toEqual([]);
    },
  );
});

test('500 histories of correct registers cause no false alarm', () => {
  expect(falseAlarms(7, 500)).toEqual([]);
});
