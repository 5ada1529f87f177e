import { describe, expect, test } from 'vitest';
import type { Op } from '../history/op.ts';
import { checkKey } from './key.ts';

const limits = { limitMs: 5_000, memoryBytes: 64 * 1_048_576 };

type Sketch = Pick<Op, 'f' | 'call' | 'return'> & Partial<Op>;

/** Operations in order, from sketches of their essential fields. */
const history = (...sketches: readonly Sketch[]): Op[] =>
  sketches.map((sketch, id) => ({
    id,
    process: id,
    key: 'k',
    input: null,
    outcome: 'ok',
    node: `n${1 + (id % 3)}`,
    attempts: 1,
    ...sketch,
  }));
const write = (input: string, call: number, end: number): Sketch => ({
  f: 'write',
  input,
  call,
  return: end,
});
const read = (output: string | null, call: number, end: number): Sketch => ({
  f: 'read',
  output,
  call,
  return: end,
});
const cas = (from: string | null, to: string, call: number, end: number): Sketch => ({
  f: 'cas',
  input: [from, to],
  call,
  return: end,
});
const append = (input: string, call: number, end: number): Sketch => ({
  f: 'append',
  input,
  call,
  return: end,
});
const unknown = (sketch: Sketch): Sketch => ({
  ...sketch,
  outcome: 'info',
  return: Infinity,
  error: 'timeout',
});
const failed = (sketch: Sketch): Sketch => ({ ...sketch, outcome: 'fail', error: 'not-leader' });

describe('each anomaly is named, and its window is the operations that prove it', () => {
  const cases: readonly (readonly [anomaly: string, ops: readonly Sketch[], opIds: readonly number[]])[] = [
    ['stale read', [write('a', 0, 1), write('b', 2, 3), read('b', 4, 5), read('a', 6, 7)], [0, 1, 3]],
    ['stale read', [write('a', 0, 1), write('b', 2, 9), read('b', 3, 4), read('a', 5, 6)], [0, 1, 2, 3]],
    ['stale read', [write('a', 0, 1), read('a', 2, 3), read(null, 4, 5)], [0, 2]],
    ['stale read', [append('x', 0, 1), read('xy', 2, 4), append('y', 1, 3), read('x', 5, 6)], [0, 1, 2, 3]],
    ['lost write', [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)], [0, 1, 2]],
    ['lost write', [append('x', 0, 1), append('y', 2, 3), append('z', 4, 5), read('xz', 6, 7)], [0, 1, 2, 3]],
    ['value from nowhere', [write('a', 0, 1), read('b', 2, 3)], [1]],
    ['dirty read of a failed write', [failed(write('a', 0, 1)), read('a', 2, 3)], [1]],
    // The failed write began only after the read had returned, or the value does not begin with it.
    ['value from nowhere', [write('a', 0, 1), read('b', 2, 3), failed(write('b', 4, 5))], [1]],
    ['value from nowhere', [failed(write('1', 0, 1)), read('12', 2, 3)], [1]],
    ['dirty read of a failed write', [append('x', 0, 1), failed(write('1', 2, 3)), read('1x', 4, 5)], [2]],
    ['two CAS winners', [write('a', 0, 1), cas('a', 'b', 2, 3), cas('a', 'c', 4, 5)], [0, 1, 2]],
    [
      'two CAS winners',
      [write('a', 0, 1), unknown(cas('a', 'b', 2, 3)), cas('a', 'c', 4, 5), read('b', 5, 6)],
      [0, 1, 2, 3],
    ],
    ['cas cycle', [cas('b', 'a', 0, 9), cas('a', 'b', 1, 8)], [0, 1]],
    [
      'cas refused its own value',
      [write('a', 0, 1), { ...failed(cas('a', 'b', 2, 3)), error: 'cas-mismatch', output: 'a' }],
      [1],
    ],
    [
      'retry applied twice',
      [write('a', 0, 1), { ...failed(cas('a', 'b', 2, 3)), error: 'cas-mismatch', output: 'b' }],
      [1],
    ],
    ['duplicate append', [append('x', 0, 1), read('xx', 2, 3)], [0, 1]],
    ['append reorder', [append('x', 0, 1), append('y', 2, 3), read('yx', 4, 5)], [0, 1, 2]],
    [
      'append reorder',
      [append('x', 0, 9), append('y', 0, 9), read('xy', 1, 8), read('yx', 1, 8)],
      [0, 1, 2, 3],
    ],
    ['read from the future', [read('a', 0, 1), write('a', 2, 3)], [0, 1]],
    ['read from the future', [read('xy', 0, 1), append('x', 2, 3), append('y', 0, 4)], [0, 1, 2]],
    ['lost write', [append('x', 0, 1), append('y', 0, 1), read('x', 2, 3), read('y', 2, 3)], [0, 1, 2, 3]],
    [
      'split brain',
      [
        { ...write('a', 0, 1), node: 'n1' },
        { ...write('b', 2, 3), node: 'n2' },
        { ...read('a', 4, 5), node: 'n1' },
        { ...write('c', 6, 7), node: 'n1' },
        { ...read('b', 8, 9), node: 'n2' },
      ],
      [0, 1, 2, 3, 4],
    ],
    [
      'split brain',
      [
        { ...append('x', 0, 1), node: 'n1' },
        { ...append('y', 0, 1), node: 'n2' },
        { ...read('x', 2, 3), node: 'n1' },
        { ...read('y', 2, 3), node: 'n2' },
      ],
      [0, 1, 2, 3],
    ],
    // The old leader's reads are stale, but it accepted no write, so nothing shows two leaders at the same time.
    [
      'stale read',
      [
        { ...write('a', 0, 1), node: 'n1' },
        { ...write('b', 2, 3), node: 'n2' },
        { ...read('b', 3.5, 3.8), node: 'n2' },
        { ...read('a', 4, 5), node: 'n1' },
        { ...read('a', 6, 7), node: 'n1' },
        { ...read('b', 8, 9), node: 'n2' },
      ],
      [0, 1, 4],
    ],
    ['value from nowhere', [unknown(cas('x', 'b', 0, 1)), read('b', 2, 3)], [0, 1]],
  ];

  test.each(cases)('%s', (anomaly, sketches, opIds) => {
    const verdict = checkKey({ ops: history(...sketches) }, limits);
    expect(verdict).toMatchObject({ verdict: 'violation', violation: { anomaly, opIds } });
  });

  test('the prose says which operation returned which value, when, and what contradicts it', () => {
    const ops = history(write('a', 0, 1), write('b', 2, 3), read('b', 4, 5), read('a', 6, 7));
    expect(checkKey({ ops }, limits).violation!.prose).toBe(
      'Key k: read#3 (n1) returned "a" after write#1 (n2) wrote "b": write#1 (n2) had ended at 0.003 s before read#3 (n1) began at 0.006 s. ' +
        'Yet write#0 (n1) had ended at 0.001 s (it wrote "a") before write#1 (n2) began at 0.002 s, so "a" came before "b": stale read.',
    );
  });
});

test('the prose names the unknown CAS that took effect on a value from nowhere', () => {
  const ops = history(unknown(cas('x', 'b', 0, 1)), read('b', 2, 3));
  expect(checkKey({ ops }, limits).violation!.prose).toBe(
    'Key k: cas#0 (n1) took effect from "x", a value that no operation on this key can have left there.',
  );
});

test('of a chain that is too long to draw, the picture has the operations of the proof and the certificate has all', () => {
  const links = Array.from({ length: 100 }, (_, i) =>
    cas(i === 0 ? null : `v${i}`, `v${i + 1}`, 2 * i, 2 * i + 1),
  );
  const ops = history(...links, read('v90', 300, 301));
  const { anomaly, opIds, certificate } = checkKey({ ops }, limits).violation!;
  expect(anomaly).toBe('stale read');
  expect(opIds).toHaveLength(60);
  expect(opIds).toEqual(expect.arrayContaining([89, 90, 100]));
  expect(certificate).toEqual([...Array(91).keys(), 100]);
});

describe('the checker accepts that', () => {
  const cases: readonly (readonly [claim: string, ops: readonly Sketch[]])[] = [
    [
      'an unknown write takes effect long after it was given up',
      [unknown(write('a', 0, 1)), write('b', 2, 3), read('b', 4, 5), read('a', 6, 7)],
    ],
    ['an unknown write never takes effect', [unknown(write('a', 0, 1)), write('b', 2, 3), read('b', 4, 5)]],
    [
      'an operation that begins when another one ends is concurrent with it',
      [write('a', 0, 1), write('b', 1, 2), read('a', 2, 3)],
    ],
    [
      'a failed CAS that found another value is a read of this value',
      [write('a', 0, 1), { ...failed(cas('b', 'c', 2, 3)), error: 'cas-mismatch', output: 'a' }],
    ],
    [
      'a failure without an effect constrains nothing',
      [write('a', 0, 1), failed(cas('a', 'c', 2, 3)), read('a', 4, 5)],
    ],
    [
      'a delete leaves a tombstone',
      [write('a', 0, 1), { f: 'delete', input: 'gone', call: 2, return: 3 }, read('gone', 4, 5)],
    ],
    [
      'an append creates a key that was never written',
      [append('x', 0, 1), append('y', 2, 3), read('xy', 4, 5)],
    ],
  ];
  test.each(cases)('%s', (_claim, sketches) => {
    expect(checkKey({ ops: history(...sketches) }, limits).verdict).toBe('linearizable');
  });
});
