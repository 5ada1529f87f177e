import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../event.ts';
import type { NodeRole } from '../trace.ts';
import { ClusterState } from './cluster-state.ts';
import { MAX_CLAIMS } from './leadership.ts';
import type { View } from './model.ts';
import { viewAfter, viewOf } from './view.ts';

const NODES = ['n1', 'n2', 'n3'];
const UP: readonly HarnessEvent[] = NODES.map((node) => ({ t: 0, type: 'life', node, life: 'up', pid: 1 }));
const after = (events: readonly HarnessEvent[]): View =>
  [...UP, ...events].reduce((view, event) => viewAfter(view, event), viewOf(NODES));

/** A status line; `term` null is one of a system that reports no terms. */
function says(t: number, node: string, role: NodeRole, term: number | null, leader: string): HarnessEvent {
  return { t, type: 'status', node, role, leader, ...(term !== null && { term }) };
}
const led: readonly HarnessEvent[] = [
  says(1, 'n1', 'leader', 1, 'n1'),
  says(2, 'n2', 'follower', 1, 'n1'),
  says(3, 'n3', 'follower', 1, 'n1'),
];
const link = (t: number, name: string, pending: boolean, cut?: 'blackhole'): HarnessEvent => ({
  t,
  type: 'link',
  link: name,
  pending,
  ...(cut !== undefined && { cut }),
});

describe('only the state of a link that the server has confirmed counts', () => {
  const cut = [link(10, 'n2->n1', false, 'blackhole'), link(11, 'n3->n1', false, 'blackhole')];

  it('a cut that is only requested leaves the standing leader', () => {
    const requested = [link(10, 'n2->n1', true, 'blackhole'), link(11, 'n3->n1', true, 'blackhole')];
    expect(after([...led, ...requested]).leadership).toMatchObject({
      standing: { node: 'n1' },
      gapSince: null,
    });
  });
  it('a heal that is only requested does not bring the standing leader back', () => {
    const healing = [...led, ...cut, link(20, 'n2->n1', true)];
    expect(after(healing).leadership).toMatchObject({ standing: null, gapSince: 11 });
    expect(after([...healing, link(30, 'n2->n1', false)]).leadership).toMatchObject({
      standing: { node: 'n1', term: 1 },
      standingSince: 30,
      gapTotalMs: 19,
    });
  });
});

describe('elections', () => {
  it('a leader that is cut off and keeps reporting its term counts as one election, even after many later leaders', () => {
    const events: HarnessEvent[] = [...led];
    const others = 2 * MAX_CLAIMS;
    for (let term = 2; term < 2 + others; term++) {
      const node = term % 2 === 0 ? 'n2' : 'n3';
      events.push(says(10 * term, node, 'leader', term, node), says(10 * term + 1, 'n1', 'leader', 1, 'n1'));
    }
    const { leadership } = after(events);
    expect(leadership).toMatchObject({ elections: 1 + others, twoLeaders: null });
    expect(leadership.claims).toHaveLength(MAX_CLAIMS);
    const state = new ClusterState(NODES);
    for (const event of [...UP, ...events]) state.feed(event);
    expect(state.elections.filter(({ node }) => node === 'n1')).toEqual([{ t: 1, node: 'n1', term: 1 }]);
  });
  it('two nodes that lead one term are reported, but only for the first such term', () => {
    const events = [...led, says(4, 'n2', 'leader', 1, 'n2'), says(5, 'n3', 'leader', 1, 'n3')];
    expect(after(events).leadership.twoLeaders).toEqual({ term: 1, nodes: ['n1', 'n2'] });
  });
  it('without terms each change of role to leader is an election, and two leaders are not reported', () => {
    const events = [
      says(1, 'n1', 'leader', null, 'n1'),
      says(2, 'n1', 'leader', null, 'n1'),
      says(3, 'n1', 'follower', null, 'n2'),
      says(4, 'n2', 'leader', null, 'n2'),
      says(5, 'n2', 'follower', null, 'n1'),
      says(6, 'n1', 'leader', null, 'n1'),
    ];
    expect(after(events).leadership).toMatchObject({
      elections: 3,
      twoLeaders: null,
      standing: { node: 'n1', term: 0 },
    });
  });
  it('without terms, a late line of a process that has ended is not an election', () => {
    const down: HarnessEvent = { t: 5, type: 'life', node: 'n1', life: 'down', pid: null };
    const late = [6, 7, 8].map((t) => says(t, 'n1', 'leader', null, 'n1'));
    expect(after([says(1, 'n1', 'leader', null, 'n1'), down, ...late]).leadership.elections).toBe(1);
  });
});
