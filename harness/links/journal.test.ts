import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cleanStale, recordPid } from './journal.ts';

describe('the journal of started processes', () => {
  let cacheDir: string;
  beforeEach(() => {
    cacheDir = mkdtempSync(join(tmpdir(), 'chaos-journal-'));
  });
  afterEach(() => rmSync(cacheDir, { recursive: true, force: true }));

  const files = (): readonly string[] => readdirSync(join(cacheDir, 'runs'));
  /** A process that would stay for a minute. */
  const sleeper = () => execa('sleep', ['60'], { reject: false });
  /** Our own record, as if a run that is gone had written it. */
  const orphan = (change: (text: string) => string = (text) => text): void => {
    const file = join(cacheDir, 'runs', `${process.pid}.json`);
    const journal = JSON.parse(readFileSync(file, 'utf8')) as { owner: string };
    writeFileSync(file, change(JSON.stringify({ ...journal, owner: `another start of ${journal.owner}` })));
  };

  test('cleaning ends the recorded processes of a run that is gone', async () => {
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    orphan();
    expect(await cleanStale(cacheDir)).toEqual([
      `toxiproxy-server, pid ${child.pid}, left by chaos ${process.pid}`,
    ]);
    expect((await child).signal).toBe('SIGKILL');
    expect(files()).toEqual([]);
  });

  test('cleaning leaves alone what belongs to a run that goes on', async () => {
    const child = sleeper();
    const forget = await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    expect(await cleanStale(cacheDir)).toEqual([]);
    expect(files()).toEqual([`${process.pid}.json`]);
    forget();
    expect(files()).toEqual([]);
    child.kill();
    expect((await child).signal).toBe('SIGTERM');
  });

  test('cleaning does not end another program that got the recorded id', async () => {
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    orphan((text) => text.replace('sleep 60', 'sleep 61'));
    expect(await cleanStale(cacheDir)).toEqual([]);
    expect(files()).toEqual([]);
    child.kill();
    expect((await child).signal).toBe('SIGTERM');
  });

  test('a journal that was cut short is removed', async () => {
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    orphan((text) => text.slice(0, 20));
    expect(await cleanStale(cacheDir)).toEqual([]);
    expect(files()).toEqual([]);
    child.kill();
    await child;
  });

  test('cleaning where nothing was ever recorded does nothing', async () => {
    expect(await cleanStale(join(cacheDir, 'nowhere'))).toEqual([]);
  });
});
