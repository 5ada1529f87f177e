/**
 * `npm run fuzz:histories -- --seconds 300 --seed 7`: gives damaged histories to `chaos check`, which must find the
 * right verdict or print a clear error. They run in a child process, so that a crash or a hang is detected and named,
 * and does not end the run. Exit code 0: there was no finding. `--seed N --case K` repeats one case.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzzCase } from './fuzz-case.ts';
import { MAX_CASE_MS, type Outcome, runCase } from './fuzz-run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1_000)) },
    case: { type: 'string' },
    from: { type: 'string' },
  },
});
const seed = Number(values.seed);
const MAX_FINDINGS = 20;

type Message = { readonly started: number } | ({ readonly ended: number } & Outcome);

if (values.case !== undefined) process.exitCode = await runOne(Number(values.case));
else if (values.from === undefined) process.exitCode = await supervise(Number(values.seconds));
else await work(Number(values.from));

async function runOne(number: number): Promise<number> {
  return await inFolder(async (folder) => {
    const { verdict, finding } = await runCase(seed, number, folder);
    console.log(
      finding ??
        `case ${number} of seed ${seed}: ${verdict}, which is right (${fuzzCase(seed, number).name})`,
    );
    return finding === null ? 0 : 1;
  });
}

/** The child process: runs case after case until the parent ends it. */
async function work(from: number): Promise<void> {
  await inFolder(async (folder) => {
    for (let number = from; process.connected; number++) {
      process.send!({ started: number } satisfies Message);
      process.send!({ ended: number, ...(await runCase(seed, number, folder)) } satisfies Message);
      // Lets the channel send, because messages would pile up in memory otherwise.
      await new Promise(setImmediate);
    }
  });
}

async function supervise(seconds: number): Promise<number> {
  console.log(`fuzz:histories: seed ${seed}, ${seconds} s`);
  const until = Date.now() + seconds * 1_000;
  const findings: string[] = [];
  const tally = new Map<string, number>();
  const count = (verdict: string): void => void tally.set(verdict, (tally.get(verdict) ?? 0) + 1);
  let next = 0;
  while (Date.now() < until && findings.length < MAX_FINDINGS) {
    const ended = await follow(next, until, ({ verdict, finding }) => {
      count(verdict ?? 'without a verdict');
      if (finding !== null) findings.push(finding);
      return findings.length < MAX_FINDINGS;
    });
    next = ended.next;
    if (ended.finding !== null) findings.push(ended.finding);
  }
  for (const finding of findings) console.log(`\n${finding}`);
  const counts = [...tally].map(([verdict, times]) => `${times} ${verdict}`).join(', ');
  console.log(`\n${next} cases (${counts}), ${findings.length} findings`);
  return findings.length === 0 && next > 0 ? 0 : 1;
}

/** Runs one child until the time is over, or until it crashes or hangs. Returns the number of the next case. */
async function follow(
  from: number,
  until: number,
  continues: (outcome: Outcome) => boolean,
): Promise<{ readonly next: number; readonly finding: string | null }> {
  const child: ChildProcess = fork(
    fileURLToPath(import.meta.url),
    ['--seed', String(seed), '--from', String(from)],
    {
      execArgv: ['--max-old-space-size=1024'],
    },
  );
  const { promise, resolve } = Promise.withResolvers<{ next: number; finding: string | null }>();
  let current = from;
  let watchdog: NodeJS.Timeout | undefined;
  const end = (next: number, finding: string | null): void => {
    clearTimeout(watchdog);
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    resolve({ next, finding: finding === null ? null : `seed ${seed}, case ${current}: ${finding}` });
  };
  child.on('message', (message: Message) => {
    clearTimeout(watchdog);
    if ('started' in message) {
      current = message.started;
      watchdog = setTimeout(() => end(current + 1, `hangs: ${fuzzCase(seed, current).name}`), MAX_CASE_MS);
      return;
    }
    const { ended, verdict, finding } = message;
    const wanted = continues({
      verdict,
      finding: finding === null ? null : `seed ${seed}, case ${ended}: ${finding}`,
    });
    if (!wanted || Date.now() >= until) end(ended + 1, null);
  });
  child.on('exit', (code, signal) =>
    end(current + 1, `the process ended (${signal ?? code}): ${fuzzCase(seed, current).name}`),
  );
  return await promise;
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'chaos-fuzz-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
