// npm run sim -- [--count N] [--seed N] [--threads N] [--parts FILE]: simulates seeded clusters under virtual time, see
// docs/simulation.md. Exit codes: 0: no violation; 1: a violation; 2: bad options.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { programOptions } from '../program.ts';
import { simulateAll } from './pool.ts';

/** Number of clusters between two lines of progress. */
const PROGRESS_EVERY = 500;

const { count, seed, threads, parts } = programOptions(
  'sim',
  { count: [1_000, 1], seed: [1, 0], threads: [2, 1] },
  ['parts'],
);
process.exitCode = await main();

async function main(): Promise<number> {
  console.log(`seeds ${seed} to ${seed + count - 1}, ${threads} threads`);
  const startedMs = performance.now();
  const seconds = (): string => ((performance.now() - startedMs) / 1_000).toFixed(1);
  const totals = new Map<string, number>();
  let clusters = 0;
  let events = 0;
  let fewestEvents = Infinity;
  let digests = 0;
  const failure = await simulateAll({
    firstSeed: seed,
    count,
    threads,
    parts: parts === undefined ? new URL('./shipped.ts', import.meta.url) : pathToFileURL(resolve(parts)),
    onSimulated: (simulated) => {
      clusters++;
      events += simulated.events;
      fewestEvents = Math.min(fewestEvents, simulated.events);
      // Independent of the order in which the threads finish.
      digests = (digests ^ simulated.digest) >>> 0;
      for (const [kind, times] of Object.entries(simulated.counts))
        totals.set(kind, (totals.get(kind) ?? 0) + times);
      if (clusters % PROGRESS_EVERY === 0)
        console.log(`${clusters} clusters, ${events} events, ${seconds()} s`);
    },
  });
  for (const [kind, times] of [...totals].toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${kind}: ${times}`);
  console.log(
    `${clusters} clusters, ${events} events (at least ${fewestEvents} per cluster), ${seconds()} s, digest ${digests.toString(16).padStart(8, '0')}`,
  );
  if (failure === null) return 0;
  console.log(`seed ${failure.seed}: ${failure.error}`);
  console.log(`again: npm run sim -- --seed ${failure.seed} --count 1`);
  return 1;
}
