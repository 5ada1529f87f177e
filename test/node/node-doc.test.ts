import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { featureRows, transitionRows, type Claim } from '../../tools/features/claims.ts';

const file = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const rows = featureRows();

const exists = ({ file: path, name }: Claim): boolean =>
  existsSync(file(path)) && readFileSync(file(path), 'utf8').includes(name);

describe('docs/node.md', () => {
  test('names existing tests for every feature', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(({ claims }) => claims.length === 0)).toEqual([]);
    expect(rows.flatMap(({ claims }) => claims).filter((claim) => !exists(claim))).toEqual([]);
  });

  test('names only existing files', () => {
    const paths = rows.flatMap(({ where }) => [...where.matchAll(/`([\w./-]+)`/g)].map(([, path]) => path!));
    expect(paths.length).toBeGreaterThanOrEqual(rows.length);
    expect(paths.filter((path) => !existsSync(file(path)))).toEqual([]);
  });

  test('has a row for every call that changes the role, with its file, its reason and an existing test', () => {
    const transitions = transitionRows();
    expect(transitions.flatMap(({ claims }) => claims).filter((claim) => !exists(claim))).toEqual([]);
    expect(transitions.filter(({ claims }) => claims.length === 0)).toEqual([]);
    // `role.ts` defines the functions; the reason is their last argument.
    const calls = globSync('*.ts', { cwd: file('node/raft') })
      .filter((name) => !name.endsWith('.test.ts') && name !== 'role.ts')
      .flatMap((name) => {
        const text = readFileSync(file(`node/raft/${name}`), 'utf8');
        return [...text.matchAll(/\bbecome\w+\(state\b[^;]*?(?:['`]([^'`]+)['`]|(\w+(?:\.\w+)?))\);/g)].map(
          ([, reason, variable]) => ({ path: `node/raft/${name}`, reason, variable }),
        );
      });
    expect(calls.length).toBeGreaterThanOrEqual(10);
    const rowsOfFile = (path: string) => transitions.filter(({ where }) => where.includes(path));
    const isNamed = ({ path, reason, variable }: (typeof calls)[number]): boolean => {
      // A reason in a variable comes from a caller in the same file.
      if (reason === undefined) return variable !== undefined && rowsOfFile(path).length > 0;
      const shown = reason.replaceAll(/\$\{[^}]*(?:\{[^}]*\})?[^}]*\}/g, '…');
      return rowsOfFile(path).some(({ reasons }) => reasons.includes(shown));
    };
    expect(calls.filter((call) => !isNamed(call))).toEqual([]);
  });
});
