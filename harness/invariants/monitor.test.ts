import { describe, expect, test } from 'vitest';
import { SAFETY_PROPERTIES, type TraceEvent } from '../trace.ts';
import { type Random, randomStream } from '../random.ts';
import type { Violation } from '../result.ts';
import { clusterRun } from './testing/cluster-run.ts';
import { SafetyMonitor } from './monitor.ts';
import { applied, became, committed, recovered, replicated, voted } from './testing/trace.ts';

const NODES = ['n1', 'n2', 'n3'];
type Line = readonly [node: string, trace: TraceEvent];

/** Feeds the lines to a monitor, one per millisecond. */
function watch(lines: readonly Line[]): { violations: Violation[]; monitor: SafetyMonitor } {
  const monitor = new SafetyMonitor(NODES);
  const violations = lines.flatMap(([node, trace], t) => monitor.feed(t, node, trace));
  return { violations, monitor };
}

const status = (monitor: SafetyMonitor, property: string): string =>
  monitor.results().find((result) => result.property === property)!.status;

/** n1 leads term 1, n2 follows; both have two entries and have applied them. */
const twoEntries: readonly Line[] = [
  ['n1', became('Candidate', 1)],
  ['n2', voted(1, 'n1')],
  ['n1', became('Leader', 1)],
  [
    'n1',
    replicated(1, [
      [1, 11],
      [1, 12],
    ]),
  ],
  [
    'n2',
    replicated(1, [
      [1, 11],
      [1, 12],
    ]),
  ],
  ['n1', committed(2, 1)],
  ['n1', applied(2, 12)],
  ['n2', committed(2, 1)],
  ['n2', applied(2, 12)],
];

describe('each property, broken', () => {
  const cases: readonly (readonly [
    property: string,
    anomaly: string,
    lines: readonly Line[],
    proof: number,
  ])[] = [
    [
      'election-safety',
      'two leaders in one term',
      [
        ['n1', became('Leader', 3)],
        ['n2', became('Leader', 3)],
      ],
      2,
    ],
    [
      'election-safety',
      'two votes in one term',
      [
        ['n3', voted(3, 'n1')],
        ['n3', voted(3, 'n2')],
      ],
      2,
    ],
    [
      'election-safety',
      'two votes in one term',
      [
        ['n3', became('Candidate', 3)],
        ['n3', voted(3, 'n2')],
      ],
      2,
    ],
    [
      'election-safety',
      'two votes in one term',
      [
        ['n3', recovered(3, 'n1')],
        ['n3', voted(3, 'n2')],
      ],
      2,
    ],
    [
      'election-safety',
      'forgotten vote',
      [
        ['n3', voted(3, 'n1')],
        ['n3', recovered(3, null)],
      ],
      2,
    ],
    [
      'election-safety',
      'forgotten vote',
      [
        ['n3', voted(3, 'n1')],
        ['n3', recovered(2, 'n2')],
      ],
      2,
    ],
    [
      'leader-append-only',
      'leader removed entries',
      [...twoEntries, ['n1', replicated(2, [[1, 12]], true)]],
      2,
    ],
    ['leader-append-only', 'leader overwrote entries', [...twoEntries, ['n1', replicated(2, [[1, 12]])]], 2],
    [
      'log-matching',
      'logs differ at the same index and term',
      [...twoEntries, ['n3', replicated(1, [[1, 99]])]],
      2,
    ],
    [
      'log-matching',
      'logs differ at the same index and term',
      [
        [
          'n1',
          replicated(1, [
            [1, 11],
            [2, 12],
          ]),
        ],
        [
          'n2',
          replicated(1, [
            [1, 11],
            [3, 13],
          ]),
        ],
        [
          'n3',
          replicated(1, [
            [1, 11],
            [3, 14],
          ]),
        ],
      ],
      2,
    ],
    [
      'leader-completeness',
      'leader lacks a committed entry',
      [...twoEntries, ['n3', became('Leader', 2)]],
      2,
    ],
    [
      'leader-completeness',
      'leader lacks a committed entry',
      [
        ...twoEntries,
        [
          'n3',
          replicated(1, [
            [1, 11],
            [2, 22],
          ]),
        ],
        ['n3', became('Leader', 3)],
      ],
      2,
    ],
    // The line of the new leader arrived before the commit that it lacks.
    [
      'leader-completeness',
      'leader lacks a committed entry',
      [...twoEntries.slice(0, 5), ['n3', became('Leader', 2)], ...twoEntries.slice(5)],
      2,
    ],
    [
      'state-machine-safety',
      'two entries applied at one index',
      [
        ...twoEntries,
        [
          'n3',
          replicated(1, [
            [1, 11],
            [2, 22],
            [2, 23],
          ]),
        ],
        ['n3', committed(3, 2)],
        ['n3', applied(3, 23)],
      ],
      2,
    ],
    [
      'state-machine-safety',
      'applied what is not committed',
      [...twoEntries, ['n3', replicated(1, [[1, 11]])], ['n3', applied(1, 11)]],
      1,
    ],
    [
      'state-machine-safety',
      'applied what is not in the log',
      [...twoEntries.slice(0, 8), ['n2', applied(2, 77)]],
      1,
    ],
    ['state-machine-safety', 'state machine went back', [...twoEntries, ['n2', applied(1, 11)]], 1],
    [
      'state-machine-safety',
      'applied entry changed',
      [...twoEntries, ['n2', replicated(2, [[2, 22]], true)]],
      2,
    ],
    [
      'durability',
      'applied entries lost in a restart',
      [...twoEntries, ['n2', recovered(1, 'n1', [[1, 11]])]],
      2,
    ],
    [
      'durability',
      'applied entries lost in a restart',
      [
        ...twoEntries,
        [
          'n2',
          recovered(1, 'n1', [
            [1, 11],
            [1, 13],
          ]),
        ],
      ],
      2,
    ],
  ];

  test.each(cases)('%s: %s', (property, anomaly, lines, proof) => {
    const { violations, monitor } = watch(lines);
    const found = violations.filter((violation) => violation.property === property);
    expect(found.map((violation) => violation.anomaly)).toEqual([anomaly]);
    expect(found[0]!.events).toHaveLength(proof);
    expect(found[0]!.prose).toMatch(/n[123]/);
    expect(status(monitor, property)).toBe('fail');
  });

  test('the proof names the nodes, the times and what they did', () => {
    const { violations } = watch([
      ['n1', became('Leader', 3)],
      ['n1', became('Follower', 4)],
      ['n2', became('Leader', 3)],
    ]);
    expect(violations).toEqual([
      {
        property: 'election-safety',
        anomaly: 'two leaders in one term',
        prose: 'n2 became the leader of term 3, but n1 is already the leader of this term.',
        events: [
          { t: 0, node: 'n1', text: 'became the leader of term 3' },
          { t: 2, node: 'n2', text: 'became the leader of term 3' },
        ],
      },
    ]);
  });

  test('a divergence is reported once, even if many entries follow it', () => {
    const own = Array.from({ length: 50 }, (_, i) => [1, 1_000 + i] as const);
    const { violations } = watch([...twoEntries, ['n3', replicated(1, own)], ['n3', replicated(51, own)]]);
    expect(violations).toHaveLength(1);
  });
});

describe('the monitor accepts', () => {
  const cases: readonly (readonly [claim: string, lines: readonly Line[]])[] = [
    [
      'a follower that drops entries that were never committed',
      [
        ...twoEntries,
        ['n2', replicated(3, [[1, 13]])],
        ['n2', became('Follower', 2)],
        ['n2', replicated(3, [[2, 23]], true)],
      ],
    ],
    [
      'a former leader that truncates its log once it follows',
      [
        ...twoEntries,
        ['n1', replicated(3, [[1, 13]])],
        ['n1', became('Follower', 2)],
        ['n1', replicated(3, [[2, 23]], true)],
      ],
    ],
    [
      'the same vote twice',
      [
        ['n3', voted(3, 'n1')],
        ['n3', recovered(3, 'n1')],
        ['n3', voted(3, 'n1')],
      ],
    ],
    [
      'a higher term after a restart',
      [
        ['n3', voted(3, 'n1')],
        ['n3', recovered(4, null)],
        ['n3', voted(4, 'n2')],
      ],
    ],
    [
      'a restarted node that applies from the start again',
      [
        ...twoEntries,
        [
          'n2',
          recovered(1, 'n1', [
            [1, 11],
            [1, 12],
          ]),
        ],
        ['n2', committed(1, 1)],
        ['n2', applied(1, 11)],
      ],
    ],
    [
      'a crash that loses entries that were in the log but not applied',
      [
        ...twoEntries,
        ['n2', replicated(3, [[1, 13]])],
        [
          'n2',
          recovered(1, 'n1', [
            [1, 11],
            [1, 12],
          ]),
        ],
      ],
    ],
    [
      'a leader without entries that were committed after its term',
      [
        ['n1', became('Leader', 3)],
        ['n2', became('Leader', 4)],
        ['n2', replicated(1, [[4, 11]])],
        ['n2', committed(1, 4)],
      ],
    ],
    [
      'a follower that reports a commit before its leader does',
      [
        ['n2', became('Follower', 1)],
        ['n2', replicated(1, [[1, 11]])],
        ['n2', committed(1, 1)],
        ['n2', applied(1, 11)],
        ['n1', became('Leader', 1)],
        ['n1', replicated(1, [[1, 11]])],
      ],
    ],
  ];
  test.each(cases)('%s', (_claim, lines) => {
    expect(watch(lines).violations).toEqual([]);
  });

  test('a wiped node need not have its earlier entries and votes', () => {
    const monitor = new SafetyMonitor(NODES);
    for (const [node, trace] of twoEntries) monitor.feed(0, node, trace);
    monitor.wiped('n2');
    expect(monitor.feed(1, 'n2', recovered(0, null))).toEqual([]);
  });
});

test('the monitor checks every safety property that a scenario can ask for, and no other', () => {
  const judged = new SafetyMonitor(['n1']).results().map(({ property }) => property);
  expect(judged).toEqual(SAFETY_PROPERTIES);
});

describe('vacuity', () => {
  test('a property without any observation is unknown, not passed', () => {
    const statuses = new SafetyMonitor(NODES).results();
    expect(statuses).toHaveLength(6);
    expect(new Set(statuses.map((result) => result.status))).toEqual(new Set(['unknown']));
  });

  test('the normal start of a cluster is enough evidence for all properties', () => {
    expect(
      watch(twoEntries)
        .monitor.results()
        .map((result) => result.status),
    ).toEqual(Array.from({ length: 6 }, () => 'pass'));
  });
});

/**
 * A possible order in which the harness receives the lines: each node's own order is kept, everything else is random,
 * and some nodes are very late.
 */
function interleave(byNode: ReadonlyMap<string, readonly TraceEvent[]>, random: Random): Line[] {
  const queues = [...byNode].map(([node, lines]) => ({
    node,
    lines,
    at: 0,
    share: random.float() ** 3 + 0.001,
  }));
  const merged: Line[] = [];
  for (let open = queues; open.length > 0; open = queues.filter((queue) => queue.at < queue.lines.length)) {
    let pick = random.float() * open.reduce((sum, queue) => sum + queue.share, 0);
    const queue = open.find((candidate) => (pick -= candidate.share) < 0) ?? open[0]!;
    merged.push([queue.node, queue.lines[queue.at++]!]);
  }
  return merged;
}

test('correct nodes cause no violation in 1,500 runs with elections, lost leaders and restarts, in any order of arrival', () => {
  let elections = 0;
  for (let seed = 0; seed < 500; seed++) {
    const random = randomStream(seed, 'schedule', 'invariants');
    const run = clusterRun(random, NODES, random.int(20, 200));
    for (let order = 0; order < 3; order++) {
      const lines = interleave(run, random);
      const { violations } = watch(lines);
      if (violations.length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(violations[0])}`);
      elections += lines.filter(([, trace]) => trace.type === 'BecomeLeader').length;
    }
  }
  expect(elections).toBeGreaterThan(3_000);
});

test('a crash that loses the last lines of a process causes no violation', () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const random = randomStream(seed, 'schedule', 'lost lines');
    const run = clusterRun(random, NODES, 150);
    const cut = new Map([...run].map(([node, lines]) => [node, loseTails(lines, random)]));
    const { violations } = watch(interleave(cut, random));
    if (violations.length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(violations[0])}`);
  }
});

/** Removes up to three lines before each restart. */
function loseTails(lines: readonly TraceEvent[], random: Random): TraceEvent[] {
  const kept: TraceEvent[] = [];
  for (const line of lines) {
    if (line.type === 'Recover') kept.length -= Math.min(random.int(0, 3), lengthOfLife(kept));
    kept.push(line);
  }
  return kept;
}

const lengthOfLife = (lines: readonly TraceEvent[]): number =>
  Math.max(0, lines.length - 1 - lines.findLastIndex((line) => line.type === 'Recover'));

test('600,000 entries of three nodes need constant work per entry and bounded memory', () => {
  const monitor = new SafetyMonitor(NODES);
  const batch = 200;
  const start = performance.now();
  monitor.feed(0, 'n1', became('Leader', 1));
  for (let first = 1; first <= 200_000; first += batch) {
    const log = Array.from({ length: batch }, (_, i) => [1, (first + i) * 7_919] as const);
    for (const node of NODES) {
      const last = first + batch - 1;
      expect(monitor.feed(first, node, replicated(first, log))).toEqual([]);
      monitor.feed(first, node, committed(last, 1));
      monitor.feed(first, node, applied(last, log.at(-1)![1]));
    }
  }
  // At 5,000 entries per second on each of three nodes, a run would take 40 s.
  expect(performance.now() - start).toBeLessThan(20_000);
});
