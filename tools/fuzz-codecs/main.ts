import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Bad } from './fuzz.ts';

/** How far the worker is: which target, which iteration; and what it found. */
export type FuzzMessage =
  | {
      readonly type: 'progress';
      readonly counts: Readonly<Record<string, { taken: number; refused: number }>>;
    }
  | { readonly type: 'bad'; readonly bad: Bad };

/** A decoder that works on one input for so long hangs. */
const HANGS_AFTER_MS = 20_000;
const HEAP_MB = 1_024;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    target: { type: 'string' },
    /** With --seed and --target: this one alone, as a finding names it. */
    iteration: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
if (!(seconds > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run fuzz:codecs -- [--seconds 60] [--seed N] [--target NAME [--iteration I]]');
  process.exit(2);
}
console.log(`seed ${seed}, ${seconds} s`);

/** Written by the worker before each input: target's number, iteration. */
const place = new Int32Array(new SharedArrayBuffer(8));
const worker = new Worker(new URL('./worker.ts', import.meta.url), {
  workerData: { seed, seconds, place, target: values.target, iteration: values.iteration },
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
});

let seen = '';
let seenAtMs = performance.now();
const watch = setInterval(() => {
  const now = place.join('/');
  if (now !== seen) [seen, seenAtMs] = [now, performance.now()];
  else if (performance.now() - seenAtMs > HANGS_AFTER_MS) fail(`hangs for ${HANGS_AFTER_MS / 1_000} s`);
}, 500);

worker.on('message', (message: FuzzMessage) => {
  if (message.type === 'bad') {
    console.error(JSON.stringify(message.bad, null, 2));
    process.exitCode = 1;
    return;
  }
  const counts = Object.entries(message.counts);
  const total = counts.reduce((sum, [, { taken, refused }]) => sum + taken + refused, 0);
  console.log(
    `${total} inputs: ${counts.map(([name, { taken, refused }]) => `${name} ${taken}+${refused}`).join(', ')}`,
  );
});
worker.on('error', (error) => fail(error.stack ?? String(error)));
worker.on('exit', () => clearInterval(watch));

/** The worker cannot say itself what it was at. */
function fail(what: string): never {
  console.error(`seed ${seed}, target number ${place[0]}, iteration ${place[1]}: ${what}`);
  process.exit(1);
}
