// npm run stalls -- [--count N] [--seed N]: stops the harness for 1 to 12 s at random moments of shipped scenarios, see
// docs/storms.md. Exit codes: 0: no violation, and each wait that suffered says so; 1: a finding; 2: bad options.
import { programOptions } from '../program.ts';
import { STALLED_SCENARIOS, stallRun, type StalledScenario } from './stall-run.ts';

const { count, seed } = programOptions('stalls', { count: [30, 1], seed: [1, 0] });
process.exitCode = await main();

async function main(): Promise<number> {
  console.log(`seeds ${seed} to ${seed + count - 1}`);
  const scenarios = Object.keys(STALLED_SCENARIOS) as StalledScenario[];
  const verdicts = new Map<string, number>();
  let waits = 0;
  let findings = 0;
  for (let i = seed; i < seed + count; i++) {
    const scenario = scenarios[i % scenarios.length]!;
    const run = await stallRun({ scenario, seed: i });
    waits += run.waits;
    findings += run.findings.length;
    verdicts.set(run.verdict, (verdicts.get(run.verdict) ?? 0) + 1);
    const what = `stopped at ${run.atMs} ms for ${run.stoppedMs} ms`;
    console.log(
      `seed ${i} ${scenario}: ${what}: ${run.verdict}, exit code ${run.exitCode}, ${run.waits} steps and waits suffered`,
    );
    if (run.verdict !== 'pass') console.log(`  ${run.sentence}`);
    for (const finding of run.findings) console.log(`  FAIL ${finding}`);
  }
  const shown = [...verdicts].map(([verdict, times]) => `${times} ${verdict}`).join(', ');
  console.log(`${count} runs: ${shown}; ${waits} steps and waits suffered; ${findings} findings`);
  return findings === 0 ? 0 : 1;
}
