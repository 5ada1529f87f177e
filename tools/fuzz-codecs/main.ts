import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { FuzzMessage } from './fuzz.ts';

/** Maximum time for one input, after which the decoder counts as hanging. */
const HANGS_AFTER_MS = 20_000;
const HEAP_MB = 1_024;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    target: { type: 'string' },
    /** Together with --seed and --target: runs this iteration alone, to repeat a finding. */
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

/** Number of the target and iteration, which the worker writes before each input. */
const position = new Int32Array(new SharedArrayBuffer(8));
const worker = new Worker(new URL('./worker.ts', import.meta.url), {
  workerData: { seed, seconds, position, target: values.target, iteration: values.iteration },
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
});

let seen = '';
let seenAtMs = performance.now();
const watch = setInterval(() => {
  const now = position.join('/');
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
  const total = counts.reduce((sum, [, { accepted, refused }]) => sum + accepted + refused, 0);
  const perTarget = counts.map(([name, { accepted, refused }]) => `${name} ${accepted}+${refused}`);
  console.log(`${total} inputs (accepted+refused): ${perTarget.join(', ')}`);
});
worker.on('error', (error) => fail(error.stack ?? String(error)));
worker.on('exit', () => clearInterval(watch));

/** A worker that hangs or crashes cannot name its input, so the position does. */
function fail(what: string): never {
  console.error(`seed ${seed}, target number ${position[0]}, iteration ${position[1]}: ${what}`);
  process.exit(1);
}
