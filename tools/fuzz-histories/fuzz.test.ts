import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Outcome, runCase } from './fuzz-run.ts';

/** Seed of a small part of `npm run fuzz:histories`, the same in each run. */
const SEED = 1;
const CASES = 300;

test(`each of ${CASES} damaged histories gets the right verdict or a clear error`, async () => {
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
  // The cases are meaningful only if every kind of verdict is among them, and more than once.
  const times = (verdict: Outcome['verdict']): number =>
    outcomes.filter((outcome) => outcome.verdict === verdict).length;
  expect(times('error')).toBeGreaterThan(50);
  expect(times('linearizable')).toBeGreaterThan(50);
  expect(times('violation')).toBeGreaterThan(5);
});
