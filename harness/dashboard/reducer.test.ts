import { describe, expect, test } from 'vitest';
import type { HarnessEvent } from '../event.ts';
import { DemoRun } from '../../test/support/demo-run.ts';
import { reduce, reduceAll } from './reducer.ts';
import { EMPTY_STATE, LIMITS } from './state.ts';
import { elected, opsEvent, runEvent, statusEvent } from '../../test/support/events.ts';

const up = (t: number, node: string, pid = 1): HarnessEvent => ({ t, type: 'life', node, life: 'up', pid });
const fault = (
  t: number,
  state: 'requested' | 'confirmed' | 'healed' | 'failed',
  more: Partial<Extract<HarnessEvent, { type: 'fault' }>> = {},
): HarnessEvent => ({
  t,
  type: 'fault',
  id: 'f1',
  verb: 'partition',
  lasting: true,
  by: 'scenario',
  text: 'cut n1<->n2',
  nodes: ['n1'],
  links: ['n1->n2', 'n2->n1'],
  state,
  ...more,
});

describe('the state of leadership', () => {
  const running = [runEvent(), up(0, 'n1'), up(0, 'n2'), up(0, 'n3')];
  const led = [...running, ...elected(100, 'n1', 3, ['n2', 'n3'])];
  const cut = (t: number, link: string): HarnessEvent => ({
    t,
    type: 'link',
    link,
    pending: false,
    cut: 'blackhole',
  });

  test('takes the claim with the higher term of two', () => {
    const state = reduceAll([...led, ...elected(200, 'n2', 4, ['n3'])]);
    expect(state.leadership).toMatchObject({
      leader: 'n2',
      term: 4,
      elections: 2,
      twoLeaders: null,
      gapSince: null,
    });
  });

  test('counts time without a leader from its loss until a majority follows the next one', () => {
    const killed: HarnessEvent = { t: 1_000, type: 'life', node: 'n1', life: 'down', pid: null };
    const lost = reduceAll([...led, killed]);
    expect(lost.leadership).toMatchObject({ leader: null, standing: null, gapSince: 1_000 });
    const claims = reduceAll([statusEvent(2_200, 'n2', 'leader', 4)], lost);
    expect(claims.leadership).toMatchObject({ leader: 'n2', standing: null, gapSince: 1_000 });
    expect(claims.events.at(-1)).toMatchObject({
      kind: 'role',
      text: 'n2 LEADER',
      detail: 'term=4 gap=1.2s',
    });
    const found = reduceAll([statusEvent(2_230, 'n3', 'follower', 4, { leader: 'n2' })], claims);
    expect(found.leadership).toMatchObject({
      standing: { node: 'n2', term: 4 },
      gapSince: null,
      gapTotalMs: 1_230,
      gapLongestMs: 1_230,
    });
    expect(found.events.at(-1)).toMatchObject({ kind: 'gap', text: 'no leader for 1.23s' });
  });

  test('has no standing leader if the leader is cut off from its majority, even if it still claims to lead', () => {
    const one = reduceAll([...led, cut(500, 'n1->n2')]);
    expect(one.leadership).toMatchObject({ leader: 'n1', standing: { node: 'n1' }, gapSince: null });
    const both = reduceAll([cut(600, 'n3->n1')], one);
    expect(both.leadership).toMatchObject({ leader: 'n1', standing: null, gapSince: 600 });
    const healed = reduceAll([{ t: 700, type: 'link', link: 'n3->n1', pending: false }], both);
    expect(healed.leadership).toMatchObject({ standing: { node: 'n1' }, gapTotalMs: 100 });
  });

  test('is not changed by a cut that is not confirmed yet', () => {
    const asked = led.concat(
      ['n1->n2', 'n1->n3'].map((link) => ({ ...cut(500, link), pending: true }) as HarnessEvent),
    );
    expect(reduceAll(asked).leadership.gapSince).toBeNull();
  });

  test('has no standing leader while the leader is paused, and has it again if no other was elected meanwhile', () => {
    const paused = reduceAll([...led, { t: 500, type: 'life', node: 'n1', life: 'paused', pid: 1 }]);
    expect(paused.leadership).toMatchObject({ leader: null, gapSince: 500 });
    const thawed = reduceAll([up(900, 'n1')], paused);
    expect(thawed.leadership).toMatchObject({ leader: 'n1', gapTotalMs: 400 });
    expect(thawed.nodes['n1']).toMatchObject({ upSince: 0 });
  });

  test('remembers two leaders in one term for the rest of the run (§5.2)', () => {
    const state = reduceAll([
      ...led,
      {
        t: 300,
        type: 'trace',
        node: 'n2',
        trace: { type: 'BecomeLeader', term: 3, leader: 'n2', reason: 'votes' },
      },
      statusEvent(400, 'n2', 'follower', 4),
      statusEvent(500, 'n3', 'leader', 4),
    ]);
    expect(state.leadership.twoLeaders).toEqual({ term: 3, nodes: ['n1', 'n2'] });
  });

  test('counts no loss of the leader at the end of a run', () => {
    const state = reduceAll([
      ...led,
      { t: 900, type: 'phase', phase: 'stopping' },
      { t: 950, type: 'life', node: 'n1', life: 'down', pid: null },
    ]);
    expect(state.leaderGaps).toEqual([]);
    expect(state.faultSpans).toEqual([]);
  });
});

describe('faults', () => {
  test('are shown as a band from the request to the healing', () => {
    const state = reduceAll([fault(1_000, 'requested'), fault(1_004, 'confirmed'), fault(5_000, 'healed')]);
    expect(state.faultSpans).toEqual([{ from: 1_000, to: 5_000 }]);
    expect(state.faults).toEqual([]);
  });

  test('make one span if they overlap, until the last one ends', () => {
    const state = reduceAll([
      fault(1_000, 'confirmed'),
      fault(2_000, 'confirmed', { id: 'f2' }),
      fault(3_000, 'healed'),
      fault(4_000, 'healed', { id: 'f2' }),
    ]);
    expect(state.faultSpans).toEqual([{ from: 1_000, to: 4_000 }]);
  });

  test('keep the band on after a kill until the node is up again', () => {
    const kill = { verb: 'kill', text: 'kill n1', links: [] };
    const down: HarnessEvent = { t: 1_000, type: 'life', node: 'n1', life: 'down', pid: null };
    const state = reduceAll([
      runEvent(),
      up(0, 'n1'),
      down,
      fault(1_002, 'confirmed', kill),
      up(3_000, 'n1', 2),
      fault(3_000, 'healed', kill),
    ]);
    expect(state.faultSpans).toEqual([{ from: 1_000, to: 3_000 }]);
  });

  test('a kill and a stop are in effect until they are healed, a restart and a reset only for a moment', () => {
    const after = (verb: string, lasting: boolean) =>
      reduceAll([runEvent(), fault(1_000, 'confirmed', { verb, lasting })]).faults.map(({ id }) => id);
    expect(after('kill', true)).toEqual(['f1']);
    expect(after('stop', true)).toEqual(['f1']);
    expect(after('restart', false)).toEqual([]);
    expect(after('reset', false)).toEqual([]);
  });

  test('that are injected by hand are counted once, even if they have several states', () => {
    const manual = { by: 'manual' as const, id: 'manual-1' };
    const state = reduceAll([
      fault(1, 'requested', manual),
      fault(2, 'confirmed', manual),
      fault(3, 'healed', manual),
    ]);
    expect(state.manual).toEqual({ count: 1, last: 'cut n1<->n2' });
    expect(state.events.map(({ kind, detail }) => [kind, detail])).toEqual([
      ['MANUAL', 'confirmed'],
      ['MANUAL', 'healed'],
    ]);
  });

  test('leave a link pending until the server has confirmed it', () => {
    const asked = reduce(EMPTY_STATE, {
      t: 1,
      type: 'link',
      link: 'n1->n2',
      pending: true,
      cut: 'blackhole',
    });
    expect(asked.links['n1->n2']).toEqual({ pending: true, cut: 'blackhole' });
    const clean = reduceAll([{ t: 2, type: 'link', link: 'n1->n2', pending: false }], asked);
    expect(clean.links['n1->n2']).toEqual({ pending: false });
  });
});

describe('steps', () => {
  test('nested in another show its progress and do not end it', () => {
    const state = reduceAll([
      runEvent(),
      { t: 10, type: 'step', index: 1, state: 'running', text: 'repeat 3 times' },
      { t: 20, type: 'step', index: 1, path: '2.1', state: 'ok', text: 'pause n1' },
    ]);
    expect(state.steps[1]).toMatchObject({
      state: 'running',
      startedAt: 10,
      endedAt: null,
      detail: '2.1 pause n1',
    });
    const ended = reduceAll(
      [
        {
          t: 30,
          type: 'step',
          index: 1,
          state: 'failed',
          text: 'repeat 3 times',
          detail: 'no leader within 3s',
        },
      ],
      state,
    );
    expect(ended.steps[1]).toMatchObject({ state: 'failed', endedAt: 30, detail: 'no leader within 3s' });
  });
});

describe('the state', () => {
  test('stays within its limits, even with a hundred times the events', () => {
    let state = reduce(EMPTY_STATE, runEvent());
    for (let i = 0; i < 5_000; i++) {
      state = reduceAll(
        [
          opsEvent(i * 250, 100),
          statusEvent(i * 250, 'n1', i % 2 === 0 ? 'leader' : 'follower', i),
          up(i * 250, 'n1'),
          fault(i * 250, i % 2 === 0 ? 'confirmed' : 'healed', { id: `f${i >> 1}` }),
          fault(i * 250 + 1, 'requested', { id: `stuck${i}` }),
          { t: i * 250, type: 'violation', property: 'x', text: String(i) },
          { t: i * 250, type: 'check', name: `check ${i}`, state: 'pass', detail: '' },
        ],
        state,
      );
    }
    expect(state.ops.length).toBe(LIMITS.ops);
    expect(state.events.length).toBe(LIMITS.events);
    expect(state.eventsDropped).toBeGreaterThan(5_000);
    expect(state.faultSpans.length).toBeLessThanOrEqual(LIMITS.spans);
    expect(state.leaderGaps.length).toBeLessThanOrEqual(LIMITS.spans);
    expect(state.leadership.claims.length).toBe(64);
    expect(state.faults.length).toBe(64);
    expect(state.violations).toHaveLength(LIMITS.violations);
    expect(state.violations[0]!.text).toBe('0');
    expect(state.violationCount).toBe(5_000);
    expect(Object.keys(state.checks)).toHaveLength(LIMITS.checks);
  });

  test('counts a violation that is reported live and at the end once, with the text of the end', () => {
    const told = (key: string, text: string, live?: true): HarnessEvent => ({
      t: live === true ? 1_000 : 2_000, type: 'violation', property: 'linearizability', key, text,
      ...(live === true && { live }),
    }); // prettier-ignore
    const during = reduceAll([told('k0', 'short', true), told('k1', 'short', true)]);
    expect(during.violationCount).toBe(2);
    const after = reduceAll([told('k1', 'in full'), told('k0', 'in full')], during);
    expect(after.violationCount).toBe(2);
    expect(after.violations.map(({ t, key, text }) => [t, key, text])).toEqual([
      [1_000, 'k0', 'in full'],
      [1_000, 'k1', 'in full'],
    ]);
  });

  test('shows many operations that time out as one line per second', () => {
    const ops = Array.from({ length: 40 }, (_, i): HarnessEvent => ({
      t: i * 50,
      type: 'op',
      node: 'n1',
      text: `read k${i}: unknown (timeout)`,
      outcome: 'info',
    }));
    expect(reduceAll(ops).events.map((line) => [line.t, line.text, line.more])).toEqual([
      [0, 'n1 read k0: unknown (timeout)', 19],
      [1_000, 'n1 read k20: unknown (timeout)', 19],
    ]);
  });
});

test('events that were written to and read from events.jsonl give the same state', () => {
  const events: HarnessEvent[] = [];
  const run = new DemoRun({ seed: 7, emit: (event) => events.push(event) });
  run.advance(30_000);
  run.command({ type: 'inject', step: { kill: { node: 'n2' } } });
  run.advance(10_000);
  const jsonl = events.map((event) => JSON.stringify(event)).join('\n');
  const read = jsonl.split('\n').map((text) => JSON.parse(text) as HarnessEvent);
  expect(reduceAll(read)).toEqual(reduceAll(events));
  expect(reduceAll(events).steps.map((step) => step.state)).toEqual([
    'ok',
    'ok',
    'ok',
    'ok',
    'running',
    'waiting',
  ]);
});
