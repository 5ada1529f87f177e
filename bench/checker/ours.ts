import { checkLinearizable } from '../../harness/checker/linearizable.ts';
import { readHistory } from '../../harness/history/read.ts';
import type { Judged } from './judged.ts';
import { forgetPeak, peakMiB } from './peak-memory.ts';

/** `node --expose-gc bench/checker/ours.ts FILE SECONDS`: judges one history in a process of its own. */
const [file, seconds] = process.argv.slice(2);
const start = performance.now();
const ops = await readHistory(file!);
const parsed = performance.now();
forgetPeak();
const cpu = process.cpuUsage();
const began = performance.now();
const result = await checkLinearizable(ops, { limitMs: Number(seconds) * 1_000 });
const ms = performance.now() - began;
const { user, system } = process.cpuUsage(cpu);
const judged: Judged = {
  verdict: result.verdict,
  ms,
  cpuMs: (user + system) / 1_000,
  parseMs: parsed - start,
  peakMiB: peakMiB(),
};
process.stdout.write(`${JSON.stringify(judged)}\n`);
