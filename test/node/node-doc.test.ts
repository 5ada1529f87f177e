import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { featureRows } from '../../tools/features/claims.ts';

const file = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const rows = featureRows();

describe('docs/node.md', () => {
  test('names existing tests for every feature', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(({ claims }) => claims.length === 0)).toEqual([]);
    const missing = rows
      .flatMap(({ claims }) => claims)
      .filter(
        ({ file: path, name }) => !existsSync(file(path)) || !readFileSync(file(path), 'utf8').includes(name),
      );
    expect(missing).toEqual([]);
  });

  test('names only existing files', () => {
    const paths = rows.flatMap(({ where }) => [...where.matchAll(/`([\w./-]+)`/g)].map(([, path]) => path!));
    expect(paths.length).toBeGreaterThanOrEqual(rows.length);
    expect(paths.filter((path) => !existsSync(file(path)))).toEqual([]);
  });
});
