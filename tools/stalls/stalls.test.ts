import { expect, it } from 'vitest';
import { stallRun } from './stall-run.ts';

it('a harness that is stopped while it waits says so, and neither fails an expectation nor claims a violation', async () => {
  // Seed 1 draws 130 ms: the followers have not elected another leader by then.
  const options = {
    scenario: 'partition-leader',
    seed: 1,
    longestMs: 5_000,
    after: /fault +.*confirmed/,
  } as const;
  const run = await stallRun(options);
  expect(run).toMatchObject({ findings: [], waits: 1 });
  expect(['pass', 'inconclusive']).toContain(run.verdict);
});
