import { relative } from 'node:path';
import type { LinksServer } from '../event.ts';
import { EXIT, type RunResult } from '../result.ts';
import type { RunOutcome } from '../scenario/play/runner.ts';
import type { Scenario } from '../scenario/language/schema.ts';
import { INTERRUPT_CODES, type Interrupts } from './interrupts.ts';

/**
 * Outcome of a run that failed outside the runner (no proxy server, no folder, a crash of the harness): an error, and
 * no claim about the nodes.
 */
export function failedOutcome(error: unknown, interrupts: Interrupts): RunOutcome {
  const message = error instanceof Error ? error.message : String(error);
  const { name } = interrupts;
  return {
    verdict: 'error',
    exitCode: name === null ? EXIT.environment : INTERRUPT_CODES[name],
    sentence:
      name === null
        ? `The run could not be carried out: ${message}.`
        : `The run was ended by ${name} before it had begun; nothing was tested.`,
    expectations: [],
    violations: [],
    counts: {
      operations: 0,
      ok: 0,
      fail: 0,
      info: 0,
      byFunction: {},
      faults: 0,
      manualFaults: 0,
      elections: 0,
      nodeStarts: 0,
    },
    latencyMs: { p50: null, p99: null, p999: null, max: null },
    leaderGaps: [],
    firstFaultMs: null,
    interrupted: name,
    error: name === null ? message : null,
    ops: [],
    flat: '',
  };
}

export function assembleResult(parts: {
  readonly outcome: RunOutcome;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly dir: string;
  readonly file: string;
  readonly server: LinksServer;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly version: string;
  readonly interrupts: Interrupts;
  readonly eventLogFailure: string | null;
}): RunResult {
  const { outcome, scenario, interrupts } = parts;
  const { ops: _ops, flat: _flat, ...known } = outcome;
  const broken = interrupts.crash?.stack ?? parts.eventLogFailure;
  const result: RunResult = {
    schema: 'chaos/result/v1',
    ...known,
    run: relative(process.cwd(), parts.dir),
    scenario: scenario.name,
    file: parts.file,
    seed: parts.seed,
    links: parts.server,
    nodes: Array.from({ length: scenario.cluster.nodes }, (_, i) => `n${i + 1}`),
    startedAt: parts.startedAt.toISOString(),
    durationMs: Math.round(parts.durationMs),
    environment: {
      chaos: parts.version,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      command: ['chaos', ...process.argv.slice(2)],
    },
  };
  return withFailure(result, broken ?? null);
}

/**
 * The result after a failure of the harness itself, which cannot vouch for a pass then; a proven violation remains one
 * whatever failed later. `failure` null: there was none.
 */
export function withFailure(result: RunResult, failure: string | null): RunResult {
  if (failure === null || result.verdict === 'violation') return result;
  return {
    ...result,
    verdict: 'error',
    exitCode: EXIT.environment,
    sentence: `The harness itself failed: ${failure.split('\n')[0]}.`,
    error: failure,
  };
}
