import fc from 'fast-check';
import { expect, test } from 'vitest';
import { models } from './models.ts';
import { checkLinearizable } from './library.ts';
import { isLinearizableByDefinition } from './testing/brute-force.ts';
import { generateHistory } from './testing/generate.ts';
import { randomStream } from '../random.ts';
import type { Op, RegisterValue } from '../history/op.ts';

/** Histories in which `from` is read and written as `to`. */
const exchanged = (ops: readonly Op[], from: RegisterValue, to: RegisterValue): Op[] => {
  const of = (value: RegisterValue): RegisterValue => (value === from ? to : value);
  return ops.map((op) => ({
    ...op,
    input: Array.isArray(op.input)
      ? ([of(op.input[0]), of(op.input[1])] as const)
      : op.f === 'read' || op.f === 'append'
        ? op.input
        : of(op.input as RegisterValue),
    ...(op.output === undefined ? {} : { output: of(op.output) }),
  }));
};

test('an initial value means the same as a write of it before everything else, also where it is nothing again', async () => {
  const seeds = fc.integer({ min: 0, max: 1e9 });
  const values = fc.constantFrom<RegisterValue>(null, '0', '1', '', '01');
  let violations = 0;
  await fc.assert(
    fc.asyncProperty(seeds, values, values, async (seed, initial, nothing) => {
      const random = randomStream(seed, 'workload', 'initial');
      const made = generateHistory(random, {
        operations: random.int(1, 8),
        clients: 3,
        keys: 1,
        mix: { read: 5, write: 2, cas: 2, delete: 1, append: random.int(0, 2) },
        unknown: 0.1,
        failed: 0.1,
        uniqueValues: random.float() < 0.5,
        opaque: 0.3,
      });
      const ops = exchanged(exchanged(made, null, initial), nothing, null);
      const first: Op = {
        ...made[0]!,
        id: -1,
        f: 'write',
        input: initial,
        call: -2,
        return: -1,
        outcome: 'ok',
      };
      const { error: _, output: __, gaveUp: ___, ...write } = first;
      const isRight = isLinearizableByDefinition([write, ...ops]);
      if (!isRight) violations++;
      const { verdict } = await checkLinearizable(ops, { model: models.kv, initial });
      expect(verdict).toBe(isRight ? 'linearizable' : 'violation');
    }),
    { numRuns: 1_500 },
  );
  expect(violations).toBeGreaterThan(100);
});
