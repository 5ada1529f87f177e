// npm run ends -- [--count N] [--seed N]: ends runs by SIGINT or SIGTERM at random moments, see docs/storms.md.
// Exit codes: 0: files and exit codes agree, and nothing is left; 1: a finding; 2: bad options.
import { programOptions } from '../program.ts';
import { endRun, KINDS, type Kind } from './end-run.ts';

const { count, seed } = programOptions('ends', { count: [100, 1], seed: [1, 0] });
process.exitCode = await main();

async function main(): Promise<number> {
  console.log(`seeds ${seed} to ${seed + count - 1}`);
  const kinds = Object.keys(KINDS) as Kind[];
  const codes = new Map<string, number>();
  let slowestMs = 0;
  let findings = 0;
  for (let i = seed; i < seed + count; i++) {
    const kind = kinds[i % kinds.length]!;
    const run = await endRun(kind, i);
    slowestMs = Math.max(slowestMs, run.tookMs);
    findings += run.findings.length;
    const code = String(run.code ?? run.signal);
    codes.set(code, (codes.get(code) ?? 0) + 1);
    const took = `${(run.tookMs / 1_000).toFixed(2)} s`;
    console.log(`seed ${i} ${run.signal} ${kind}: ${run.verdict ?? 'no report'}, exit code ${code}, ${took}`);
    for (const finding of run.findings) console.log(`  FAIL ${finding}`);
  }
  const shown = [...codes].map(([code, times]) => `${times} × ${code}`).join(', ');
  console.log(
    `${count} runs: exit codes ${shown}; ended within ${(slowestMs / 1_000).toFixed(2)} s; ${findings} findings`,
  );
  return findings === 0 ? 0 : 1;
}
