// npm run soak -- [--seconds N] [--seed N] [--clients N] [--program FILE]: full load under kills, pauses and cuts, see
// docs/storms.md. Exit codes: 0: all bounds held; 1: one did not; 2: bad options; 130, 143: interrupted.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interruptSignal, programOptions } from '../program.ts';
import { NODE_PROGRAM } from '../storm/storm-nodes.ts';
import { soak } from './soak.ts';

const REPORT = fileURLToPath(new URL('../../reports/soak.json', import.meta.url));
const CACHE_DIR = fileURLToPath(new URL('../../.cache', import.meta.url));

const { program, ...numbers } = programOptions(
  'soak',
  { seconds: [600, 20], seed: [1, 0], clients: [64, 1] },
  ['program'],
);
const options = { ...numbers, program: program === undefined ? NODE_PROGRAM : resolve(program) };
const code = await main(interruptSignal());
process.exitCode ??= code;

async function main(signal: AbortSignal): Promise<number> {
  console.log(`seed ${options.seed}, ${options.seconds} s, ${options.clients} clients`);
  const dir = mkdtempSync(join(tmpdir(), 'chaos-soak-'));
  const startedAt = new Date().toISOString();
  try {
    const result = await soak({
      ...options,
      dir,
      cacheDir: CACHE_DIR,
      signal,
      onProgress: (text) => console.log(text),
    });
    mkdirSync(join(REPORT, '..'), { recursive: true });
    writeFileSync(REPORT, `${JSON.stringify({ startedAt, options, ...result }, null, 1)}\n`);
    console.log(
      `${result.answered} operations answered; ${Object.entries(result.faults)
        .map(([what, times]) => `${times} ${what}`)
        .join(', ')}`,
    );
    const verdicts = Object.entries(result.verdicts);
    for (const [what, { holds, detail }] of verdicts)
      console.log(`${holds ? 'pass' : 'FAIL'} ${what}: ${detail}`);
    rmSync(dir, { recursive: true });
    if (verdicts.every(([, { holds }]) => holds)) return 0;
  } catch (error) {
    if (signal.aborted) return (rmSync(dir, { recursive: true }), 1);
    console.log(`FAIL ${(error as Error).message}`);
    console.log(`data and logs: ${dir}`);
  }
  const { seconds, seed, clients } = options;
  console.log(`again: npm run soak -- --seconds ${seconds} --seed ${seed} --clients ${clients}`);
  return 1;
}
