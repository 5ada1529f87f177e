import { describe, expect, test } from 'vitest';
import { descriptorsBounded, memoryBounded, sampleOf } from './samples.ts';
import type { Sample } from './samples.ts';

const during = { warmS: 20, endS: 100 };
const grows = (rssMiB: (s: number) => number): readonly Sample[] =>
  Array.from({ length: 101 }, (_, s) => ({ s, node: 'n1', pid: 7, rssMiB: rssMiB(s), descriptors: 30 }));

describe('memory', () => {
  test.each([
    ['memory that stays the same', 'is', (): number => 100, true],
    ['memory that grows only during warm-up', 'is', (s: number): number => Math.min(100, 10 + 4.5 * s), true],
    ['memory that rises and falls', 'is', (s: number): number => 100 + (s % 10) * 5, true],
    ['a leak of half a MiB per second', 'is not', (s: number): number => 60 + s / 2, false],
  ])('%s %s bounded', (_, __, rssMiB, holds) => {
    expect(memoryBounded(grows(rssMiB), 7, during).holds).toBe(holds);
  });

  test('a process without samples is not bounded', () => {
    expect(
      memoryBounded(
        grows(() => 100),
        8,
        during,
      ).holds,
    ).toBe(false);
  });
});

describe('descriptors', () => {
  const before = new Map([
    ['n1', 30],
    ['n2', 31],
  ]);
  test.each([
    [{ n1: 30, n2: 31 }, 'are', true],
    [{ n1: 34, n2: 29 }, 'are', true],
    [{ n1: 30, n2: 36 }, 'are not', false],
    [{ n1: 30 }, 'are not', false],
  ])('counts of %j after 30 and 31 %s bounded', (after, _, holds) => {
    expect(descriptorsBounded(before, new Map(Object.entries(after))).holds).toBe(holds);
  });
});

test.runIf(process.platform === 'linux')(
  'a sample has the memory and descriptors of a process as the kernel counts them',
  () => {
    const sample = sampleOf(1, 'n1', process.pid);
    expect(sample).toMatchObject({ s: 1, node: 'n1', pid: process.pid });
    expect(sample!.rssMiB).toBeGreaterThan(10);
    expect(sample!.descriptors).toBeGreaterThan(3);
    expect(sampleOf(1, 'n1', 2 ** 30)).toBe(null);
  },
);
