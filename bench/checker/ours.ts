import { readFileSync } from 'node:fs';
import { checkLinearizable } from '../../harness/checker/linearizable.ts';
import { PartsBuilder } from '../../harness/checker/parts.ts';
import { readChaosHistory } from '../../harness/history/read.ts';
import type { Judged } from './judged.ts';
import { forgetPeak, peakMiB } from './peak-memory.ts';

/**
 * `node --expose-gc bench/checker/ours.ts FILE SECONDS [operations|warm|memory]`: checks one history in a new process.
 * It reads the file as `chaos check` does. `operations`: starts from the operations only, as a caller of the library
 * does. `warm`: checks the history many times before the measured time. `memory`: starts with as little memory as
 * possible, which would distort the time.
 */
const WARM_UP_TURNS = 20;
const [file, seconds, mode] = process.argv.slice(2);
const options = { limitMs: Number(seconds) * 1_000 };
const start = performance.now();
const parts = new PartsBuilder();
const onOp = mode === 'operations' ? undefined : parts.add.bind(parts);
const { ops } = readChaosHistory(readFileSync(file!, 'utf8'), { file: file!, onOp });
const history = onOp === undefined ? ops : parts.finish(ops);
const parsed = performance.now();
if (mode === 'warm')
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) await checkLinearizable(history, options);
// Garbage of reading the file does not belong to the measured time, as in Porcupine's process.
if (mode === 'memory') forgetPeak();
else globalThis.gc?.();
const cpu = process.cpuUsage();
const began = performance.now();
const result = await checkLinearizable(history, options);
const ms = performance.now() - began;
const { user, system } = process.cpuUsage(cpu);
const judged: Judged = {
  verdict: result.verdict,
  ms,
  cpuMs: (user + system) / 1_000,
  parseMs: parsed - start,
  peakMiB: mode === 'memory' ? peakMiB() : 0,
};
process.stdout.write(`${JSON.stringify(judged)}\n`);
