import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { DemoRun } from '../../test/support/demo-run.ts';
import { elected, opsEvent, runEvent, statusEvent } from '../../test/support/events.ts';
import type { HarnessEvent } from '../event.ts';
import { LineOutput, startLineOutput } from './line.ts';

const linesOf = (events: Iterable<HarnessEvent>): string => {
  const output = new LineOutput();
  return Array.from(events, (event) => output.take(event)).join('');
};

describe('the line output', () => {
  test('is a transcript of the run, with one line per event and stable columns', () => {
    const cut = {
      type: 'fault',
      id: 'cut',
      verb: 'partition',
      lasting: true,
      by: 'scenario',
      text: 'cut n1<->n2 n1<->n3',
      nodes: ['n1'],
      links: [],
    } as const;
    const up = (node: string, pid: number): HarnessEvent => ({ t: 0, type: 'life', node, life: 'up', pid });
    const text = linesOf([
      runEvent(),
      { t: 1, type: 'phase', phase: 'running' },
      up('n1', 11),
      up('n2', 12),
      ...elected(700, 'n1', 7, ['n2']),
      ...elected(800, 'n1', 7, ['n2']),
      { t: 5_000, type: 'step', index: 1, state: 'running', text: 'isolate leader' },
      { t: 5_000, ...cut, state: 'requested' },
      { t: 5_004.2, ...cut, state: 'confirmed', tookMs: 4.2 },
      statusEvent(5_100, 'n1', 'follower', 7),
      { t: 5_200, type: 'op', node: 'n1', text: 'read k3: unknown (timeout)', outcome: 'info' },
      statusEvent(6_100, 'n2', 'candidate', 8),
      statusEvent(6_233, 'n2', 'leader', 8),
      { t: 7_000, type: 'step', index: 1, state: 'ok', text: 'isolate leader' },
      { t: 8_000, ...cut, by: 'cleanup', state: 'healed', tookMs: 2 },
      {
        t: 8_100,
        type: 'life',
        node: 'n3',
        life: 'down',
        pid: null,
        exit: { code: 3, signal: null, expected: false, stderr: 'no space\nleft on device' },
      },
      { t: 9_000, type: 'note', level: 'warn', text: 'two\nlines' },
      {
        t: 61_912,
        type: 'check',
        name: 'linearizable',
        state: 'pass',
        detail: 'ops=24112 keys=20',
        tookMs: 1_800,
      },
      {
        t: 61_940,
        type: 'verdict',
        verdict: 'pass',
        exitCode: 0,
        sentence: 'All held.',
        report: 'reports/7f3a/report.html',
      },
    ]);
    expect(text).toBe(
      [
        '00:00.000 run    partition-leader seed=42 nodes=3 links=toxiproxy-2.12.0 out=reports/7f3a',
        '00:00.001 phase  running',
        '00:00.000 node   n1 UP pid=11',
        '00:00.000 node   n2 UP pid=12',
        '00:00.700 role   n1 LEADER term=7',
        '00:05.000 step   isolate leader running step=2/3',
        '00:05.004 fault  cut n1<->n2 n1<->n3 confirmed=4.2ms',
        '00:05.100 role   n1 follower term=7',
        '00:06.100 role   n2 candidate term=8',
        '00:06.233 role   n2 LEADER term=8 gap=1.13s',
        '00:07.000 step   isolate leader ok step=2/3',
        '00:08.000 fault  cut n1<->n2 n1<->n3 healed=2ms by=cleanup',
        '00:08.100 node   n3 DOWN by itself: left on device exit=3',
        '00:09.000 note   two lines warn',
        '01:01.912 check  linearizable=pass ops=24112 keys=20 took=1.8s',
        '01:01.940 done   PASS exit=0 report=reports/7f3a/report.html',
        '',
      ].join('\n'),
    );
  });

  test('has a stat line every ten seconds', () => {
    const ops = Array.from({ length: 100 }, (_, index) => opsEvent((index + 1) * 250, 100));
    const checked: HarnessEvent = { t: 19_900, type: 'checked', to: 19_900, keys: 5, undecided: 0 };
    const stats = linesOf([
      runEvent(),
      { t: 0, type: 'life', node: 'n2', life: 'up', pid: 1 },
      statusEvent(10, 'n2', 'leader', 3),
      ...ops.slice(0, 79),
      checked,
      ...ops.slice(79),
    ])
      .split('\n')
      .filter((line) => line.includes(' stat '));
    expect(stats).toEqual([
      '00:10.000 stat   ops=100 ok=100 fail=0 unknown=0 rate=400/s p50=3.0ms p99=12ms leader=n2',
      '00:20.000 stat   ops=100 ok=100 fail=0 unknown=0 rate=400/s p50=3.0ms p99=12ms leader=n2 checked=00:19',
    ]);
  });

  test('shows a violation as soon as it is reported, and again with the text of the final check', () => {
    const told = { type: 'violation', property: 'linearizability', key: 'k3' } as const;
    const text = linesOf([
      { t: 12_345, ...told, text: 'Key k3: read#9 (n1) returned "c1"', live: true },
      { t: 60_000, ...told, text: 'Key k3: in full' },
    ]);
    expect(text).toBe(
      '00:12.345 FAIL   Key k3: read#9 (n1) returned "c1" linearizability key=k3 live\n' +
        '01:00.000 FAIL   Key k3: in full linearizability key=k3\n',
    );
  });

  test('contains no control characters, even if nodes report some', () => {
    const text = linesOf([
      { t: 0, type: 'log', node: 'n1', level: 'error', message: '\u001b[31mred\u001b[0m\u0007\r\n' },
    ]);
    // eslint-disable-next-line no-control-regex
    expect(text).toMatch(/^[^\u0000-\u001f]+\n$/);
  });

  test('starts every line of a run with the time and a word', () => {
    const events: HarnessEvent[] = [];
    new DemoRun({ seed: 3, emit: (event) => events.push(event) }).advance(62_000);
    const lines = linesOf(events).trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d\d:\d\d\.\d{3} [A-Za-z]{2,6} +\S/);
    expect(lines.filter((line) => line.slice(10, 14) === 'stat').map((line) => line.slice(0, 5))).toEqual([
      '00:10',
      '00:20',
      '00:30',
      '00:40',
      '00:50',
      '01:00',
    ]);
  });
});

test('a closed output ends the line output, but not the run', () => {
  const stdout = new PassThrough();
  let emit: (event: HarnessEvent) => void = () => undefined;
  const output = startLineOutput({
    subscribe: (listener) => {
      emit = listener;
      return () => undefined;
    },
    stdout,
  });
  emit(runEvent());
  expect(String(stdout.read())).toContain('run    partition-leader');
  stdout.emit('error', new Error('write EPIPE'));
  emit({ t: 1, type: 'phase', phase: 'running' });
  expect(stdout.read()).toBeNull();
  output.stop();
  expect(stdout.listenerCount('error')).toBe(0);
});
