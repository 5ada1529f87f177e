import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const file = (path: string): URL => new URL(`../${path}`, import.meta.url);
const page = readFileSync(file('docs/node.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| feature'));

describe('docs/node.md', () => {
  test('names tests that exist, for every feature', () => {
    const claims = rows.flatMap((row) => [...row.matchAll(/`([\w./-]+\.test\.ts)`: “([^”]+)”/g)]);
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter((row) => !row.includes('.test.ts`: “'))).toEqual([]);
    const missing = claims.filter(
      ([, path, name]) => !existsSync(file(path!)) || !readFileSync(file(path!), 'utf8').includes(name!),
    );
    expect(missing.map(([claim]) => claim)).toEqual([]);
  });

  test('names files that exist', () => {
    const paths = rows
      .map((row) => row.split('|')[2]!)
      .flatMap((cell) => [...cell.matchAll(/`([\w./-]+)`/g)]);
    const missing = paths.filter(([, path]) => path!.includes('/') && !existsSync(file(path!)));
    expect(missing.map(([, path]) => path)).toEqual([]);
  });
});
