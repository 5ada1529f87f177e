import { describe, expect, test } from 'vitest';
import type { HarnessEvent } from '../../event.ts';
import type { Op } from '../../history/op.ts';
import { binOps } from './bins.ts';
import { faultSpans } from './faults.ts';
import { linkLanes } from './link-states.ts';
import { latencyByPhase } from './phases.ts';
import { elections, leadership, nodeLanes } from './roles.ts';

type FaultEvent = Extract<HarnessEvent, { type: 'fault' }>;
const fault = (
  t: number,
  id: string,
  state: FaultEvent['state'],
  more: Partial<FaultEvent> = {},
): HarnessEvent => ({
  t,
  type: 'fault',
  id,
  verb: 'cut',
  lasting: true,
  state,
  by: 'scenario',
  text: 'cut n1->n2',
  nodes: [],
  links: ['n1->n2'],
  ...more,
});
const op = (id: number, call: number, took: number, outcome: Op['outcome'] = 'ok'): Op => ({
  id,
  process: 0,
  key: 'k',
  f: 'write',
  input: `v${id}`,
  call,
  outcome,
  node: 'n1',
  attempts: 1,
  return: outcome === 'info' ? Infinity : call + took,
  ...(outcome === 'info' ? { gaveUp: call + took } : {}),
});
const role = (
  t: number,
  node: string,
  type: 'BecomeFollower' | 'BecomeLeader' | 'BecomeCandidate',
  term: number,
): HarnessEvent => ({
  t,
  type: 'trace',
  node,
  trace: { type, term, leader: null, reason: '' },
});
const life = (t: number, node: string, state: 'starting' | 'up' | 'down' | 'paused'): HarnessEvent => ({
  t,
  type: 'life',
  node,
  life: state,
  pid: null,
});

describe('faults', () => {
  test('a fault lasts from its confirmation, not its request, until it is healed', () => {
    const [span] = faultSpans(
      [
        fault(10, 'a', 'requested'),
        fault(14, 'a', 'confirmed'),
        fault(30, 'a', 'healing'),
        fault(33, 'a', 'healed'),
      ],
      100,
    );
    expect(span).toMatchObject({ label: 'A', requested: 10, from: 14, to: 33, end: 'healed' });
  });
  test('the same id again after the fault was healed is another fault', () => {
    const spans = faultSpans(
      [1, 2].flatMap((k) => [fault(k * 10, 'a', 'confirmed'), fault(k * 10 + 5, 'a', 'healed')]),
      100,
    );
    expect(spans.map(({ label, from, to }) => [label, from, to])).toEqual([
      ['A', 10, 15],
      ['B', 20, 25],
    ]);
  });
  test('a fault that was not healed is open until the end, and one that failed was never in effect', () => {
    const spans = faultSpans(
      [fault(10, 'a', 'confirmed'), fault(20, 'b', 'requested'), fault(21, 'b', 'failed')],
      100,
    );
    expect(spans.map(({ id, to, end }) => [id, to, end])).toEqual([
      ['a', 100, 'open'],
      ['b', 21, 'failed'],
    ]);
  });
  test('a fault whose healing failed stays open', () => {
    const [span] = faultSpans(
      [fault(10, 'a', 'confirmed'), fault(20, 'a', 'healing'), fault(22, 'a', 'failed')],
      100,
    );
    expect(span).toMatchObject({ to: 100, end: 'open' });
  });
  test('a kill ends when its node is up again', () => {
    const [span] = faultSpans(
      [
        fault(10, 'k', 'confirmed', { verb: 'kill', nodes: ['n3'] }),
        life(30, 'n2', 'up'),
        life(40, 'n3', 'up'),
      ],
      100,
    );
    expect(span).toMatchObject({ to: 40, end: 'healed' });
  });
  test('a reset is over at once', () => {
    expect(
      faultSpans([fault(10, 'r', 'confirmed', { verb: 'reset', lasting: false })], 100)[0],
    ).toMatchObject({
      from: 10,
      to: 10,
      end: 'moment',
    });
  });
});

describe('roles', () => {
  const events = [
    life(0, 'n1', 'starting'),
    life(5, 'n1', 'up'),
    role(10, 'n1', 'BecomeCandidate', 1),
    role(20, 'n1', 'BecomeLeader', 1),
    life(30, 'n1', 'paused'),
    life(40, 'n1', 'up'),
    role(41, 'n1', 'BecomeFollower', 2),
    life(50, 'n1', 'down'),
  ];
  test('a node has its latest role, is paused while it is paused, and is down after its process ended', () => {
    const [lane] = nodeLanes(['n1'], events, 60);
    expect(lane!.spans.map(({ from, to, state, term }) => [from, to, state, term])).toEqual([
      [0, 5, 'starting', null],
      [5, 10, 'follower', null],
      [10, 20, 'candidate', 1],
      [20, 30, 'leader', 1],
      [30, 40, 'paused', 1],
      [40, 41, 'leader', 1],
      [41, 50, 'follower', 2],
      [50, 60, 'down', null],
    ]);
  });
  test('a line that arrives from the pipe of a dead node changes nothing', () => {
    const [lane] = nodeLanes(['n1'], [...events, role(51, 'n1', 'BecomeLeader', 3)], 60);
    expect(lane!.spans.at(-1)).toMatchObject({ from: 50, to: 60, state: 'down' });
  });
  test('an election took the time since the candidacy in its term', () => {
    expect(elections(events)).toEqual([{ t: 20, node: 'n1', term: 1, tookMs: 10 }]);
  });
  test('a leader of a higher term ends the reign of one that does not know of it yet', () => {
    const lanes = nodeLanes(
      ['n1', 'n2'],
      [
        life(0, 'n1', 'up'),
        life(0, 'n2', 'up'),
        role(0, 'n1', 'BecomeLeader', 1),
        role(50, 'n2', 'BecomeLeader', 2),
        role(70, 'n1', 'BecomeFollower', 2),
      ],
      100,
    );
    expect(leadership(lanes).map(({ node, from, to }) => [node, from, to])).toEqual([
      ['n1', 0, 50],
      ['n2', 50, 100],
    ]);
  });
});

test('a link has the state that was confirmed; a request alone does not count', () => {
  const link = (t: number, more: object): HarnessEvent => ({
    t,
    type: 'link',
    link: 'n1->n2',
    pending: false,
    ...more,
  });
  const lanes = linkLanes(
    ['n1', 'n2'],
    [
      link(5, { pending: true, cut: 'blackhole' }),
      link(8, { cut: 'blackhole' }),
      link(20, {}),
      link(30, { delay: { latencyMs: 50, jitterMs: 5 } }),
    ],
    [],
    40,
  );
  expect(lanes.map((lane) => lane.link)).toEqual(['n1->n2', 'n2->n1', 'clients->n1', 'clients->n2']);
  expect(lanes[0]!.spans).toEqual([
    { from: 8, to: 20, state: 'cut', text: 'cut' },
    { from: 30, to: 40, state: 'delayed', text: '+50±5 ms' },
  ]);
});

describe('operations', () => {
  test('every operation is counted in exactly one bin: ok and fail at their response, unknown when it was given up', () => {
    const ops = [op(0, 10, 20), op(1, 90, 200), op(2, 95, 1_000, 'info'), op(3, 120, 5, 'fail')];
    const bins = binOps(ops, 1_500);
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
    expect([sum(bins.ok), sum(bins.fail), sum(bins.info)]).toEqual([2, 1, 1]);
    expect(bins.ok[Math.floor(290 / bins.widthMs)]).toBe(1);
    expect(bins.info[Math.floor(1_095 / bins.widthMs)]).toBe(1);
    expect(bins.max[Math.floor(90 / bins.widthMs)]).toBe(200);
  });
  test('an operation belongs to the phase of a fault in which it was invoked', () => {
    const spans = faultSpans([fault(100, 'a', 'confirmed'), fault(200, 'a', 'healed')], 300);
    const ops = [op(0, 99, 1), op(1, 100, 150), op(2, 199, 1, 'info'), op(3, 200, 7)];
    const [{ phases } = { phases: [] }] = latencyByPhase(spans, ops, 300);
    expect(phases.map(({ phase, ok, info, max }) => [phase, ok, info, max])).toEqual([
      ['before', 1, 0, 1],
      ['during', 1, 1, 150],
      ['after', 1, 0, 7],
    ]);
  });
});
