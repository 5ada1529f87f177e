// npm run storm -- [--seeds N] [--seed N] [--writes N] [--rate N] [--program FILE]: runs node processes under kill -9,
// see docs/storms.md. Exit codes: 0: all checks passed; 1: a check failed; 2: bad options; 130, 143: interrupted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { interruptSignal, programOptions } from '../program.ts';
import { NODE_PROGRAM } from './storm-nodes.ts';
import { storm } from './storm.ts';
import type { StormResult } from './storm.ts';

/** Events that must have happened at least once over all seeds; otherwise the run was not meaningful. */
const REQUIRED_EVENTS = [
  'kills',
  'elections',
  'transfers',
  'snapshots taken',
  'snapshots installed',
  'changes of members',
  'folders lost',
];

const options = programOptions(
  'storm',
  { seeds: [20, 1], seed: [1, 0], writes: [10_000, 1], rate: [500, 1] },
  ['program'],
);
const code = await main(interruptSignal());
process.exitCode ??= code;

async function main(signal: AbortSignal): Promise<number> {
  const { seeds, seed: firstSeed, writes, rate } = options;
  const program = options.program === undefined ? NODE_PROGRAM : resolve(options.program);
  console.log(`seeds ${firstSeed} to ${firstSeed + seeds - 1}, ${writes} writes per seed`);
  const dir = mkdtempSync(join(tmpdir(), 'chaos-storm-'));
  const totals = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      const result = await storm({ seed, writes, ratePerSecond: rate, dir, program, signal });
      console.log(`seed ${seed}: ${inWords(result)}`);
      for (const [what, times] of result.counts) totals.set(what, (totals.get(what) ?? 0) + times);
      rmSync(join(dir, `seed-${seed}`), { recursive: true });
    } catch (error) {
      if (signal.aborted) return (rmSync(dir, { recursive: true }), 1);
      console.log(`seed ${seed}: ${(error as Error).message}`);
      console.log(`data and logs: ${join(dir, `seed-${seed}`)}`);
      const own = program === NODE_PROGRAM ? '' : ` --program ${program}`;
      console.log(`again: npm run storm -- --seed ${seed} --seeds 1 --writes ${writes} --rate ${rate}${own}`);
      return 1;
    }
  }
  rmSync(dir, { recursive: true });
  const missing = REQUIRED_EVENTS.filter((what) => (totals.get(what) ?? 0) === 0);
  if (missing.length === 0) return 0;
  console.log(
    `the run was not meaningful: there were no ${missing.join(', no ')}; give more --writes, or a lower --rate`,
  );
  return 1;
}

function inWords({ writes, operations, tookMs, counts }: StormResult): string {
  const counted = [...counts].map(([what, times]) => `${times} ${what}`).toSorted();
  return `${writes} writes of ${operations} operations in ${(tookMs / 1_000).toFixed(1)} s; ${counted.join(', ')}`;
}
