import { expect, test } from 'vitest';
import type { Op } from '../history/op.ts';
import { randomStream } from '../random.ts';
import { checkLinearizable } from './linearizable.ts';
import { generateHistory } from './testing/generate.ts';
import { type PartedHistory, PartsBuilder, partedHistory } from './parts.ts';
import type { CasFail } from './steps.ts';

const mix = { read: 3, write: 2, cas: 3, delete: 1, append: 2 };

/** The content of the parts, without the arbitrary numbers of values. */
const told = ({ parts, functions, casFail }: PartedHistory) => ({
  casFail,
  functions: [...functions].toSorted(),
  parts: parts.map(({ key, positions, flaw, columns }) => {
    const { size, at, id, kind, certain, call, ret, from, to, values } = columns;
    const rows = Array.from({ length: size }, (_, i) => ({
      at: at[i],
      id: id[i],
      kind: kind[i],
      certain: certain[i],
      call: call[i],
      ret: ret[i],
      from: values[from[i]!],
      to: values[to[i]!],
    }));
    return { key, positions: [...positions], flaw, rows };
  }),
});

test.each<[seed: number, casFail: CasFail | undefined]>([
  [1, undefined],
  [2, 'mismatch'],
  [3, 'nothing'],
])(
  'operations that are added in order of their ends give the same parts as the whole history (seed %i)',
  (seed, casFail) => {
    const random = randomStream(seed, 'workload', 'parts');
    const ops = generateHistory(random, {
      operations: 1_500,
      clients: 12,
      keys: 5,
      mix,
      unknown: 0.1,
      failed: 0.1,
      uniqueValues: false,
      opaque: 0.5,
    }).map((op): Op => ({ ...op, call: Math.floor(op.call * 2) / 2 }));
    const asTheyEnd = [...ops.entries()].toSorted(
      ([, a], [, b]) => Number(a.return > b.return) - Number(a.return < b.return),
    );
    const builder = new PartsBuilder(casFail);
    for (const [position, op] of asTheyEnd) builder.add(op, position);
    const parts = told(builder.finish(ops));
    expect(parts).toEqual(told(partedHistory(ops, casFail)));
    expect(parts.parts.map(({ rows }) => rows.length)).not.toContain(0);
  },
);

test('parts are made again if they were made with another meaning of a failed cas', async () => {
  const base = { process: 0, key: 'k', node: 'n1', attempts: 1 } as const;
  const ops: readonly Op[] = [
    { ...base, id: 0, f: 'write', input: 'a', call: 0, return: 1, outcome: 'ok' },
    {
      ...base,
      id: 1,
      f: 'cas',
      input: ['a', 'b'],
      call: 2,
      return: 3,
      outcome: 'fail',
      error: 'cas-mismatch',
    },
  ];
  const parted = partedHistory(ops, 'nothing');
  expect(await checkLinearizable(parted, { casFail: 'nothing' })).toMatchObject({ verdict: 'linearizable' });
  expect(await checkLinearizable(parted)).toMatchObject({ verdict: 'violation' });
});
