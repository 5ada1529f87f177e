import { describe, expect, it } from 'vitest';
import { loadScenario } from './load.ts';

function mistakesIn(steps: string, nodes = 3): readonly string[] {
  const text = `apiVersion: chaos/v1\nname: x\ncluster: { nodes: ${nodes} }\nsteps:\n  - ${steps}\n`;
  const loaded = loadScenario('x.yaml', text);
  return loaded.ok ? [] : loaded.errors.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

describe('a fault that can never be aimed is a mistake at the part of it that is wrong', () => {
  const cases: readonly (readonly [
    what: string,
    step: string,
    mistakes: readonly string[],
    nodes?: number,
  ])[] = [
    [
      'a node in two halves',
      'partition: { halves: [[n1, n2], n2] }',
      ['5:37: n2 is in two of the halves; `rest` is every node that is in none'],
    ],
    [
      'all nodes in one half',
      'partition: { halves: [all, n3] }',
      ['5:32: n3 is in two of the halves; `rest` is every node that is in none'],
    ],
    [
      'nothing left for a half',
      'partition: { halves: [not(n1), n1, rest] }',
      ['5:5: `rest` matches no node'],
    ],
    [
      'a partition of all nodes from none',
      'partition: { isolate: all }',
      ['5:5: this partition cuts no link of 3 nodes'],
    ],
    [
      'a bridge of two nodes',
      'partition: { bridge: n1 }',
      ['5:5: this partition cuts no link of 2 nodes'],
      2,
    ],
    [
      'a link to itself',
      'delay: { links: n2->n2, add: 5ms }',
      ['5:21: there is no link `n2->n2` in this cluster'],
    ],
    [
      'such a link in a list',
      'cut: { links: [n1->n2, n3->n3] }',
      ['5:28: there is no link `n3->n3` in this cluster'],
    ],
    ['the same by its ends', 'cut: { from: n1, to: n1 }', ['5:5: no link leads from n1 to n1']],
    [
      'clients to clients',
      'reset: { from: clients, to: clients }',
      ['5:5: no link leads from clients to clients'],
    ],
    [
      'peers of a single node',
      'cut: { links: peers }',
      ['5:19: there are no links `peers` in this cluster'],
      1,
    ],
    ['no node at all', 'kill: { node: not(all) }', ['5:5: `not(all)` matches no node']],
  ];
  for (const [what, step, mistakes, nodes] of cases)
    it(what, () => expect(mistakesIn(step, nodes)).toEqual(mistakes));

  it('unless the step says what to do if it matches nothing', () => {
    expect(mistakesIn('kill: { node: not(all) }\n    on-empty: skip')).toEqual([]);
  });
  it('and a fault whose targets depend on the run is left to the run', () => {
    expect(mistakesIn('partition: { halves: [leader, n1] }')).toEqual([]);
    expect(mistakesIn('cut: { from: leader, to: leader }')).toEqual([]);
  });
  it('a slice of no size and a flap without a time in each state are mistakes', () => {
    expect(mistakesIn('slice: { links: all, size: 0B }')).toEqual(['5:32: a size is at least `1B`']);
    expect(mistakesIn('flap: { links: all, down: 0ms, up: 5ms }')).toEqual(['5:31: shorter than 1ms']);
  });
});

describe('`bind` on faults on links', () => {
  it('may name each end, and the names exist from then on', () => {
    const both =
      'cut: { from: leader, to: follower }\n    bind: { from: a, to: b }\n  - kill: $a\n  - kill: $b';
    expect(mistakesIn(both)).toEqual([]);
    expect(mistakesIn('cut: { links: n1->n2 }\n    bind: { to: b }\n  - kill: $b\n  - kill: $a')).toEqual([
      '8:11: nothing before this binds `$a`',
    ]);
  });
  it('names no end that the step does not choose, and nothing of other faults', () => {
    expect(mistakesIn('cut: { to: leader }\n    bind: { from: a }')).toEqual([
      '6:19: the step has no `from`: there is nothing to bind',
    ]);
    expect(mistakesIn('cut: { from: clients, to: leader }\n    bind: { from: a }')).toEqual([
      '6:19: the clients are no nodes: there is nothing to bind',
    ]);
    expect(mistakesIn('kill: { node: leader }\n    bind: { from: a }')).toEqual([
      '6:19: the step has no `from`: there is nothing to bind',
    ]);
    expect(mistakesIn('kill: leader\n    bind: { to: a }')).toEqual([
      '6:17: the step has no `to`: there is nothing to bind',
    ]);
    expect(mistakesIn('cut: { from: n1 }\n    bind: {}')).toEqual([
      '6:5: `bind` has neither `from` nor `to`',
    ]);
  });
});
