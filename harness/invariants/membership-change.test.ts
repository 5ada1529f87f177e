import { describe, expect, test } from 'vitest';
import type { TraceEvent } from '../trace.ts';
import { SafetyMonitor } from './monitor.ts';
import { MembershipChange } from './membership-change.ts';
import { installed, recovered, snapshot } from './testing/trace.ts';

const ids = (text: string): string[] => text.split(' ').filter((id) => id !== '');

/** A configuration that is committed at `index`: its voters, outgoing voters and learners. */
const config = (index: number, voters: string, outgoing = '', learners = ''): TraceEvent => ({
  type: 'ApplyConfChange',
  index: index,
  voters: ids(voters),
  outgoing: ids(outgoing),
  learners: ids(learners),
});

function anomalies(...lines: readonly (readonly [node: string, trace: TraceEvent])[]): string[] {
  const monitor = new SafetyMonitor(['n1', 'n2'], [new MembershipChange()]);
  return lines.flatMap(([node, trace], t) => monitor.feed(t, node, trace)).map(({ anomaly }) => anomaly);
}

describe('voters change by joint consensus (§6)', () => {
  test('through C_old,new, while learners are added and removed in one step', () => {
    expect(
      anomalies(
        ['n1', config(1, 'n1 n2 n3')],
        ['n1', config(5, 'n1 n2 n3', '', 'n4')],
        ['n1', config(7, 'n1 n4', 'n1 n2 n3')],
        ['n1', config(8, 'n1 n4')],
      ),
    ).toEqual([]);
  });

  test.each([
    ['in one step', config(1, 'n1 n2 n3'), config(4, 'n1 n4 n5')],
    ['by one node in one step', config(1, 'n1 n2 n3'), config(4, 'n1 n2 n3 n4')],
    ['from other voters than those of C_old', config(1, 'n1 n2 n3'), config(4, 'n1 n4', 'n1 n2')],
    ['to others than those of C_new', config(4, 'n1 n4', 'n1 n2 n3'), config(5, 'n1 n5')],
    ['from one joint configuration to another', config(4, 'n1 n4', 'n1 n2 n3'), config(5, 'n1 n5', 'n1 n4')],
  ])('not %s', (_, before, after) => {
    expect(anomalies(['n1', before], ['n1', after])).toEqual(['voters changed without joint consensus']);
  });

  test('a snapshot or a start may skip configurations', () => {
    expect(
      anomalies(
        ['n1', config(1, 'n1 n2 n3')],
        ['n1', installed(snapshot(9, 1, 7))],
        ['n1', config(10, 'n4 n5 n6', 'n7 n8 n9')],
        ['n1', recovered(1, null, [], snapshot(20, 1, 8))],
        ['n1', config(21, 'n1 n2', '', 'n5')],
      ),
    ).toEqual([]);
  });

  test('one index has one configuration on all nodes', () => {
    expect(anomalies(['n1', config(1, 'n1 n2 n3')], ['n2', config(1, 'n1 n2')])).toEqual([
      'two configurations at one index',
    ]);
  });
});
