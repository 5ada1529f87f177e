import { parentPort, workerData } from 'node:worker_threads';
import { iterate } from './fuzz.ts';
import type { FuzzMessage } from './main.ts';
import { TARGETS } from './targets.ts';

/* The decoders' part of `main.ts`, in a thread of its own: it may hang, or run out of memory. */

interface Task {
  readonly seed: number;
  readonly seconds: number;
  readonly place: Int32Array;
  readonly target: string | undefined;
  readonly iteration: string | undefined;
}

/** A few targets at a time would do too, but so each gets the same time whatever the budget. */
const ROUND = 250;
const TELL_EVERY_MS = 10_000;
/** Of the processor, for one input: longer holds up every client of a node. */
const SLOW_US = 1_000_000;

const { seed, seconds, place, target, iteration } = workerData as Task;
const targets = TARGETS.filter(({ name }) => target === undefined || name === target);
const counts = Object.fromEntries(targets.map(({ name }) => [name, { taken: 0, refused: 0 }]));
const tell = (message: FuzzMessage): void => parentPort!.postMessage(message);

if (iteration === undefined) runFor(seconds * 1_000);
else runOne(Number(iteration));
tell({ type: 'progress', counts });

function runFor(ms: number): void {
  const endMs = performance.now() + ms;
  let toldMs = performance.now();
  for (let from = 0; performance.now() < endMs; from += ROUND) {
    for (let number = 0; number < targets.length && performance.now() < endMs; number++) {
      for (let at = from; at < from + ROUND; at++) if (!runOn(number, at)) return;
    }
    if (performance.now() - toldMs < TELL_EVERY_MS) continue;
    toldMs = performance.now();
    tell({ type: 'progress', counts });
  }
}

function runOne(at: number): void {
  for (let number = 0; number < targets.length; number++) runOn(number, at);
}

/** Returns whether to go on. */
function runOn(number: number, at: number): boolean {
  const { name } = targets[number]!;
  place[0] = number;
  place[1] = at;
  const before = process.threadCpuUsage();
  const outcome = iterate(targets[number]!, seed, at);
  const { user, system } = process.threadCpuUsage(before);
  if (typeof outcome === 'string') counts[name]![outcome]++;
  else tell({ type: 'bad', bad: outcome });
  if (user + system > SLOW_US) {
    const error = `took ${Math.round((user + system) / 1_000)} ms of the processor`;
    tell({ type: 'bad', bad: { target: name, seed, iteration: at, input: '', error } });
  }
  return typeof outcome === 'string';
}
