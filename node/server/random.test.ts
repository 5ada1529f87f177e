import { expect, test } from 'vitest';
import { nodeSeed, seededRandom } from './random.ts';

const draw = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
};

test('the same seed gives the same numbers, and another seed or node gives other ones', () => {
  expect(draw(7, 10)).toEqual(draw(7, 10));
  expect(draw(7, 10)).not.toEqual(draw(8, 10));
  expect(nodeSeed(7, 'n1')).not.toBe(nodeSeed(7, 'n2'));
  expect(nodeSeed(7, 'n1')).not.toBe(nodeSeed(8, 'n1'));
});

test('the numbers fill [0, 1) evenly', () => {
  const tenths = Array.from({ length: 10 }, () => 0);
  for (const number of draw(nodeSeed(1, 'n1'), 100_000)) tenths[Math.floor(number * 10)]!++;
  expect(Math.min(...tenths)).toBeGreaterThan(9_500);
  expect(Math.max(...tenths)).toBeLessThan(10_500);
});
