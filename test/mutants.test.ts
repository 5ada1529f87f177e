import { describe, expect, test } from 'vitest';
import type { RunResult, Violation } from '../harness/result.ts';
import { chaos } from './support/chaos.ts';

/** A run of a few seconds, on a machine that does other things too. */
const RUN_MS = 120_000;

/** Broken nodes, each with the shipped scenario that catches it, and by which property; the anomalies that prove it. */
const MUTANTS = [
  {
    mutant: 'stale-reads',
    scenario: 'isolated-reads.yaml',
    property: 'linearizability',
    anomalies: ['stale read', 'lost write'],
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

async function run(
  ...args: readonly string[]
): Promise<{ code: number | null; result: RunResult; html: boolean; left: readonly string[] }> {
  await using command = chaos(['run', ...args, '--reporter', 'line', '--toxiproxy', 'builtin']);
  const { code } = await command.ended;
  return {
    code,
    result: command.result,
    html: !command.missing.includes('report.html'),
    left: await command.settles(),
  };
}

/** What proves it: operations for linearizability, what nodes did for the others. */
function proof(violation: Violation): readonly unknown[] {
  return violation.property === 'linearizability' ? (violation.opIds ?? []) : (violation.events ?? []);
}

describe.each(MUTANTS)('$mutant under $scenario', ({ mutant, scenario, property, anomalies }) => {
  test(
    `is caught by ${property}, with what proves it`,
    async () => {
      const { code, result, html, left } = await run(scenario, '--node', `test/mutants/${mutant}.ts`);
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
      expect(html).toBe(true);
      expect(left).toEqual([]);
    },
    RUN_MS,
  );

  test(
    'the node as it is passes',
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
