import { describe, expect, it } from 'vitest';
import { randomStream } from '../random.ts';
import {
  formatSelector,
  parseSelector,
  resolveSelector,
  type Electorate,
  type Selector,
} from './selector.ts';

const parse = (text: string): Selector => {
  const parsed = parseSelector(text);
  if (!parsed.ok) throw new Error(`unknown selector \`${parsed.unknown}\``);
  return parsed.selector;
};

const five: Electorate = {
  nodes: ['n1', 'n2', 'n3', 'n4', 'n5'],
  up: ['n1', 'n2', 'n3', 'n5'],
  leader: 'n2',
  lastIndex: new Map([['n1', 10], ['n2', 30], ['n3', 20], ['n4', 5], ['n5', 30]]),
  killed: ['n3', 'n4'],
  bound: new Map([['old', ['n1']]]),
}; // prettier-ignore

const resolve = (
  text: string,
  electorate = five,
  taken: string[] = [],
  prefer: string[] = [],
): readonly string[] =>
  resolveSelector(parse(text), electorate, randomStream(7, 'selectors'), new Set(taken), prefer);

describe('selectors choose in the order of ids', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['leader', ['n2']],
    ['followers', ['n1', 'n3', 'n5']],
    ['all', ['n1', 'n2', 'n3', 'n4', 'n5']],
    ['n3', ['n3']],
    ['$old', ['n1']],
    ['not($old)', ['n2', 'n3', 'n4', 'n5']],
    ['not(not(leader))', ['n2']],
    ['most-behind', ['n1']],
    ['most-ahead', ['n2']],
    ['last-killed', ['n4']],
  ];
  for (const [text, chosen] of cases)
    it(`${text} is ${chosen.join(', ')}`, () => expect(resolve(text)).toEqual(chosen));

  it('rest is every node that the same step has not chosen yet', () => {
    expect(resolve('rest', five, ['n2', 'n4'])).toEqual(['n1', 'n3', 'n5']);
  });
  it('a list is the union of its members, each once', () => {
    const list: Selector = { type: 'union', of: [parse('n3'), parse('leader'), parse('n3')] };
    expect(resolveSelector(list, five, randomStream(1, 'selectors'))).toEqual(['n2', 'n3']);
  });
});

describe('choices at random', () => {
  it('minority and majority have the sizes that decide a quorum', () => {
    expect(resolve('minority')).toHaveLength(2);
    expect(resolve('majority')).toHaveLength(3);
  });
  it('a follower is up and does not lead, with any seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const [chosen] = resolveSelector(parse('follower'), five, randomStream(seed, 'selectors'));
      expect(['n1', 'n3', 'n5']).toContain(chosen);
    }
  });
  it('the same seed chooses the same nodes', () => expect(resolve('minority')).toEqual(resolve('minority')));
  it('a recorded choice is used again only if it still matches', () => {
    expect(resolve('follower', five, [], ['n5'])).toEqual(['n5']);
    expect(resolve('follower', five, [], ['n2'])).not.toEqual(['n2']);
  });
});

describe('a selector without a match chooses no other node instead', () => {
  it('`leader` without a leader', () => expect(resolve('leader', { ...five, leader: null })).toEqual([]));
  it('`last-killed` when nothing was killed', () =>
    expect(resolve('last-killed', { ...five, killed: [] })).toEqual([]));
  it('`any` when no node is up', () => expect(resolve('any', { ...five, up: [] })).toEqual([]));
  it('`minority` of one node', () => expect(resolve('minority', { ...five, nodes: ['n1'] })).toEqual([]));
});

describe('text that is not a selector is refused', () => {
  for (const text of ['leadr', 'n0', 'node1', 'not(leader', '$', '$Old', '']) {
    it(`${JSON.stringify(text)} is not a selector`, () =>
      expect(parseSelector(text)).toEqual({ ok: false, unknown: text }));
  }
  it('a selector is formatted as it was written', () => {
    for (const text of ['leader', 'not($old)', 'n7', 'not(not(n1))'])
      expect(formatSelector(parse(text))).toBe(text);
  });
});
