import { describe, expect, it } from 'vitest';
import type { ExpectationResult } from '../../result.ts';
import { StepResults } from './step-results.ts';

const row = (name: string, status: ExpectationResult['status'], detail: string, tookMs = 1): ExpectationResult => ({
  group: 'steps', name, status, detail, tookMs,
}); // prettier-ignore

describe('results of steps', () => {
  it('have a row each while a step has few of them', () => {
    const results = new StepResults();
    const step = {};
    for (const detail of ['a', 'b', 'c']) results.add(step, row('wait', 'pass', detail));
    expect(results.rows.map(({ detail }) => detail)).toEqual(['a', 'b', 'c']);
    expect(results.rows.every(({ count }) => count === undefined)).toBe(true);
  });
  it('are one row with their number if a step has many, with one row per status and the longest time', () => {
    const results = new StepResults();
    const [check, wait] = [{}, {}];
    for (let i = 0; i < 200_000; i++) {
      results.add(check, row('check', i % 20_000 === 7 ? 'fail' : 'pass', `round ${i}`, i % 90));
      if (i === 0) results.add(wait, row('wait', 'pass', 'once'));
    }
    expect(results.rows).toEqual([
      { ...row('check', 'pass', '199990 times; the first time: round 0', 89), count: 199_990 },
      row('wait', 'pass', 'once'),
      { ...row('check', 'fail', '10 times; the first time: round 7', 87), count: 10 },
    ]);
  });
  it('of two steps with the same words are not mixed', () => {
    const results = new StepResults();
    for (const step of [{}, {}]) for (let i = 0; i < 9; i++) results.add(step, row('check', 'pass', ''));
    expect(results.rows.map(({ count }) => count)).toEqual([9, 9]);
  });
});
