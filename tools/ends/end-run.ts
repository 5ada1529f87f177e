import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomStream } from '../../harness/random.ts';
import type { RunResult } from '../../harness/result.ts';
import { chaos, type Chaos } from '../../test/support/chaos.ts';

const head = (name: string): string => `apiVersion: chaos/v1\nname: ${name}\n`;
const LOAD = 'workload: { clients: 16, rate: 3000/s, keys: 1, mix: { read: 40%, write: 30%, cas: 30% } }\n';

/** What the run is doing when the signal comes, and the line of its output after which the random moment is drawn. */
export const KINDS = {
  'as it starts': { text: null, after: null, withinMs: 1_500 },
  'at any moment': { text: null, after: /phase +starting/, withinMs: 9_000 },
  'in a loop of notes': {
    text: `${head('notes')}steps:\n  - repeat: { times: 300, steps: [{ repeat: { times: 600, steps: [{ note: x }] } }] }\n`,
    after: /phase +running/,
    withinMs: 1_000,
  },
  'in a loop of checks': {
    text: `${head('checks')}steps:\n  - repeat: { for: 60s, steps: [{ check: { leader: { count: 1 } } }] }\n`,
    after: /phase +running/,
    withinMs: 1_000,
  },
  'in a loop of heals': {
    text: `${head('heals')}steps:\n  - repeat: { for: 60s, steps: [{ heal: all }] }\n`,
    after: /phase +running/,
    withinMs: 1_000,
  },
  'while it is checked': {
    text: `${head('check')}${LOAD}steps:\n  - pause: follower\n    for: 300ms\n  - wait: { for: 1s }\n`,
    // The check takes a fraction of a second, so the moments are spread from just before it to just after it.
    after: /phase +healing/,
    withinMs: 130,
  },
} as const;
export type Kind = keyof typeof KINDS;

/** Maximum time from the signal to the end of the process, in ms. */
export const END_WITHIN_MS = 5_000;

const VERDICT_WORDS = { pass: 'PASS', violation: 'VIOLATION', inconclusive: 'INCONCLUSIVE', error: 'ERROR' };

export interface EndRun {
  readonly signal: NodeJS.Signals;
  readonly code: number | null;
  /** Time from the signal to the end of the process, in ms. */
  readonly tookMs: number;
  /** null: the process ended before it had a folder for its report. */
  readonly verdict: RunResult['verdict'] | null;
  /** What is wrong with the end, a sentence each. */
  readonly findings: readonly string[];
}

/** Runs a scenario, and ends it by SIGINT or SIGTERM at a moment that the seed decides. */
export async function endRun(kind: Kind, seed: number): Promise<EndRun> {
  const random = randomStream(seed, 'schedule');
  const signal = random.pick(['SIGINT', 'SIGTERM'] as const);
  const { text, after, withinMs } = KINDS[kind];
  const temporary = { TMPDIR: '' };
  await using run = chaos(
    (out) => {
      temporary.TMPDIR = join(out, 'temporary');
      mkdirSync(temporary.TMPDIR);
      const file = text === null ? 'partition-leader.yaml' : join(out, 'scenario.yaml');
      if (text !== null) writeFileSync(file, text);
      const reports = join(out, 'reports');
      return ['run', file, '--reporter', 'line', '--toxiproxy', 'builtin', '--out', reports];
    },
    { env: temporary },
  );
  if (after !== null) await run.sees(after);
  await sleep(random.int(0, withinMs));
  const sentAt = performance.now();
  const sent = run.kill(signal);
  const { code, stdout } = await run.ended;
  const tookMs = performance.now() - sentAt;
  const late = sent && tookMs > END_WITHIN_MS ? [`it took ${Math.round(tookMs)} ms to end`] : [];
  const result = resultOf(run);
  const findings = [
    ...late,
    ...(result === null ? silent(run, code) : agreement(run, result, code, stdout)),
    ...run.left.map((process) => `left running: ${process}`),
    ...readdirSync(temporary.TMPDIR).map((name) => `left in the temporary folder: ${name}`),
  ];
  return { signal, code, tookMs, verdict: result?.verdict ?? null, findings };
}

const reportsOf = ({ out }: Chaos): string => join(out, 'reports');
const folderOf = (run: Chaos): string => join(reportsOf(run), 'latest');

function resultOf(run: Chaos): RunResult | null {
  const file = join(folderOf(run), 'result.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunResult) : null;
}

/** A process that the signal itself ended, before it had a handler, has written nothing. */
function silent(run: Chaos, code: number | null): string[] {
  const reports = reportsOf(run);
  const folders = existsSync(reports) ? readdirSync(reports) : [];
  if (code === null && folders.length === 0) return [];
  return [`exit code ${code}, without a result.json; in the folder of reports: ${folders.join(', ')}`];
}

/** Everything that says how the run ended must say the same. */
function agreement(run: Chaos, result: RunResult, code: number | null, stdout: string): string[] {
  const folder = folderOf(run);
  const files = readdirSync(folder);
  const junit = readFileSync(join(folder, 'junit.xml'), 'utf8');
  const said = {
    'the exit code': [code, result.exitCode],
    'junit.xml (exit code)': [/name="exit-code" value="(\d+)"/.exec(junit)?.[1], String(result.exitCode)],
    'junit.xml (verdict)': [/name="verdict" value="(\w+)"/.exec(junit)?.[1], result.verdict],
    'the terminal': [
      /^(PASS|VIOLATION|INCONCLUSIVE|ERROR) /m.exec(stdout)?.[1],
      VERDICT_WORDS[result.verdict],
    ],
  };
  return [
    ...Object.entries(said).flatMap(([what, [is, wanted]]) =>
      is === wanted ? [] : [`${what} is ${String(is)}, but result.json says ${String(wanted)}`],
    ),
    ...(result.verdict === 'violation' ? [`violation: ${result.sentence}`] : []),
    ...files.filter((name) => name === 'data' || name.endsWith('.draft')).map((name) => `left: ${name}`),
    ...run.missingIn(folder).map((name) => `missing: ${name}`),
  ];
}
