import * as fc from 'fast-check';
import type { HarnessEvent } from '../../harness/event.ts';
import { INITIAL_UI, type UiState } from '../../harness/dashboard/ui.ts';
import { opsEvent, runEvent, statusEvent } from './events.ts';

export * as fc from 'fast-check';

const outsideText = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom('cut n1<->n2 n1<->n3', '読み取り 失敗', '\u001b[2J', 'a\nb\tc', 'x'.repeat(500), ''),
);

/** Any event of a cluster of this size, at any time and in any order, beyond what a real run can produce. */
function anyEvent(nodes: readonly string[]): fc.Arbitrary<HarnessEvent> {
  const t = fc.integer({ min: 0, max: 4_000_000 });
  const node = fc.constantFrom(...nodes);
  const link = fc.tuple(fc.constantFrom('clients', ...nodes), node).map(([from, to]) => `${from}->${to}`);
  const id = fc.constantFrom('f1', 'f2', 'f3', 'manual-1');
  return fc.oneof(
    t.map((at): HarnessEvent => runEventAt(at, nodes)),
    fc.record({
      t,
      type: fc.constant('life' as const),
      node,
      life: fc.constantFrom('starting', 'up', 'paused', 'stopping', 'down'),
      pid: fc.option(fc.nat()),
    }),
    fc
      .tuple(
        t,
        node,
        fc.constantFrom('follower', 'pre-candidate', 'candidate', 'leader'),
        fc.nat(1e9),
        fc.nat(2e9),
      )
      .map(([at, who, role, term, commit]) => statusEvent(at, who, role, term, { commit, leader: 'n1' })),
    fc
      .tuple(t, fc.nat(1e6), fc.option(fc.double({ min: 0, max: 1e7, noNaN: true })))
      .map(([at, ok, latency]) => opsEvent(at, ok, latency)),
    fc.record({
      t,
      type: fc.constant('step' as const),
      index: fc.nat(5),
      state: fc.constantFrom('running', 'ok', 'failed', 'skipped'),
      text: outsideText,
      detail: outsideText,
    }),
    fc.record({
      t,
      type: fc.constant('fault' as const),
      id,
      verb: fc.constantFrom('cut', 'kill'),
      lasting: fc.boolean(),
      state: fc.constantFrom('requested', 'confirmed', 'healing', 'healed', 'failed'),
      by: fc.constantFrom('scenario', 'manual', 'cleanup'),
      text: outsideText,
      nodes: fc.array(node),
      links: fc.array(link),
    }),
    fc
      .record(
        {
          t,
          type: fc.constant('link' as const),
          link,
          pending: fc.boolean(),
          cut: fc.constantFrom('blackhole', 'refuse'),
          delay: fc.record({ latencyMs: fc.nat(1e6), jitterMs: fc.nat(1e6) }),
          bandwidthKBps: fc.nat(1e7),
          slice: fc.boolean(),
        },
        { requiredKeys: ['t', 'type', 'link', 'pending'] },
      )
      .map((event): HarnessEvent => event),
    fc.record({
      t,
      type: fc.constant('note' as const),
      level: fc.constantFrom('info', 'warn', 'error'),
      text: outsideText,
    }),
    fc.record({
      t,
      type: fc.constant('op' as const),
      node,
      text: outsideText,
      outcome: fc.constantFrom('fail', 'info'),
    }),
    fc
      .record(
        {
          t,
          type: fc.constant('violation' as const),
          property: fc.oneof(outsideText, fc.constant('linearizability')),
          text: outsideText,
          key: outsideText,
          live: fc.constant(true as const),
        },
        { requiredKeys: ['t', 'type', 'property', 'text'] },
      )
      .map((event): HarnessEvent => event),
    fc.record({ t, type: fc.constant('checked' as const), to: t, keys: fc.nat(1e6), undecided: fc.nat(1e6) }),
    fc.record({
      t,
      type: fc.constant('check' as const),
      name: outsideText,
      state: fc.constantFrom('running', 'pass', 'fail', 'unknown'),
      detail: outsideText,
    }),
    fc.record({ t, type: fc.constant('hold' as const), held: fc.boolean() }),
    fc.record({
      t,
      type: fc.constant('verdict' as const),
      verdict: fc.constantFrom('pass', 'violation', 'inconclusive', 'error'),
      exitCode: fc.nat(5),
      sentence: outsideText,
      report: outsideText,
    }),
  );
}

const runEventAt = (t: number, nodes: readonly string[]): HarnessEvent => ({ ...runEvent(nodes), t });

/** A state of a run with one to seven nodes that some sequence of events leads to. */
export const anyEvents: fc.Arbitrary<readonly HarnessEvent[]> = fc
  .constantFrom(1, 3, 3, 3, 5, 7)
  .map((count) => Array.from({ length: count }, (_, index) => `n${index + 1}`))
  .chain((nodes) =>
    fc
      .array(anyEvent(nodes), { maxLength: 60, size: 'max' })
      .map((events) => [...(events.length % 5 === 0 ? [] : [runEvent(nodes)]), ...events]),
  );

const menu = {
  title: 'DELAY: n1',
  items: Array.from({ length: 9 }, (_, index) => ({
    key: String(index + 1),
    label: `choice ${index}`,
    does: { menu: { title: '', items: [] } },
  })),
};

/** Anything that the screen may show or ask. */
export const anyUi: fc.Arbitrary<UiState> = fc
  .record({
    target: fc.constantFrom('n1', 'n3', 'n9', 'leader'),
    view: fc.constantFrom('main' as const, 'events' as const, 'charts' as const, 'help' as const),
    tab: fc.integer({ min: -7, max: 7 }),
    menu: fc.constantFrom(null, menu),
    question: fc.constantFrom(null, {
      text: 'kill n1? Only 1 of 3 nodes could still work together (majority 2).',
      yes: [],
      toast: '',
    }),
    filter: fc.constantFrom('', 'n1', 'nothing has this'),
    filtering: fc.boolean(),
    query: fc.constantFrom('', 'heal', 'zzz'),
    selected: fc.nat(40),
    scroll: fc.nat(200),
    toast: fc.constantFrom(null, { text: 'x'.repeat(300), at: 0, level: 'info' as const }),
  })
  .map((some) => ({ ...INITIAL_UI, ...some }));
