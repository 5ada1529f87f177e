import { describe, expect, test } from 'vitest';
import type { TraceEvent } from '../trace.ts';
import { SafetyMonitor } from './monitor.ts';
import {
  applied,
  became,
  committed,
  installed,
  recovered,
  replicated,
  snapshot,
  took,
} from './testing/trace.ts';

const NODES = ['n1', 'n2', 'n3'];
type Line = readonly [node: string, trace: TraceEvent];

const found = (lines: readonly Line[]): (readonly [property: string, anomaly: string])[] => {
  const monitor = new SafetyMonitor(NODES);
  return lines
    .flatMap(([node, trace], t) => monitor.feed(t, node, trace))
    .map(({ property, anomaly }) => [property, anomaly] as const);
};

/** n1 leads term 1 and has applied two entries. */
const leader: readonly Line[] = [
  ['n1', became('Leader', 1)],
  [
    'n1',
    replicated(1, [
      [1, 11],
      [1, 12],
    ]),
  ],
  ['n1', committed(2, 1)],
  ['n1', applied(2, 12)],
];
const at2 = snapshot(2, 1, 12);

describe('snapshots', () => {
  test('are no violation when they are taken, installed, found after a restart, and continued from', () => {
    const lines: Line[] = [
      ...leader,
      ['n1', took(at2)],
      ['n2', installed(at2)],
      ['n2', took(at2)],
      ['n2', replicated(3, [[1, 13]])],
      ['n2', committed(3, 1)],
      ['n2', applied(3, 13)],
      ['n2', recovered(1, null, [[1, 13]], at2)],
      ['n2', committed(3, 1)],
      ['n2', applied(3, 13)],
      ['n1', recovered(1, null, [], at2)],
    ];
    expect(found(lines)).toEqual([]);
  });

  test('a snapshot of a log that differs from the applied one violates state-machine-safety', () => {
    for (const line of [installed(snapshot(2, 1, 99)), took(snapshot(2, 1, 99))]) {
      expect(found([...leader, ['n2', line]])).toContainEqual([
        'state-machine-safety',
        'two entries applied at one index',
      ]);
    }
    expect(found([...leader, ['n2', recovered(1, null, [], snapshot(2, 1, 99))]])).toContainEqual([
      'log-matching',
      'logs differ at the same index and term',
    ]);
  });

  test('snapshots of equal logs with different states violate state-machine-safety', () => {
    expect(found([...leader, ['n1', took(at2)], ['n2', took(snapshot(2, 1, 12, 77))]])).toEqual([
      ['state-machine-safety', 'two states at one index'],
    ]);
  });

  test('a snapshot that moves a state machine back violates state-machine-safety', () => {
    expect(found([...leader, ['n1', installed(snapshot(1, 1, 11))]])).toEqual([
      ['state-machine-safety', 'state machine went back'],
    ]);
  });

  test('a snapshot that a node has installed must still be there after a restart', () => {
    expect(found([...leader, ['n2', installed(at2)], ['n2', recovered(1, null, [[1, 11]])]])).toEqual([
      ['durability', 'applied entries lost in a restart'],
    ]);
    expect(
      found([...leader, ['n2', installed(at2)], ['n2', recovered(1, null, [], snapshot(2, 1, 99))]]),
    ).toContainEqual(['durability', 'applied entries lost in a restart']);
  });

  test('a snapshot that ends before a committed entry which its leader lacks violates leader-completeness', () => {
    const lines: Line[] = [...leader, ['n2', installed(snapshot(1, 1, 11))], ['n2', became('Leader', 2)]];
    expect(found(lines)).toEqual([['leader-completeness', 'leader lacks a committed entry']]);
  });
});
