import { expect, test } from 'vitest';
import { runCase } from './fuzz-run.ts';

/** Seed of a small part of `npm run fuzz:scenarios`, the same in each run. */
const SEED = 1;
const CASES = 1_500;

test(`each of ${CASES} random or damaged scenario files is accepted, or refused with places, soon and in few words`, () => {
  const outcomes = Array.from({ length: CASES }, (_, number) => runCase(SEED, number));
  expect(outcomes.flatMap(({ finding }, number) => (finding === null ? [] : [{ number, finding }]))).toEqual(
    [],
  );
  // The cases are meaningful only if some of them are scenarios.
  expect(outcomes.filter(({ code }) => code === 0).length).toBeGreaterThan(20);
});
