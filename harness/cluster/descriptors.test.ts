import { expect, test } from 'vitest';
import { neededDescriptors } from './descriptors.ts';

test('three nodes with six clients have nine proxies, and two descriptors for each of 30 connections', () => {
  expect(neededDescriptors({ nodes: 3, clients: 6 })).toBe(30 + 9 + 2 * 30);
});

test('the need grows with each client and each node', () => {
  const base = neededDescriptors({ nodes: 3, clients: 6 });
  expect(neededDescriptors({ nodes: 3, clients: 7 })).toBe(base + 2 * 3);
  expect(neededDescriptors({ nodes: 4, clients: 6 })).toBeGreaterThan(base);
});
