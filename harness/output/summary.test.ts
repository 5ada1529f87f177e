import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { RunResult, Violation } from '../result.ts';
import { cellsOf } from './paint.ts';
import { summaryText } from './summary.ts';

const result: RunResult = {
  schema: 'chaos/result/v1',
  verdict: 'pass',
  exitCode: 0,
  sentence:
    'Every check held: 24,112 operations on 20 keys are linearizable, and the old leader acknowledged nothing.',
  run: 'reports/20260101-000000-partition-leader-42',
  scenario: 'partition-leader',
  file: 'scenarios/partition-leader.yaml',
  seed: 42,
  links: { kind: 'toxiproxy', version: '2.12.0', url: 'http://127.0.0.1:8474' },
  nodes: ['n1', 'n2', 'n3'],
  startedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 61_940,
  firstFaultMs: 2_100,
  interrupted: null,
  counts: {
    operations: 24_112,
    ok: 23_990,
    fail: 31,
    info: 91,
    byFunction: {},
    faults: 1,
    manualFaults: 0,
    elections: 2,
    nodeStarts: 3,
  },
  latencyMs: { p50: 3.1, p99: 42, p999: 90, max: 1_010 },
  leaderGaps: [{ from: 5_004, to: 6_234 }],
  expectations: [
    { group: 'always', name: 'linearizable', status: 'pass', detail: '20 keys in 1.8s' },
    { group: 'recovery', name: 'leader-within: 2s', status: 'pass', detail: 'a leader after 1.23s' },
  ],
  violations: [],
  error: null,
  environment: { chaos: '0.1.0', node: 'v24.21.0', platform: 'linux x64', command: [] },
};

const violation: Violation = {
  property: 'linearizability',
  anomaly: 'stale read',
  prose: 'n1 answered a read of k3 with v17 although v18 had been acknowledged before the read began.',
  key: 'k3',
  opIds: [101, 102, 107],
  stuckId: 107,
  stateBefore: 'v18',
};
const failed: RunResult = {
  ...result,
  verdict: 'violation',
  exitCode: 1,
  sentence: 'A read was stale.',
  expectations: [
    ...result.expectations,
    {
      group: 'during',
      name: 'during cut: n1 acked-writes = 0',
      status: 'fail',
      detail: 'n1 acknowledged 3 writes between 00:05.1 and 00:06.0, '.repeat(4),
    },
  ],
  violations: [violation, violation],
};

describe('the summary', () => {
  test('the summary of a passed run has its expectations, figures and commands', () => {
    expect(summaryText(result, { width: 100, color: false })).toBe(
      [
        'PASS  Every check held: 24,112 operations on 20 keys are linearizable, and the old leader',
        '      acknowledged nothing.',
        '      partition-leader  seed 42  3 nodes  links toxiproxy 2.12.0  1m02s',
        '',
        'ok    always    linearizable       20 keys in 1.8s',
        'ok    recovery  leader-within: 2s  a leader after 1.23s',
        '',
        'operations  24,112  ok 23,990 (99.4%)  fail 31  unknown 91',
        'latency     p50 3.1 ms  p99 42 ms  max 1,010 ms',
        'faults      1 (0 by hand)  elections 2  node starts 3',
        'no leader   1 time  1.23s in all  longest 1.23s at 00:05.0',
        '',
        'report  reports/20260101-000000-partition-leader-42/report.html',
        'again   chaos run scenarios/partition-leader.yaml --seed 42',
      ].join('\n'),
    );
  });

  test('the summary of a violation starts with the verdict, and has the proof in at most twelve lines', () => {
    const text = summaryText(failed, { width: 80, color: false });
    expect(text).toMatch(/^VIOLATION {2}A read was stale\./);
    expect(text).toMatch(/FAIL +during +during cut: n1 acked-writes = 0/);
    expect(text).toContain('linearizability: stale read (key k3)');
    expect(text).toContain('operation 107 cannot be placed; the register held v18');
    expect(text).toContain('operations 101, 102, 107 of history.jsonl');
    expect(text).toContain('and 1 more, in the report');
    const long: Violation = {
      ...violation,
      prose: 'because '.repeat(200),
      events: Array.from({ length: 30 }, (_, t) => ({ t, node: 'n1', text: 'BecomeLeader' })),
    };
    const block = summaryText({ ...failed, violations: [long] }, { width: 80, color: false }).split(
      '\n\n',
    )[3]!;
    expect(block.split('\n')).toHaveLength(12);
    expect(block).toContain('the rest is in the report');
  });

  test('has no line wider than the terminal, except commands to copy', () => {
    for (const width of [40, 60, 80, 100, 200]) {
      for (const run of [
        result,
        failed,
        { ...failed, error: 'disk '.repeat(100), interrupted: 'SIGINT', verdict: 'error' as const },
      ]) {
        const lines = summaryText(run, { width, color: true })
          .split('\n')
          .map((line) => stripVTControlCharacters(line));
        for (const line of lines.slice(0, -2)) expect(cellsOf(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  test('has the same text with and without colour', () => {
    expect(stripVTControlCharacters(summaryText(failed, { width: 80, color: true }))).toBe(
      summaryText(failed, { width: 80, color: false }),
    );
    expect(summaryText(failed, { width: 80, color: true })).toContain('\u001b[1;31mVIOLATION');
  });

  test('quotes a file name for the shell', () => {
    expect(summaryText({ ...result, file: "my dir/it's.yaml" }, { width: 80, color: false })).toContain(
      `chaos run 'my dir/it'\\''s.yaml' --seed 42`,
    );
  });
});
