import { describe, expect, test } from 'vitest';
import type { HarnessEvent } from '../../harness/event.ts';
import type { RunResult, Violation } from '../../harness/result.ts';
import { chaos } from '../support/chaos.ts';

/** Time limit of a test. A run takes some seconds, but the machine may be busy. */
const RUN_MS = 120_000;

/** Broken nodes, each with the shipped scenario and the property that catch it, and the anomalies that prove it. */
const MUTANTS = [
  {
    mutant: 'stale-reads',
    scenario: 'isolated-reads.yaml',
    property: 'linearizability',
    anomalies: ['stale read', 'lost write', 'split brain'],
  },
  {
    mutant: 'forgets-vote',
    scenario: 'restart-voters.yaml',
    property: 'election-safety',
    anomalies: ['forgotten vote'],
  },
  {
    mutant: 'acks-before-durable',
    scenario: 'kill-all.yaml',
    property: 'durability',
    anomalies: ['applied entries lost in a restart'],
  },
  {
    mutant: 'retries-twice',
    scenario: 'flaky-clients.yaml',
    property: 'linearizability',
    anomalies: ['duplicate append', 'retry applied twice'],
  },
] as const;

interface Ran {
  readonly code: number | null;
  readonly result: RunResult;
  readonly events: readonly HarnessEvent[];
  readonly html: boolean;
  readonly left: readonly string[];
}

async function run(...args: readonly string[]): Promise<Ran> {
  await using command = chaos(['run', ...args, '--reporter', 'line', '--toxiproxy', 'builtin']);
  const { code } = await command.ended;
  return {
    code,
    result: command.result,
    events: command.events,
    html: !command.missing.includes('report.html'),
    left: await command.settles(),
  };
}

/** Proof of a violation: operations for linearizability, and steps of nodes for the other properties. */
function proof(violation: Violation): readonly unknown[] {
  return violation.property === 'linearizability' ? (violation.opIds ?? []) : (violation.events ?? []);
}

/** Keys that were reported as not linearizable during the run and at its end, and whether one was during the steps. */
function keysFound(events: readonly HarnessEvent[]): {
  readonly live: readonly string[];
  readonly final: readonly string[];
  readonly early: boolean;
} {
  const keys = (live: boolean): string[] =>
    events.flatMap((event) =>
      event.type === 'violation' && event.key !== undefined && (event.live === true) === live
        ? [event.key]
        : [],
    );
  const ended = events.findIndex((event) => event.type === 'phase' && event.phase === 'healing');
  const first = events.findIndex((event) => event.type === 'violation' && event.live === true);
  return { live: keys(true).sort(), final: keys(false).sort(), early: first >= 0 && first < ended };
}

describe.each(MUTANTS)('$mutant under $scenario', ({ mutant, scenario, property, anomalies }) => {
  test(
    `violates ${property}, with a proof`,
    async () => {
      const { code, result, events, html, left } = await run(
        scenario,
        '--node',
        `test/support/mutants/${mutant}.ts`,
      );
      expect(result.error).toBeNull();
      expect({ code, verdict: result.verdict, exitCode: result.exitCode }).toEqual({
        code: 1,
        verdict: 'violation',
        exitCode: 1,
      });
      const found = result.violations.filter((violation) => violation.property === property);
      expect(found.map((violation) => violation.anomaly)).toEqual(
        expect.arrayContaining([expect.stringMatching(anomalies.join('|'))]),
      );
      const proven = found.filter((violation) => proof(violation).length > 0 && violation.prose.length > 40);
      expect(proven).toEqual(found);
      const name = property === 'linearizability' ? 'linearizable' : property;
      expect(result.expectations).toContainEqual(
        expect.objectContaining({ group: 'always', name, status: 'fail' }),
      );
      const keys = keysFound(events);
      expect(keys.live).toEqual(keys.final);
      expect(keys.early || property !== 'linearizability').toBe(true);
      expect(html).toBe(true);
      expect(left).toEqual([]);
    },
    RUN_MS,
  );

  test(
    'does not fail with the shipped node',
    async () => {
      const { code, result } = await run(scenario);
      const failed = result.expectations.filter((expectation) => expectation.status !== 'pass');
      expect({ failed, violations: result.violations, error: result.error }).toEqual({
        failed: [],
        violations: [],
        error: null,
      });
      expect(code).toBe(0);
    },
    RUN_MS,
  );
});

test(
  'with --stop-on-violation the steps end at the first violation, and the report proves it',
  async () => {
    const args = ['--node', 'test/support/mutants/stale-reads.ts', '--stop-on-violation'];
    const { code, result, events, left } = await run('isolated-reads.yaml', ...args);
    expect({ code, verdict: result.verdict, error: result.error }).toEqual({
      code: 1,
      verdict: 'violation',
      error: null,
    });
    const { live, final, early } = keysFound(events);
    expect(early).toBe(true);
    expect(final).toEqual(live);
    const steps = events.find((event) => event.type === 'run')!.steps;
    const done = events.filter(
      (event) => event.type === 'step' && event.path === undefined && event.state === 'ok',
    );
    expect(done.length).toBeLessThan(steps.length);
    expect(left).toEqual([]);
  },
  RUN_MS,
);
