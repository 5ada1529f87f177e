import { parentPort, workerData } from 'node:worker_threads';
import { iterate, type FuzzMessage } from './fuzz.ts';
import { TARGETS } from './targets.ts';

/* Runs the decoders for `main.ts` in a separate thread, because they may hang or run out of memory. */

interface Task {
  readonly seed: number;
  readonly seconds: number;
  readonly position: Int32Array;
  readonly target: string | undefined;
  readonly iteration: string | undefined;
}

/** Iterations of one target before the next target's turn, so that all get about the same number. */
const ROUND = 250;
const PROGRESS_EVERY_MS = 10_000;
/** Maximum processor time for one input. More would delay every client of a node. */
const SLOW_US = 1_000_000;

const { seed, seconds, position, target, iteration } = workerData as Task;
const targets = TARGETS.filter(({ name }) => target === undefined || name === target);
const counts = Object.fromEntries(targets.map(({ name }) => [name, { accepted: 0, refused: 0 }]));
const send = (message: FuzzMessage): void => parentPort!.postMessage(message);

if (iteration === undefined) runFor(seconds * 1_000);
else runOne(Number(iteration));
send({ type: 'progress', counts });

function runFor(ms: number): void {
  const endMs = performance.now() + ms;
  let sentMs = performance.now();
  for (let from = 0; performance.now() < endMs; from += ROUND) {
    for (let number = 0; number < targets.length && performance.now() < endMs; number++) {
      for (let at = from; at < from + ROUND; at++) if (!runOn(number, at)) return;
    }
    if (performance.now() - sentMs < PROGRESS_EVERY_MS) continue;
    sentMs = performance.now();
    send({ type: 'progress', counts });
  }
}

function runOne(at: number): void {
  for (let number = 0; number < targets.length; number++) runOn(number, at);
}

/** Runs one iteration. Returns false after a finding. */
function runOn(number: number, at: number): boolean {
  const { name } = targets[number]!;
  position[0] = number;
  position[1] = at;
  const before = process.threadCpuUsage();
  const outcome = iterate(targets[number]!, seed, at);
  const { user, system } = process.threadCpuUsage(before);
  if (typeof outcome === 'string') counts[name]![outcome]++;
  else send({ type: 'bad', bad: outcome });
  if (user + system > SLOW_US) {
    const error = `took ${Math.round((user + system) / 1_000)} ms of processor time`;
    send({ type: 'bad', bad: { target: name, seed, iteration: at, input: '', error } });
  }
  return typeof outcome === 'string';
}
