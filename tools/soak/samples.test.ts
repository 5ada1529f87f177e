import { describe, expect, test } from 'vitest';
import { descriptorsBounded, memoryBounded, sampleOf } from './samples.ts';
import type { Sample } from './samples.ts';

const during = { warmS: 20, endS: 100 };
const grows = (rssMiB: (s: number) => number): readonly Sample[] =>
  Array.from({ length: 101 }, (_, s) => ({ s, node: 'n1', pid: 7, rssMiB: rssMiB(s), descriptors: 30 }));

describe('memory is bounded', () => {
  test.each([
    ['flat', (): number => 100, true],
    ['growing before it is warm', (s: number): number => Math.min(100, 10 + 4.5 * s), true],
    ['a saw-tooth', (s: number): number => 100 + (s % 10) * 5, true],
    ['a leak of half a MiB a second', (s: number): number => 60 + s / 2, false],
  ])('%s', (_, rssMiB, holds) => {
    expect(memoryBounded(grows(rssMiB), 7, during).holds).toBe(holds);
  });

  test('by no process that was not seen', () => {
    expect(
      memoryBounded(
        grows(() => 100),
        8,
        during,
      ).holds,
    ).toBe(false);
  });
});

describe('descriptors are bounded', () => {
  const before = new Map([
    ['n1', 30],
    ['n2', 31],
  ]);
  test.each([
    [{ n1: 30, n2: 31 }, true],
    [{ n1: 34, n2: 29 }, true],
    [{ n1: 30, n2: 36 }, false],
    [{ n1: 30 }, false],
  ])('by %j', (after, holds) => {
    expect(descriptorsBounded(before, new Map(Object.entries(after))).holds).toBe(holds);
  });
});

test.runIf(process.platform === 'linux')('a sample has what the kernel says of a process', () => {
  const sample = sampleOf(1, 'n1', process.pid);
  expect(sample).toMatchObject({ s: 1, node: 'n1', pid: process.pid });
  expect(sample!.rssMiB).toBeGreaterThan(10);
  expect(sample!.descriptors).toBeGreaterThan(3);
  expect(sampleOf(1, 'n1', 2 ** 30)).toBe(null);
});
