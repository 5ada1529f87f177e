/**
 * `npm run fuzz:scenarios -- --seconds 60 --seed 7`: gives random and damaged scenario files to the reader of `chaos
 * validate`, which must accept them or print each mistake with its place, in time and not too much. They are read in
 * a child process, so that a crash or a hang is named. Exit code 0: there was no finding. `--seed N --case K` repeats
 * one case.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { programOptions } from '../program.ts';
import { runCase } from './fuzz-run.ts';
import { randomScenario } from './random-scenario.ts';

const NONE = -1;
const options = programOptions('fuzz:scenarios', {
  seconds: [60, 1],
  count: [Number.MAX_SAFE_INTEGER, 1],
  seed: [Math.floor(Date.now() / 1_000), 0],
  case: [NONE, 0],
  from: [NONE, 0],
});
const { seed } = options;
const MAX_FINDINGS = 20;
/** Number of cases between two messages of the child process. */
const BATCH = 100;
/** Time for such a batch in ms, after which the child process hangs. */
const HANGS_AFTER_MS = 120_000;

interface Message {
  readonly next: number;
  readonly accepted: number;
  readonly findings: readonly string[];
}

if (options.case !== NONE) process.exitCode = runOne(options.case);
else if (options.from !== NONE) await work(options.from);
else process.exitCode = await supervise();

function runOne(number: number): number {
  process.stdout.write(randomScenario(seed, number));
  const { code, finding } = runCase(seed, number);
  console.log(`\n${finding ?? `case ${number} of seed ${seed}: exit code ${code}, which is right`}`);
  return finding === null ? 0 : 1;
}

/** The child process: reads case after case until the parent ends it. */
async function work(from: number): Promise<void> {
  const warnings: string[] = [];
  process.on('warning', (warning) => warnings.push(`Node.js warns: ${warning.message}`));
  for (let number = from; process.connected;) {
    const findings: string[] = [];
    let accepted = 0;
    for (const end = number + BATCH; number < end; number++) {
      const { code, finding } = runCase(seed, number);
      if (code === 0) accepted++;
      if (finding !== null) findings.push(`seed ${seed}, case ${number}: ${finding}`);
    }
    // Lets warnings come and the channel send.
    await new Promise(setImmediate);
    findings.push(...warnings.splice(0));
    process.send!({ next: number, accepted, findings } satisfies Message);
  }
}

async function supervise(): Promise<number> {
  console.log(`fuzz:scenarios: seed ${seed}, ${options.seconds} s`);
  const until = Date.now() + options.seconds * 1_000;
  const { promise, resolve } = Promise.withResolvers<void>();
  const findings: string[] = [];
  let [next, accepted] = [0, 0];
  const child = fork(fileURLToPath(import.meta.url), ['--seed', String(seed), '--from', '0'], {
    execArgv: ['--max-old-space-size=1024'],
  });
  const lost = (how: string): void => {
    findings.push(`seed ${seed}, cases ${next} to ${next + BATCH - 1}: the process ${how}`);
    resolve();
  };
  let watchdog = setTimeout(() => lost('hangs'), HANGS_AFTER_MS);
  child.on('message', (message: Message) => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => lost('hangs'), HANGS_AFTER_MS);
    ({ next } = message);
    accepted += message.accepted;
    findings.push(...message.findings);
    if (Date.now() >= until || next >= options.count || findings.length >= MAX_FINDINGS) resolve();
  });
  child.once('exit', (code, signal) => lost(`ended (${signal ?? code})`));
  await promise;
  clearTimeout(watchdog);
  child.removeAllListeners('exit');
  child.kill('SIGKILL');
  for (const finding of findings) console.log(`\n${finding}`);
  console.log(`\n${next} files (${accepted} accepted), ${findings.length} findings`);
  return findings.length === 0 && next > 0 ? 0 : 1;
}
