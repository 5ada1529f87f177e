import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { installToxiproxy } from './install.ts';
import { findToxiproxy, installedPath } from './server.ts';

describe('installing the real Toxiproxy', () => {
  let cacheDir: string;
  let bin: string;
  beforeEach(() => {
    cacheDir = mkdtempSync(join(tmpdir(), 'chaos-install-'));
    bin = join(cacheDir, 'bin');
    mkdirSync(bin);
    vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`);
    vi.stubEnv('CHAOS_TOXIPROXY_BIN', '');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(cacheDir, { recursive: true, force: true });
  });

  const program = (path: string, script: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  };
  const server = (version: string): string => `echo toxiproxy-server version ${version}`;
  /** A Go whose `go install` puts a program into GOBIN that answers with this version. */
  const go = (version: string): void =>
    program(
      join(bin, 'go'),
      `[ "$1" = version ] && { echo go version go1.26; exit; }
printf '#!/bin/sh\\n${server(version)}\\n' > "$GOBIN/server"; chmod +x "$GOBIN/server"`,
    );
  const install = (): Promise<string> => installToxiproxy({ cacheDir, onProgress: () => {} });

  test('puts what Go built where runs find it', async () => {
    go('2.12.0');
    expect(findToxiproxy(cacheDir)).toBeNull();
    expect(await install()).toBe(installedPath(cacheDir));
    expect(findToxiproxy(cacheDir)).toBe(installedPath(cacheDir));
    expect(readdirSync(join(cacheDir, 'toxiproxy'))).toEqual(['toxiproxy-server']);
  });

  test('does nothing when it is there already, also without Go', async () => {
    program(installedPath(cacheDir), server('2.12.0'));
    program(join(bin, 'go'), 'exit 1');
    expect(await install()).toBe(installedPath(cacheDir));
  });

  test('replaces another version', async () => {
    program(installedPath(cacheDir), server('2.9.0'));
    go('2.12.0');
    await install();
    expect(readdirSync(join(cacheDir, 'toxiproxy'))).toEqual(['toxiproxy-server']);
  });

  test('says how to get it where Go is missing', async () => {
    vi.stubEnv('PATH', bin);
    await expect(install()).rejects.toThrow(/there is no `go` on PATH\. Install Go .*--toxiproxy builtin/);
  });

  test('leaves nothing behind when the build fails, and shows what Go said', async () => {
    program(join(bin, 'go'), '[ "$1" = version ] && exit; echo no route to the module >&2; exit 1');
    await expect(install()).rejects.toThrow(
      /go install .*cmd\/server@v2\.12\.0 failed: no route to the module/,
    );
    expect(readdirSync(join(cacheDir, 'toxiproxy'))).toEqual([]);
  });

  test('refuses a build of another version', async () => {
    go('git');
    await expect(install()).rejects.toThrow('says it is version git');
    expect(findToxiproxy(cacheDir)).toBeNull();
  });

  test('a named binary comes first, then PATH, then the cache', () => {
    program(installedPath(cacheDir), server('2.12.0'));
    expect(findToxiproxy(cacheDir)).toBe(installedPath(cacheDir));
    program(join(bin, 'toxiproxy-server'), server('2.12.0'));
    expect(findToxiproxy(cacheDir)).toBe(join(bin, 'toxiproxy-server'));
    program(join(cacheDir, 'mine'), server('2.12.0'));
    vi.stubEnv('CHAOS_TOXIPROXY_BIN', join(cacheDir, 'mine'));
    expect(findToxiproxy(cacheDir)).toBe(join(cacheDir, 'mine'));
  });
});
