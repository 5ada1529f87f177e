import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Outcome, runCase } from './fuzz-run.ts';

/** A slice of `npm run fuzz:histories`, the same each time. */
const SEED = 1;
const CASES = 300;

test(`${CASES} damaged histories are each judged rightly or refused clearly`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'chaos-fuzz-'));
  const outcomes: Outcome[] = [];
  try {
    for (let number = 0; number < CASES; number++) outcomes.push(await runCase(SEED, number, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(outcomes.flatMap(({ finding }, number) => (finding === null ? [] : [{ number, finding }]))).toEqual(
    [],
  );
  // The slice is one that could have found something: every kind of answer is among them, not once only.
  const times = (verdict: Outcome['verdict']): number =>
    outcomes.filter((outcome) => outcome.verdict === verdict).length;
  expect(times('error')).toBeGreaterThan(50);
  expect(times('linearizable')).toBeGreaterThan(50);
  expect(times('violation')).toBeGreaterThan(5);
});
