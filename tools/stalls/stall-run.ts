import { setTimeout as sleep } from 'node:timers/promises';
import type { HarnessEvent } from '../../harness/event.ts';
import { randomStream } from '../../harness/random.ts';
import type { RunResult } from '../../harness/result.ts';
import { chaos } from '../../test/support/chaos.ts';

/**
 * Shipped scenarios whose waits and fault windows differ most, and the usual time in ms from their start to their last
 * step.
 */
export const STALLED_SCENARIOS = {
  'partition-leader': 3_900,
  'kill-leader': 4_800,
  'pause-leader': 5_000,
  'rolling-restart': 7_400,
  'flapping-link': 6_400,
} as const;
export type StalledScenario = keyof typeof STALLED_SCENARIOS;

/** Lengths of a stall, in ms. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 12_000;
/** Difference in ms between the stall that was asked for and the one that the harness saw, at most. */
const TOLERANCE_MS = 600;

export interface StallRun {
  readonly scenario: string;
  readonly atMs: number;
  readonly stoppedMs: number;
  readonly verdict: RunResult['verdict'];
  readonly exitCode: number;
  readonly sentence: string;
  /** Number of steps, and waits for the steady state, during which the harness stood still. */
  readonly waits: number;
  /** What is wrong with the run, a sentence each. */
  readonly findings: readonly string[];
}

/**
 * Runs a shipped scenario and stops the harness (SIGSTOP, as Ctrl-Z does; the nodes go on) once, at a moment and for a
 * time that the seed decides.
 */
export async function stallRun(options: {
  readonly scenario: StalledScenario;
  readonly seed: number;
  readonly longestMs?: number;
  /** The line of output after which the moment is drawn. */
  readonly after?: RegExp;
}): Promise<StallRun> {
  const { scenario, seed, longestMs = LONGEST_MS, after = /phase +starting/ } = options;
  const random = randomStream(seed, 'schedule');
  const atMs = random.int(0, STALLED_SCENARIOS[scenario]);
  const stoppedMs = random.int(SHORTEST_MS, longestMs);
  await using run = chaos([
    'run',
    `${scenario}.yaml`,
    '--seed',
    String(seed),
    '--reporter',
    'line',
    '--toxiproxy',
    'builtin',
  ]);
  await run.sees(after);
  await sleep(atMs);
  const stopped = run.kill('SIGSTOP');
  await sleep(stoppedMs);
  run.kill('SIGCONT');
  const { code } = await run.ended;
  const { result, events, left } = run;
  const suffered = stopped ? stepsIn(result, events, stoppedMs) : [];
  const findings = [
    ...judged(result, code),
    ...suffered.flatMap(({ text, saysSo }) => (saysSo ? [] : [`"${text}" does not say that it suffered`])),
    ...left.map((process) => `left running: ${process}`),
  ];
  const { verdict, exitCode, sentence } = result;
  return { scenario, atMs, stoppedMs, verdict, exitCode, sentence, waits: suffered.length, findings };
}

function judged({ verdict, exitCode, sentence }: RunResult, code: number | null): string[] {
  const findings: string[] = [];
  if (verdict === 'violation' || verdict === 'error') findings.push(`${verdict}: ${sentence}`);
  if (code !== exitCode) findings.push(`exit code ${code}, but result.json says ${exitCode}`);
  return findings;
}

/** The steps of the run that took place while the harness was stopped, and whether each says so. */
function stepsIn(
  { expectations }: RunResult,
  events: readonly HarnessEvent[],
  stoppedMs: number,
): { readonly text: string; readonly saysSo: boolean }[] {
  const stall = events.find(
    (event) => event.type === 'stall' && event.t - event.from > stoppedMs - TOLERANCE_MS,
  );
  if (stall?.type !== 'stall') return [];
  const says = (detail: string | undefined): boolean =>
    detail?.includes('the harness was stopped for') === true;
  const begun = new Map<string, number>();
  const suffered: { readonly text: string; readonly saysSo: boolean }[] = [];
  for (const event of events) {
    if (event.type === 'phase' && event.phase === 'steady') begun.set('steady', event.t);
    if (event.type === 'phase' && event.phase === 'running' && within(begun.get('steady'), event.t, stall)) {
      const saysSo = expectations.some(({ group, detail }) => group === 'steady' && says(detail));
      suffered.push({ text: 'the wait for the steady state', saysSo });
    }
    if (event.type !== 'step') continue;
    const id = `${event.index} ${event.path ?? ''}`;
    if (event.state === 'running') begun.set(id, event.t);
    else if (event.state !== 'skipped' && within(begun.get(id), event.t, stall))
      suffered.push({ text: event.text, saysSo: says(event.detail) });
  }
  return suffered;
}

/** Whether the stall is within the time that began at `from`. */
const within = (
  from: number | undefined,
  to: number,
  stall: { readonly t: number; readonly from: number },
): boolean => from !== undefined && from <= stall.from && stall.t <= to;
