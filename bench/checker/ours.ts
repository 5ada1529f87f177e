import { readFileSync } from 'node:fs';
import { checkLinearizable } from '../../harness/checker/linearizable.ts';
import { PartsBuilder } from '../../harness/checker/parts.ts';
import { readChaosHistory } from '../../harness/history/read.ts';
import type { Judged } from './judged.ts';
import { forgetPeak, peakMiB } from './peak-memory.ts';

/**
 * `node --expose-gc bench/checker/ours.ts FILE SECONDS [operations|warm|memory]`: judges one history in a process of
 * its own, which has judged nothing before. It reads the file as `chaos check` does. `operations`: judges operations
 * alone, as a caller of the library has them. `warm`: has judged it often before. `memory`: begins with as little
 * memory as there can be; what that costs would be in the time.
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
// What reading left behind is its own, so the time begins without it, as in Porcupine's process.
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
