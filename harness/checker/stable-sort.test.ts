import { expect, test } from 'vitest';
import { randomStream } from '../random.ts';
import { sortByKey } from './stable-sort.ts';

test('3,000 lists of many sizes and orders are sorted as by `toSorted`, and equal keys keep their order', () => {
  for (let seed = 0; seed < 3_000; seed++) {
    const random = randomStream(seed, 'workload', 'sort');
    const size = random.int(0, random.pick([5, 40, 300]));
    const spread = random.pick([1, 4, 20, 1_000]);
    const isNearly = random.float() < 0.5;
    const keys = Float64Array.from({ length: size }, (_, i) =>
      Math.floor((isNearly ? i * 3 : 0) + random.float() * spread),
    );
    if (size > 2) keys[random.int(0, size - 1)] = random.pick([-Infinity, Infinity, 0]);
    const items = Int32Array.from(keys, (_, i) => i);
    // `toSorted` is stable. The comparison does not subtract keys, because the difference of infinite keys is NaN.
    const expected = [...items].toSorted((a, b) => Number(keys[a]! > keys[b]!) - Number(keys[a]! < keys[b]!));
    expect([...sortByKey(items, keys)]).toEqual(expected);
  }
});
