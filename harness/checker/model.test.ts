import { describe, expect, test } from 'vitest';
import { randomStream } from '../random.ts';
import { isLinearizableByDefinition } from './testing/brute-force.ts';
import { generateHistory } from './testing/generate.ts';
import { checkLinearizable } from './linearizable.ts';
import type { Model, Operation } from './model.ts';
import { bearingOf, models } from './models.ts';

interface QueueOp extends Operation {
  readonly queue: string;
  /** Value of an enqueue; absent for a dequeue. */
  readonly put?: number;
  /** Result of a dequeue; null if the queue was empty. */
  readonly got?: number | null;
}

/** A queue: first in, first out. Its states are lists, so it is not a register. */
const queue: Model<readonly number[], QueueOp> = {
  name: 'queue',
  init: () => [],
  step(state, { put, got, return: end }) {
    if (put !== undefined) return [...state, put];
    if (end === Infinity || got === (state[0] ?? null)) return state.slice(1);
    return undefined;
  },
  partition: (op) => op.queue,
  describe: ({ id, put, got }) => (put === undefined ? `get#${id} got ${got}` : `put#${id} put ${put}`),
};

const put = (id: number, put: number, call: number, end: number): QueueOp => ({
  id,
  queue: 'q',
  put,
  call,
  return: end,
});
const get = (id: number, got: number | null, call: number, end: number): QueueOp => ({
  id,
  queue: 'q',
  got,
  call,
  return: end,
});

describe('a user’s own model', () => {
  test('a queue that keeps its order is linearizable, and the order is the proof', async () => {
    const ops = [
      put(1, 10, 0, 5),
      put(2, 20, 1, 6),
      get(3, 20, 7, 8),
      get(4, 10, 9, 10),
      get(5, null, 11, 12),
    ];
    const result = await checkLinearizable(ops, { model: queue });
    expect(result).toMatchObject({ verdict: 'linearizable', keys: [{ key: 'q', witness: [2, 1, 3, 4, 5] }] });
  });

  test('a queue that does not keep its order is a violation, described in the model’s words', async () => {
    const noise = Array.from({ length: 30 }, (_, i) => put(100 + i, 100 + i, 20 + i, 21 + i));
    const ops = [put(1, 10, 0, 1), put(2, 20, 2, 3), get(3, 20, 4, 5), ...noise];
    const result = await checkLinearizable(ops, { model: queue });
    expect(result.verdict).toBe('violation');
    expect(result.violations[0]).toMatchObject({ key: 'q', opIds: [1, 2, 3], stuckId: 3 });
    expect(result.violations[0]!.prose).toBe(
      'Key q: The longest order is #1, #2; there the state is [10,20], and get#3 got 20; it was called at 4 and ' +
        'returned at 5. No order of these 3 operations is one of queue.',
    );
  });

  test('an operation with an unknown outcome may have taken effect or not', async () => {
    const open = { ...put(1, 10, 0, 0), return: Infinity };
    const seen = await checkLinearizable([open, get(2, 10, 4, 5)], { model: queue });
    const unseen = await checkLinearizable([open, get(2, null, 4, 5)], { model: queue });
    const twice = await checkLinearizable([open, get(2, 10, 4, 5), get(3, 10, 6, 7)], { model: queue });
    expect([seen, unseen, twice].map((result) => result.verdict)).toEqual([
      'linearizable',
      'linearizable',
      'violation',
    ]);
  });

  test('parts are checked one by one', async () => {
    const other = { ...get(9, 1, 0, 1), queue: 'other' };
    const result = await checkLinearizable([put(1, 10, 0, 1), other], { model: queue });
    expect(result.keys.map(({ key, verdict }) => [key, verdict])).toEqual([
      ['q', 'linearizable'],
      ['other', 'violation'],
    ]);
  });

  test('states may have hashes that collide', async () => {
    const colliding = {
      ...queue,
      hash: (state: readonly number[]) => state.length,
      equal: (a: readonly number[], b: readonly number[]) => a.join() === b.join(),
    };
    const ops = [put(1, 10, 0, 9), put(2, 20, 0, 9), get(3, 20, 10, 11), get(4, 10, 12, 13)];
    expect(await checkLinearizable(ops, { model: colliding })).toMatchObject({ verdict: 'linearizable' });
  });

  test('a model that throws, and times that run backwards, make a part unknown', async () => {
    const broken = {
      ...queue,
      step: () => {
        throw new Error('no such state');
      },
    };
    const thrown = await checkLinearizable([put(1, 10, 0, 1)], { model: broken });
    expect([thrown.verdict, thrown.detail]).toEqual(['unknown', expect.stringContaining('no such state')]);
    const backwards = await checkLinearizable([put(1, 10, 2, 1)], { model: queue });
    expect([backwards.verdict, backwards.detail]).toEqual([
      'unknown',
      expect.stringContaining('before its call'),
    ]);
  });

  test('a search that exceeds its time reports its progress, and an abort stops it', async () => {
    // Dequeues of elements that were never put: to detect this, every order of the puts is tried.
    const ops = Array.from({ length: 24 }, (_, id) => put(id, id, 0, 10));
    const hopeless = [...ops, get(99, -1, 11, 12)];
    const result = await checkLinearizable(hopeless, { model: queue, limitMs: 200 });
    expect([result.verdict, result.detail]).toEqual([
      'unknown',
      expect.stringContaining('the time limit was reached after'),
    ]);
    const controller = new AbortController();
    const search = checkLinearizable(hopeless, { model: queue, signal: controller.signal });
    controller.abort();
    expect((await search).detail).toContain('cancelled');
  });
});

test('with a register as the user’s model, 2,000 small histories have the verdict of brute force, with and without effects', async () => {
  let bad = 0;
  for (let seed = 0; seed < 2_000; seed++) {
    const random = randomStream(seed, 'workload', 'model');
    const options = { operations: 7, clients: 3, keys: 1, failed: 0, opaque: 0.5, uniqueValues: false };
    const mix = { read: 4, write: 3, cas: 2, delete: 0, append: 1 };
    const valid = generateHistory(random, { ...options, mix, unknown: 0.2 });
    const answers = valid.filter((op) => op.f === 'read' && op.outcome === 'ok');
    const victim = answers.length > 0 ? random.pick(answers) : null;
    const ops = valid
      .map((op) => (op === victim ? { ...op, output: `${random.int(0, 2)}` } : op))
      .filter((op) => bearingOf(op) !== 'none');
    const expected = isLinearizableByDefinition(ops) ? 'linearizable' : 'violation';
    if (expected === 'violation') bad++;
    const plain = { ...models.kv };
    const helped: typeof plain = {
      ...plain,
      effect: (op) =>
        op.f === 'read' || op.outcome === 'fail' ? 'reads' : op.f === 'write' ? 'overwrites' : 'any',
    };
    for (const model of [plain, helped]) {
      const { verdict } = await checkLinearizable(ops, { model });
      if (verdict !== expected) throw new Error(`history ${seed} is ${expected}, not ${verdict}`);
    }
  }
  expect(bad).toBeGreaterThan(300);
});
