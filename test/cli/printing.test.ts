import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '../support/chaos.ts';

const folder = mkdtempSync(join(tmpdir(), 'chaos-printing-'));
afterAll(() => rmSync(folder, { recursive: true }));

const EVIL = 'a\u001b[2J\u001b]0;title\u0007\u009b31m\u202e';
const place = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const wrong = place(`${EVIL}.yaml`, `apiVersion: chaos/v1\nname: x\n"${EVIL}\\e": 1\nsteps: []\n`);
const right = place(`${EVIL}-right.yaml`, 'apiVersion: chaos/v1\nname: x\nsteps: []\n');
const history = place(`${EVIL}.jsonl`, `{"type":"${EVIL}"`);
const empty = place(`${EVIL}-empty`, '');

test.each([
  ['a scenario with mistakes', 2, ['validate', wrong]],
  ['a scenario without mistakes', 0, ['validate', right]],
  ['a scenario that is to run', 2, ['run', wrong]],
  ['a file that is not there', 2, ['run', `${EVIL}-nowhere.yaml`]],
  ['a folder instead of a file', 2, ['validate', folder]],
  ['an unknown command', 2, [EVIL]],
  ['an unknown option', 2, ['run', `--${EVIL}`]],
  ['a wrong value', 2, ['run', 'kill-all', '--seed', EVIL]],
  ['an address that is none', 2, ['members', EVIL]],
  ['a folder of reports that is not there', 2, ['summary', `${EVIL}-nowhere`]],
  ['a history with a mistake', 2, ['check', history]],
  ['a history with a mistake, as JSON', 2, ['check', '--json', history]],
  ['a history without operations, as JSON', 4, ['check', '--json', empty]],
])('no escape sequence of a name or a text reaches the terminal: %s', (_what, code, args) => {
  const launcher = join(ROOT, 'harness', 'cli', 'chaos.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
  expect(status).toBe(code);
  expect(`${stdout}${stderr}`).not.toBe('');
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(`${stdout}${stderr}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
});
