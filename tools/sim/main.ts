// npm run sim -- [--count N] [--seed N] [--threads N] [--parts FILE]: seeded clusters under virtual time, see
// docs/simulation.md. Exit 0: none broke a property; 1: one did; 2: bad options.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { simulateAll } from './pool.ts';

/** How often the progress is told, clusters. */
const TELL_EVERY = 500;

interface Options {
  readonly count: number;
  readonly seed: number;
  readonly threads: number;
  readonly parts: URL;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: '2' },
      parts: { type: 'string' },
    },
  });
  const whole = (name: 'count' | 'seed' | 'threads', least: number): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least)
      throw new Error(`--${name} ${values[name]}: expected a whole number from ${least} on`);
    return value;
  };
  return {
    count: whole('count', 1),
    seed: whole('seed', 0),
    threads: whole('threads', 1),
    parts:
      values.parts === undefined
        ? new URL('./shipped.ts', import.meta.url)
        : pathToFileURL(resolve(values.parts)),
  };
}

async function main({ count, seed, threads, parts }: Options): Promise<number> {
  console.log(`seeds ${seed} to ${seed + count - 1}, ${threads} threads`);
  const beganMs = performance.now();
  const seconds = (): string => ((performance.now() - beganMs) / 1_000).toFixed(1);
  const totals = new Map<string, number>();
  let clusters = 0;
  let events = 0;
  let fewestEvents = Infinity;
  let digests = 0;
  const failure = await simulateAll({
    firstSeed: seed,
    count,
    threads,
    parts,
    onSimulated: (simulated) => {
      clusters++;
      events += simulated.events;
      fewestEvents = Math.min(fewestEvents, simulated.events);
      // Independent of the order in which the threads finish.
      digests = (digests ^ simulated.digest) >>> 0;
      for (const [kind, times] of Object.entries(simulated.counts))
        totals.set(kind, (totals.get(kind) ?? 0) + times);
      if (clusters % TELL_EVERY === 0) console.log(`${clusters} clusters, ${events} events, ${seconds()} s`);
    },
  });
  for (const [kind, times] of [...totals].toSorted(([a], [b]) => a.localeCompare(b)))
    console.log(`  ${kind}: ${times}`);
  console.log(
    `${clusters} clusters, ${events} events (${fewestEvents} at least), ${seconds()} s, digest ${digests.toString(16).padStart(8, '0')}`,
  );
  if (failure === null) return 0;
  console.log(`seed ${failure.seed}: ${failure.error}`);
  console.log(`again: npm run sim -- --seed ${failure.seed} --count 1`);
  return 1;
}

let options: Options;
try {
  options = readOptions();
} catch (error) {
  console.error(`sim: ${(error as Error).message}`);
  process.exit(2);
}
process.exitCode = await main(options);
