import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cleanStale } from './clean.ts';
import { listJournals, missingJournal, recordFolder, recordPid, recordProxies } from './journal.ts';

describe('the journal of what a run has started', () => {
  let cacheDir: string;
  let temporary: string;
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'chaos-journal-'));
    cacheDir = join(temporary, 'cache');
    vi.stubEnv('TMPDIR', temporary);
    vi.stubEnv('XDG_RUNTIME_DIR', '');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(temporary, { recursive: true, force: true });
  });

  const files = (): readonly string[] => listJournals(join(cacheDir, 'runs')).map(({ file }) => file);
  /** A process that would stay for a minute. */
  const sleeper = () => execa('sleep', ['60'], { reject: false, detached: true });
  /** Our own record, as if a run that is gone had written it. */
  const orphan = (change: (text: string) => string = (text) => text): void => {
    const [file] = files();
    const journal = JSON.parse(readFileSync(file!, 'utf8')) as { owner: string };
    writeFileSync(file!, change(JSON.stringify({ ...journal, owner: `another start of ${journal.owner}` })));
  };

  test('cleaning ends the recorded processes of a run that is gone', async () => {
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    orphan();
    expect(await cleanStale(cacheDir)).toEqual({
      done: [`ended toxiproxy-server, pid ${child.pid}, left by chaos ${process.pid}`],
      failed: [],
    });
    expect((await child).signal).toBe('SIGKILL');
    expect(readdirSync(join(cacheDir, 'runs'))).toEqual([]);
  });

  test('cleaning removes the recorded folders of a run that is gone', async () => {
    const folder = join(temporary, 'data');
    mkdirSync(join(folder, 'n1'), { recursive: true });
    await recordFolder(cacheDir, folder);
    await recordFolder(cacheDir, join(temporary, 'never made'));
    orphan();
    const { done, failed } = await cleanStale(cacheDir);
    expect(done).toEqual([`removed folder ${folder}, left by chaos ${process.pid}`]);
    expect(failed).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test('cleaning leaves alone what belongs to a run that goes on', async () => {
    const child = sleeper();
    const folder = join(temporary, 'data');
    mkdirSync(folder);
    const forget = await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    const forgetFolder = await recordFolder(cacheDir, folder);
    expect(await cleanStale(cacheDir)).toEqual({ done: [], failed: [] });
    expect(files()).toHaveLength(1);
    expect(existsSync(folder)).toBe(true);
    forget();
    forgetFolder();
    expect(files()).toEqual([]);
    child.kill();
    expect((await child).signal).toBe('SIGTERM');
  });

  test('cleaning does not end another program that got the recorded id', async () => {
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    orphan((text) => text.replaceAll(/"identity":"/g, '"identity":"1'));
    expect(await cleanStale(cacheDir)).toEqual({ done: [], failed: [] });
    expect(files()).toEqual([]);
    child.kill();
    expect((await child).signal).toBe('SIGTERM');
  });

  test('a journal that was cut short stays as long as there is a process of its id, and goes then', async () => {
    const child = sleeper();
    const runs = join(cacheDir, 'runs');
    mkdirSync(runs, { recursive: true });
    writeFileSync(join(runs, `${child.pid}-00.json`), '{"owner":');
    writeFileSync(join(runs, `${child.pid}-01.json.draft`), '{"owner":');
    expect(await cleanStale(cacheDir)).toEqual({ done: [], failed: [] });
    expect(files()).toHaveLength(2);
    child.kill();
    await child;
    expect(await cleanStale(cacheDir)).toEqual({ done: [], failed: [] });
    expect(files()).toEqual([]);
  });

  test('a journal of another machine or container is not touched', async () => {
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    orphan((text) => text.replace('"place":"', '"place":"elsewhere '));
    const { done, failed } = await cleanStale(cacheDir);
    expect(done).toEqual([]);
    expect(failed).toEqual([expect.stringContaining('belongs to another machine or container')]);
    expect(files()).toHaveLength(1);
    child.kill();
    await child;
  });

  test('proxies of a server that is gone are forgotten', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await recordProxies(cacheDir, `http://127.0.0.1:${port}`, ['chaos-1-n1->n2']);
    orphan();
    expect(await cleanStale(cacheDir)).toEqual({ done: [], failed: [] });
    expect(files()).toEqual([]);
  });

  test('the journal is in a folder of the user if the cache cannot be written', async () => {
    // A file in the way keeps out root too.
    writeFileSync(cacheDir, '');
    const own = join(temporary, `chaos-runs-${process.getuid!()}`);
    const child = sleeper();
    await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
    expect(await missingJournal(cacheDir)).toBeNull();
    expect(listJournals(own)).toHaveLength(1);
    const [{ file } = { file: '' }] = listJournals(own);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"owner":"', '"owner":"1'));
    expect((await cleanStale(cacheDir)).done).toHaveLength(1);
    expect((await child).signal).toBe('SIGKILL');
  });

  test('XDG_RUNTIME_DIR comes before the temporary folder', async () => {
    writeFileSync(cacheDir, '');
    const runtime = join(temporary, 'runtime');
    mkdirSync(runtime);
    vi.stubEnv('XDG_RUNTIME_DIR', runtime);
    await recordFolder(cacheDir, join(temporary, 'x'));
    expect(listJournals(join(runtime, 'chaos-runs'))).toHaveLength(1);
  });

  test('where no folder can be written, that is told', async () => {
    writeFileSync(cacheDir, '');
    vi.stubEnv('TMPDIR', '/nonexistent/folder');
    expect(await missingJournal(cacheDir)).toMatch(
      /no journal can be written \(tried .*nonexistent.*chaos clean/,
    );
  });

  test.skipIf(process.getuid?.() !== 0)(
    'a user cannot clean what belongs to another user, and is told',
    async () => {
      const child = sleeper();
      await recordPid(cacheDir, child.pid!, 'toxiproxy-server');
      orphan();
      for (const folder of [temporary, cacheDir]) chmodSync(folder, 0o755);
      chmodSync(join(cacheDir, 'runs'), 0o755);
      for (const file of files()) chmodSync(file, 0o644);
      const script = `const { cleanStale } = await import(${JSON.stringify(import.meta.resolve('./clean.ts'))});
      process.setuid(65534);
      console.log(JSON.stringify(await cleanStale(${JSON.stringify(cacheDir)})));`;
      const text = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
      });
      const { done, failed } = JSON.parse(text) as { done: string[]; failed: string[] };
      expect(done).toEqual([]);
      expect(failed).toEqual([
        expect.stringMatching(/toxiproxy-server, pid \d+, left by chaos \d+: .*EPERM/),
      ]);
      expect(files()).toHaveLength(1);
      child.kill();
      expect((await child).signal).toBe('SIGTERM');
    },
  );

  test('cleaning where nothing was ever recorded does nothing', async () => {
    expect(await cleanStale(join(cacheDir, 'nowhere'))).toEqual({ done: [], failed: [] });
  });
});
