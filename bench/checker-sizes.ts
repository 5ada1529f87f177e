// npm run bench:sizes: measures `chaos check` on long histories, from the file to the verdict. See bench/README.md.
import { existsSync, statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeLongHistory } from './checker/long-history.ts';
import { watched } from './checker/watched.ts';
import { median } from './median.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = `${ROOT}.cache/bench-checker`;
const BYTES_PER_MB = 1_048_576;
const SEED = 1;

const { values } = parseArgs({
  options: {
    /** Numbers of operations. */
    operations: { type: 'string', default: '100000,1000000' },
    rounds: { type: 'string', default: '3' },
    /** `--memory` of `chaos check`; by default its own. */
    memory: { type: 'string' },
  },
});

for (const operations of values.operations.split(',').map(Number))
  for (const stale of [false, true]) await measure(operations, stale);

async function measure(operations: number, stale: boolean): Promise<void> {
  const file = `${FOLDER}/${stale ? 'long-stale' : 'long'}-${operations}.jsonl`;
  if (!existsSync(file)) writeLongHistory(file, { operations, seed: SEED, stale });
  const memory = values.memory === undefined ? [] : ['--memory', values.memory];
  const turns: { readonly ms: number; readonly peakMiB: number; readonly verdict: string }[] = [];
  // The first run is not counted, because it stores the compiled code.
  for (let round = 0; round <= Number(values.rounds); round++) {
    const began = performance.now();
    const { output, peakMiB } = await watched(
      `${ROOT}node_modules/.bin/chaos`,
      'check',
      file,
      '--json',
      ...memory,
    );
    const ms = performance.now() - began;
    const { verdict } = JSON.parse(output) as { readonly verdict: string };
    if (round > 0) turns.push({ ms, peakMiB, verdict });
  }
  const row = {
    operations,
    MB: Math.round(statSync(file).size / BYTES_PER_MB),
    verdict: [...new Set(turns.map(({ verdict }) => verdict))].join(),
    's (median)': Number((median(turns.map(({ ms }) => ms)) / 1_000).toFixed(2)),
    's (each)': turns.map(({ ms }) => (ms / 1_000).toFixed(2)).join(' '),
    'peak MiB': Math.max(...turns.map(({ peakMiB }) => peakMiB)),
    load: Number(loadavg()[0]!.toFixed(1)),
  };
  console.log(JSON.stringify(row));
}
