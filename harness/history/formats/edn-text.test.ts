import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EdnError, EdnReader } from './edn.ts';
import { ednText } from './edn-text.ts';

const text = (edn: string): string => ednText(new EdnReader(edn).next()!);

describe('values that Clojure calls equal have one text', () => {
  test.each([
    ['a list and a vector', ['(1 2 (3))', '[1 2 [3]]', '(1, 2, [3])']],
    ['zero with a sign', ['0', '-0', '+0', '0N', '-0N']],
    ['big and small integers', ['7', '7N', '+7', '14/2']],
    ['ratios', ['1/2', '2/4', '500/1000']],
    ['doubles', ['1.5', '1.50', '15e-1', '0.15E1', '+1.5']],
    ['doubles without a fraction', ['100.0', '1e2', '100.']],
    ['double zeros', ['0.0', '-0.0', '0e7']],
    ['decimals', ['1.5M', '1.50M', '15E-1M', '+1.500M']],
    ['decimals without a fraction', ['1M', '1.0M', '10E-1M']],
    ['decimal zeros', ['0M', '0.00M', '-0M']],
    ['huge decimals', ['1E100M', '10E99M', `1${'0'.repeat(100)}M`]],
    ['characters', ['\\newline', '\\u000a', '\\o12']],
    ['strings', ['"é\\n"', '"\\u00e9\\u000A"']],
    [
      'moments',
      [
        '#inst "2024-02-29T10:00:00.000-00:00"',
        '#inst "2024-02-29T11:00:00+01:00"',
        '#inst "2024-02-29T10:00Z"',
        '#inst "2024-02-29T10"',
      ],
    ],
    ['days', ['#inst "2024"', '#inst "2023-12-31T23:30:00.0-00:30"']],
    [
      'uuids',
      ['#uuid "F81D4FAE-7dec-11d0-a765-00a0c91e6bf6"', '#uuid "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"'],
    ],
    ['sets and maps in any order', ['#{1 {:a (1) :b 2}}', '#{{:b 2N, :a [1]} 1}']],
    ['maps with a namespace', ['#:db{:id 1 :_/x 2 :c/y 3}', '{:x 2 :db/id 1 :c/y 3}']],
  ])('%s', (_name, equal) => {
    expect(new Set(equal.map(text)).size).toBe(1);
    expect(text(text(equal[0]!))).toBe(text(equal[0]!));
  });
});

test('values that differ have different texts', () => {
  const different = [
    '1',
    '1.0',
    '1M',
    '-1',
    '"1"',
    ':1',
    '\\1',
    '[1]',
    '#{1}',
    '{1 1}',
    '#a 1',
    '#b 1',
    '1/3',
    'x1',
    '(1 1)',
    'nil',
    'false',
    '"nil"',
    ':nil',
    '[]',
    '[nil]',
    '#{}',
    '{}',
    '""',
    '##NaN',
    '##Inf',
    '##-Inf',
    '1e300M',
    '1e300',
    '1.0000000000000001M',
    '0.1',
    '0.1M',
    ':a',
    ':a/a',
    'a',
    '"a"',
    '"A"',
    '\\a',
    '\\A',
    '#inst "2024-02-29T10:00:00.001Z"',
    '#inst "2024-02-29T10:00:00Z"',
    '#inst "2024-02-30"',
    '"2024-02-30"',
    '9007199254740993',
    '9007199254740992',
    '9007199254740992.0',
    '{:a 1}',
    '{:b/a 1}',
    '\\,',
    '\\newline',
  ];
  expect(new Set(different.map(text)).size).toBe(different.length);
});

test('decimals are equal exactly if they are the same number of tenths, hundredths and so on', () => {
  const decimal = fc.tuple(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: -60, max: 60 }));
  const shared = (a: number, b: number) => BigInt(a) * 10n ** BigInt(b + 60);
  fc.assert(
    fc.property(decimal, decimal, ([a, at], [b, bt]) => {
      const isSame = shared(a, at) === shared(b, bt);
      expect(text(`${a}E${at}M`) === text(`${b}E${bt}M`)).toBe(isSame);
    }),
  );
});

test('a hexadecimal integer equals the same decimal one, as in Clojure', () => {
  expect(['0x10', '-0Xff', '+0x0', '0xffffffffffffffffffN'].map(text)).toEqual([
    '16',
    '-255',
    '0',
    '4722366482869645213695',
  ]);
});

test('an integer with a zero in front is refused, because EDN has none and others read it as octal', () => {
  expect(() => text('010')).toThrow(EdnError);
});
