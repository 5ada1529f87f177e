import { expect, test } from 'vitest';
import type { Op } from '../history/op.ts';
import { bearingOf, models } from './models.ts';
import { verifyWitnesses } from './verify.ts';

const base = { process: 0, key: 'k', node: 'n1', attempts: 1, outcome: 'ok' } as const;
/** a, then b and a read of b at the same time; a write that failed, and one with an unknown outcome. */
const OPS: readonly Op[] = [
  { ...base, id: 10, f: 'write', input: 'a', call: 0, return: 1 },
  { ...base, id: 11, f: 'write', input: 'b', call: 2, return: 5 },
  { ...base, id: 12, f: 'read', input: null, output: 'b', call: 3, return: 4 },
  { ...base, id: 13, f: 'write', input: 'c', call: 6, return: 7, outcome: 'fail' },
  { ...base, id: 14, f: 'write', input: 'd', call: 6, return: Infinity, outcome: 'info' },
];

function flawOf(order: readonly number[], positions: readonly number[] = [0, 1, 2, 3, 4]): string | null {
  const proof = { positions: Int32Array.from(positions), order: Int32Array.from(order) };
  const walk = verifyWitnesses(models.kv, OPS, [proof], (op) => bearingOf(op));
  for (;;) {
    const next = walk.next();
    if (next.done === true) return next.value[0]!;
  }
}

test('an order of all operations that must be in it, with or without those that may be in it, proves its part', () => {
  expect(flawOf([0, 1, 2])).toBeNull();
  expect(flawOf([0, 1, 2, 4])).toBeNull();
});

test.each<[what: string, order: readonly number[], flaw: string]>([
  ['one is missing', [0, 1], '#12 is missing'],
  [
    'an operation that returned before the call of another one comes after it',
    [1, 2, 0],
    '#10 had returned before the call of an operation',
  ],
  ['the model does not allow it there', [0, 2, 1], '#12 is not what the model allows in "a"'],
  ['one is twice in it', [0, 0, 1, 2], 'the operation at 0 is of another part, or is twice in the order'],
  ['one is not in the history', [0, 1, 2, 7], 'the operation at 7 is of another part'],
  ['one constrains nothing', [0, 1, 2, 3], '#13 constrains nothing'],
])('an order proves nothing where %s', (_, order, flaw) => {
  expect(flawOf(order)).toContain(flaw);
});

test('an operation of another part must not be in an order', () => {
  expect(flawOf([0, 1, 2, 4], [0, 1, 2, 3])).toContain('the operation at 4 is of another part');
});
