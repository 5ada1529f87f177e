import { describe, expect, it } from 'vitest';
import type { KeyResult, LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Violation } from '../../result.ts';
import { LiveVerdict } from './live-verdict.ts';

const violation = (key: string): Violation => ({
  property: 'linearizability',
  anomaly: 'stale read',
  prose: `Key ${key}: read#2 returned what write#1 had replaced.`,
  key,
  opIds: [1, 2],
});

/** What the final check says of each key. */
function final(keys: Readonly<Record<string, KeyResult['verdict']>>): LinearizabilityResult {
  const verdicts = Object.entries(keys);
  const worst = (['violation', 'unknown'] as const).find((verdict) => Object.values(keys).includes(verdict));
  return {
    verdict: worst ?? 'linearizable',
    detail: 'judged',
    keys: verdicts.map(([key, verdict]) => ({
      key,
      verdict,
      operations: 3,
      tookMs: 1,
      detail: '',
      witness: null,
    })),
    violations: verdicts.flatMap(([key, verdict]) => (verdict === 'violation' ? [violation(key)] : [])),
    tookMs: 1,
  };
}

function live(...keys: readonly string[]): LiveVerdict {
  const verdict = new LiveVerdict();
  verdict.violations.push(...keys.map(violation));
  return verdict;
}

describe('the live result and the final one', () => {
  it('agree if both found the same keys, and then the final one is kept as it is', () => {
    const judged = final({ k0: 'linearizable', k1: 'violation' });
    expect(live('k1').disagreement(judged)).toBeNull();
    expect(live('k1').completed(judged)).toBe(judged);
    expect(live().disagreement(final({ k0: 'linearizable' }))).toBeNull();
    expect(live().disagreement(null)).toBeNull();
  });

  it('disagree if the final one denies a violation, or finds one that was missed', () => {
    expect(live('k0').disagreement(final({ k0: 'linearizable' }))).toMatch(/^key k0 was found not to be/);
    expect(live().disagreement(final({ k0: 'violation' }))).toMatch(/^key k0 was found to be linearizable/);
  });

  it('do not disagree about a key that the live check left undecided', () => {
    const left = live();
    left.undecided = 1;
    expect(left.disagreement(final({ k0: 'violation' }))).toBeNull();
    const broken = live();
    broken.broken = 'out of memory';
    expect(broken.disagreement(final({ k0: 'violation' }))).toBeNull();
  });

  it('are combined: a live violation counts on a key that the final check left undecided', () => {
    expect(live('k0').completed(null)).toMatchObject({
      verdict: 'violation',
      detail: expect.stringMatching(/found during the run.*Key k0/) as string,
      violations: [{ key: 'k0' }],
    });
    expect(live('k0', 'k1').completed(final({ k0: 'unknown', k1: 'violation' }))).toMatchObject({
      verdict: 'violation',
      detail: expect.stringMatching(/^judged; .*Key k0/) as string,
      violations: [{ key: 'k1' }, { key: 'k0' }],
    });
  });
});
