/**
 * `npm run fuzz:histories -- --seconds 300 --seed 7`: damaged histories through `chaos check`, each to be judged
 * rightly or refused clearly. They run in a process of their own, so that a crash or a hang is seen, named and got
 * over. Exit code 0: nothing was found. A case is run again by `--seed N --case K`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzzCase } from './fuzz-case.ts';
import { MOST_CASE_MS, type Outcome, runCase } from './fuzz-run.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1_000)) },
    case: { type: 'string' },
    from: { type: 'string' },
  },
});
const seed = Number(values.seed);
const MOST_FINDINGS = 20;

type Message = { readonly begun: number } | ({ readonly ended: number } & Outcome);

if (values.case !== undefined) process.exitCode = await one(Number(values.case));
else if (values.from === undefined) process.exitCode = await supervise(Number(values.seconds));
else await work(Number(values.from));

async function one(number: number): Promise<number> {
  return await inFolder(async (folder) => {
    const { verdict, finding } = await runCase(seed, number, folder);
    console.log(
      finding ?? `case ${number} of seed ${seed}: ${verdict}, as is right (${fuzzCase(seed, number).name})`,
    );
    return finding === null ? 0 : 1;
  });
}

/** The child: case after case until it is ended. */
async function work(from: number): Promise<void> {
  await inFolder(async (folder) => {
    for (let number = from; process.connected; number++) {
      process.send!({ begun: number } satisfies Message);
      process.send!({ ended: number, ...(await runCase(seed, number, folder)) } satisfies Message);
      // The channel must get a turn, else messages pile up in memory.
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
  while (Date.now() < until && findings.length < MOST_FINDINGS) {
    const ended = await follow(next, until, ({ verdict, finding }) => {
      count(verdict ?? 'nothing');
      if (finding !== null) findings.push(finding);
      return findings.length < MOST_FINDINGS;
    });
    next = ended.next;
    if (ended.finding !== null) findings.push(ended.finding);
  }
  for (const finding of findings) console.log(`\n${finding}`);
  const told = [...tally].map(([verdict, times]) => `${times} ${verdict}`).join(', ');
  console.log(`\n${next} cases (${told}), ${findings.length} findings`);
  return findings.length === 0 && next > 0 ? 0 : 1;
}

/** Runs one child until the time is over, it crashes or it hangs; tells which case is next. */
async function follow(
  from: number,
  until: number,
  goesOn: (outcome: Outcome) => boolean,
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
    if ('begun' in message) {
      current = message.begun;
      watchdog = setTimeout(() => end(current + 1, `hangs: ${fuzzCase(seed, current).name}`), MOST_CASE_MS);
      return;
    }
    const { ended, verdict, finding } = message;
    const wanted = goesOn({
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
