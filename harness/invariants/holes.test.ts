import { describe, expect, test } from 'vitest';
import { type Random, randomStream } from '../random.ts';
import type { Violation } from '../result.ts';
import type { TraceEvent } from '../trace.ts';
import { SafetyMonitor } from './monitor.ts';
import { clusterRun } from './testing/cluster-run.ts';
import {
  applied,
  became,
  committed,
  installed,
  recovered,
  replicated,
  snapshot,
  voted,
} from './testing/trace.ts';

const NODES = ['n1', 'n2', 'n3'];
/** `hole`: steps of the node are missing at this point. `start`: a process of the node starts. */
type Line = readonly [node: string, step: TraceEvent | 'hole' | 'start' | 'wipe'];

function watch(lines: readonly Line[]): { violations: Violation[]; monitor: SafetyMonitor } {
  const monitor = new SafetyMonitor(NODES);
  const violations = lines.flatMap(([node, step], t) => {
    if (step === 'hole') monitor.hole(t, node, `report line ${t} is lost`);
    else if (step === 'start') monitor.started(node);
    else if (step === 'wipe') monitor.wiped(node);
    else return monitor.feed(t, node, step);
    return [];
  });
  return { violations, monitor };
}

const statuses = (monitor: SafetyMonitor): readonly string[] => [
  ...new Set(monitor.results().map(({ status }) => status)),
];

const log = [
  [1, 11],
  [1, 12],
] as const;
/** n1 leads term 1; n1 and n2 have two entries and have applied them. */
const twoEntries: readonly Line[] = [
  ['n1', became('Leader', 1)],
  ['n1', replicated(1, log)],
  ['n2', replicated(1, log)],
  ['n1', committed(2, 1)],
  ['n1', applied(2, 12)],
  ['n2', committed(2, 1)],
  ['n2', applied(2, 12)],
];

describe('after a hole in a trace', () => {
  test('every property is unknown, with the node, the time and the reason', () => {
    const { monitor } = watch([...twoEntries, ['n3', 'hole'], ['n1', 'hole']]);
    expect(statuses(monitor)).toEqual(['unknown']);
    for (const { detail } of monitor.results()) {
      expect(detail).toContain('steps of n3 may be missing from 0.01 s on: report line 7 is lost');
      expect(detail).toContain('(the first of 2 holes)');
    }
  });

  const innocent: readonly (readonly [claim: string, lines: readonly Line[]])[] = [
    ['an index may be committed although its commit was not seen', [
      ['n3', replicated(1, log)], ['n3', 'hole'], ['n3', applied(2, 12)],
    ]],
    ['a commit before the hole may not be the newest one', [
      ['n3', replicated(1, log)], ['n3', committed(1, 1)], ['n3', 'hole'], ['n3', applied(2, 12)],
    ]],
    ['a commit by a snapshot may not be the newest one', [
      ['n3', 'hole'], ['n3', installed(snapshot(2, 1, 12))], ['n3', replicated(3, [[1, 13]])],
      ['n3', applied(3, 13)],
    ]],
    ['a new leader may have committed entries that it was not seen to receive', [
      ...twoEntries, ['n3', 'hole'], ['n3', became('Leader', 2)],
    ]],
    ['a new leader may have entries after the last ones that it was seen to receive', [
      ...twoEntries, ['n3', replicated(1, [[1, 11]])], ['n3', 'hole'], ['n3', became('Leader', 2)],
    ]],
    ['an entry that a node has replaced unseen is not the entry that it reports as committed', [
      ['n3', replicated(1, [[1, 11], [1, 99]])], ['n3', 'hole'], ['n3', committed(2, 2)],
      ['n2', replicated(1, [[1, 11], [2, 22]])], ['n2', became('Leader', 3)],
    ]],
    ['a node may have committed in a higher term than the last one that was seen', [
      ['n2', became('Leader', 2)], ['n3', became('Follower', 1)], ['n3', 'hole'],
      ['n3', replicated(1, log)], ['n3', committed(2, 1)],
    ]],
    ['a leader may have stepped down unseen and remove entries as a follower', [
      ...twoEntries, ['n1', replicated(3, [[1, 13]])], ['n1', 'hole'], ['n1', replicated(3, [[2, 23]], true)],
    ]],
    ['a node may have replaced the entries of its log that it applies', [
      ['n3', replicated(1, [[1, 11], [1, 99]])], ['n3', 'hole'], ['n3', committed(2, 2)], ['n3', applied(2, 22)],
    ]],
    ['entries of an old log are not compared with what others applied', [
      ...twoEntries, ['n3', replicated(1, [[1, 11], [0, 99]])], ['n3', 'hole'],
      ['n3', committed(2, 1)], ['n3', applied(2, 12)],
    ]],
  ]; // prettier-ignore
  test.each(innocent)('%s', (_claim, lines) => {
    expect(watch(lines).violations).toEqual([]);
    // The same lines without the hole would be a violation.
    expect(watch(lines.filter(([, step]) => step !== 'hole')).violations).not.toEqual([]);
  });

  const proven: readonly (readonly [property: string, anomaly: string, lines: readonly Line[]])[] = [
    ['election-safety', 'two leaders in one term', [
      ['n1', became('Leader', 3)], ['n1', 'hole'], ['n2', 'hole'], ['n2', became('Leader', 3)],
    ]],
    ['election-safety', 'two votes in one term', [
      ['n3', voted(3, 'n1')], ['n3', 'hole'], ['n3', voted(3, 'n2')],
    ]],
    ['election-safety', 'forgotten vote', [
      ['n3', voted(3, 'n1')], ['n3', 'hole'], ['n3', 'start'], ['n3', recovered(2, null)],
    ]],
    ['log-matching', 'logs differ at the same index and term', [
      ...twoEntries, ['n3', 'hole'], ['n3', replicated(1, [[1, 99]])],
    ]],
    ['leader-append-only', 'leader removed entries', [
      ['n1', 'hole'], ['n1', became('Leader', 2)], ['n1', replicated(2, [[2, 12]], true)],
    ]],
    ['leader-completeness', 'leader lacks a committed entry', [
      ...twoEntries, ['n3', 'hole'], ['n3', replicated(1, [[1, 11], [2, 22]])], ['n3', became('Leader', 3)],
    ]],
    ['leader-completeness', 'leader lacks a committed entry', [
      ...twoEntries, ['n3', 'hole'], ['n3', 'start'], ['n3', recovered(1, null, [[1, 11]])],
      ['n3', became('Leader', 3)],
    ]],
    ['state-machine-safety', 'two entries applied at one index', [
      ...twoEntries, ['n3', 'hole'], ['n3', applied(2, 99)],
    ]],
    ['state-machine-safety', 'state machine went back', [
      ...twoEntries, ['n2', 'hole'], ['n2', applied(1, 11)],
    ]],
    ['state-machine-safety', 'applied what is not committed', [
      ['n3', 'hole'], ['n3', replicated(1, log)], ['n3', committed(1, 1)], ['n3', applied(2, 12)],
    ]],
    ['durability', 'applied entries lost in a restart', [
      ...twoEntries, ['n2', 'hole'], ['n2', 'start'], ['n2', recovered(1, 'n1', [[1, 11]])],
    ]],
  ]; // prettier-ignore
  test.each(proven)('the existing lines prove a violation of %s: %s', (property, anomaly, lines) => {
    const { violations, monitor } = watch(lines);
    const found = violations.filter((violation) => violation.property === property);
    expect(found.map((violation) => violation.anomaly)).toEqual([anomaly]);
    for (const result of monitor.results())
      expect(result.status).toBe(
        violations.some((each) => each.property === result.property) ? 'fail' : 'unknown',
      );
  });
});

describe('a hole is found without a missing line', () => {
  test('because the first step of a process is not Recover', () => {
    const { violations, monitor } = watch([
      ...twoEntries,
      ['n2', 'start'],
      ['n2', replicated(2, [[2, 22]], true)],
    ]);
    expect(violations).toEqual([]);
    expect(monitor.results()[0]).toMatchObject({
      status: 'unknown',
      detail: expect.stringContaining('the first step of its process is Replicate, not Recover') as unknown,
    });
  });

  test('because entries are appended to the log at an index after its end', () => {
    const { monitor } = watch([...twoEntries, ['n2', replicated(5, [[1, 15]])]]);
    expect(monitor.results()[0]).toMatchObject({
      status: 'unknown',
      detail: expect.stringContaining('entries from index 5 on into its log, which ended at 2') as unknown,
    });
  });
});

/** Each line is lost with a probability of 1 in 10. The monitor is told where, as by gaps in the line numbers. */
function withHoles(lines: readonly TraceEvent[], random: Random): readonly (TraceEvent | 'hole' | 'start')[] {
  return lines.flatMap((line) => {
    const seen = random.float() < 0.1 ? 'hole' : line;
    return line.type === 'Recover' ? ['start', seen] : [seen];
  });
}

const merged = (byNode: ReadonlyMap<string, Line[1][]>, random: Random): Line[] => {
  const queues = [...byNode].map(([node, steps]) => ({ node, steps: [...steps] }));
  const lines: Line[] = [];
  for (;;) {
    const open = queues.filter(({ steps }) => steps.length > 0);
    if (open.length === 0) return lines;
    const { node, steps } = random.pick(open);
    for (const step of steps.splice(0, random.int(1, 20))) lines.push([node, step]);
  }
};

test('correct nodes cause no violation in 1,000 runs with randomly lost lines, and no property passes', () => {
  let alarmsWithoutHoles = 0;
  for (let seed = 0; seed < 1_000; seed++) {
    const random = randomStream(seed, 'schedule', 'holes');
    const run = clusterRun(random, NODES, 150);
    const lines = merged(new Map([...run].map(([node, own]) => [node, [...withHoles(own, random)]])), random);
    const { violations, monitor } = watch(lines);
    if (violations.length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(violations[0])}`);
    expect(statuses(monitor)).toEqual(['unknown']);
    alarmsWithoutHoles += watch(lines.filter(([, step]) => step !== 'hole')).violations.length;
  }
  // The lost lines matter: a monitor that does not know of the holes reports violations.
  expect(alarmsWithoutHoles).toBeGreaterThan(500);
});
