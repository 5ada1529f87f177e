import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IDENTITY, recovered, replayed } from './testing/steps.ts';
import { Wal } from './wal.ts';

/** A file system in memory makes thousands of syncs cheap. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
let root: string;
let folders = 0;
beforeAll(async () => {
  root = await fs.mkdtemp(join(scratch, 'chaos-wal-'));
});
afterAll(() => fs.rm(root, { recursive: true }));
const newFolder = (): string => join(root, String(folders++));

describe("the folder's lock", () => {
  test('a lock that a killed node left is stale, and the next node takes the folder', async () => {
    const folder = newFolder();
    await fs.mkdir(folder);
    const program = `
      const { FolderLock } = await import(${JSON.stringify(new URL('lock.ts', import.meta.url).href)});
      await FolderLock.take(${JSON.stringify(folder)});
      console.log('taken');
      setInterval(() => {}, 1000);
    `;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(owner.stdout, 'data');
      await expect(new Wal({ folder, identity: IDENTITY }).recover()).rejects.toThrow(
        `in use by the node with pid ${owner.pid}`,
      );
    } finally {
      owner.kill('SIGKILL');
      await once(owner, 'exit');
    }
    expect(await recovered(new Wal({ folder, identity: IDENTITY }))).toBe(replayed([]));
  });

  test('a lock of a dead process whose pid another process has now is stale, and so is a lock that a crash tore', async () => {
    const folder = newFolder();
    await fs.mkdir(folder);
    for (const left of [
      JSON.stringify({ pid: process.pid, began: 'another boot/1', token: 'x' }),
      '',
      '{"pid":',
    ]) {
      await fs.writeFile(join(folder, 'lock'), left);
      expect(await recovered(new Wal({ folder, identity: IDENTITY }))).toBe(replayed([]));
    }
  });

  test('a stale lock is taken by only one of many nodes that find it at once', async () => {
    const folder = newFolder();
    await fs.mkdir(folder);
    await fs.writeFile(join(folder, 'lock'), '');
    const wals = Array.from({ length: 8 }, () => new Wal({ folder, identity: IDENTITY }));
    const results = await Promise.allSettled(wals.map((wal) => wal.recover()));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await Promise.all(wals.map((wal) => wal.close()));
  });
});
