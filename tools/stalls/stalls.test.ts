import { expect, it } from 'vitest';
import { stallRun } from './stall-run.ts';

it('a harness that is stopped while it waits says so, and neither fails an expectation nor claims a violation', async () => {
  // The moment is after the partition of partition-leader, in one of its waits.
  const run = await stallRun({ scenario: 'partition-leader', seed: 4, lengthMs: 8_000, longestMs: 5_000 });
  expect(run).toMatchObject({ findings: [], waits: 1 });
  expect(['pass', 'inconclusive']).toContain(run.verdict);
}, 60_000);
