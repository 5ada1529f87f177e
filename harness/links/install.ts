import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { systemReason } from '../system-reason.ts';
import { recordFolder } from './journal.ts';
import { installedPath } from './server.ts';

const VERSION = '2.12.0';
const MODULE = `github.com/Shopify/toxiproxy/v2/cmd/server@v${VERSION}`;
/** Without the flag the binary calls itself version "git". */
const LDFLAGS = `-X github.com/Shopify/toxiproxy/v2.Version=${VERSION}`;
/** Downloading and compiling takes under a minute on two cores; a network that hangs must not hold us for ever. */
const BUILD_DEADLINE_MS = 600_000;

export interface InstallOptions {
  readonly cacheDir: string;
  readonly onProgress: (text: string) => void;
}

/**
 * Builds toxiproxy-server 2.12.0 with Go (which checks the source against its checksum database) into the cache and
 * returns its path. Does nothing if it exists already. The file appears by one rename, so that a run never finds half
 * of one. @throws an error that says how to fix it, if Go is missing or the build fails.
 */
export async function installToxiproxy({ cacheDir, onProgress }: InstallOptions): Promise<string> {
  const path = installedPath(cacheDir);
  if ((await versionOf(path)) === VERSION) {
    onProgress(`Toxiproxy ${VERSION} is already there`);
    return path;
  }
  const go = await execa('go', ['version'], { reject: false });
  // 127: a script that stands for `go` (of a version manager) finds none.
  if (go.code === 'ENOENT' || go.exitCode === 127) throw new Error(WITHOUT_GO);
  if (go.failed) throw new Error(`\`go version\` failed: ${go.stderr || systemReason(go)}`);
  onProgress(`building Toxiproxy ${VERSION} with ${go.stdout}`);
  mkdirSync(dirname(path), { recursive: true });
  const dir = join(dirname(path), `build-${randomUUID()}`);
  const forget = await recordFolder(cacheDir, dir);
  try {
    mkdirSync(dir);
    await build(dir);
    const built = join(dir, process.platform === 'win32' ? 'server.exe' : 'server');
    const version = await versionOf(built);
    if (version !== VERSION)
      throw new Error(`what Go built from ${MODULE} says it is version ${version ?? '(nothing)'}`);
    renameSync(built, path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
    forget();
  }
  return path;
}

async function build(dir: string): Promise<void> {
  const result = await execa('go', ['install', '-ldflags', LDFLAGS, MODULE], {
    // go install refuses to put a binary for another system into GOBIN; we run it here, so we build for here.
    env: { GOBIN: dir, GOOS: '', GOARCH: '' },
    reject: false,
    timeout: BUILD_DEADLINE_MS,
    all: true,
  });
  if (result.failed)
    throw new Error(
      `go install ${MODULE} failed: ${result.all?.trim().slice(-1_000) || result.shortMessage}`,
    );
}

/** `toxiproxy-server version 2.12.0` → `2.12.0`; null if it does not run. */
async function versionOf(path: string): Promise<string | null> {
  const result = await execa(path, ['-version'], { reject: false, timeout: 5_000 });
  return /version (\S+)/.exec(result.stdout ?? '')?.[1] ?? null;
}

const WITHOUT_GO =
  'the real Toxiproxy is built with Go, and there is no `go` on PATH. Install Go (https://go.dev/dl), or Toxiproxy itself ' +
  '(macOS: `brew install toxiproxy`; else a release from https://github.com/Shopify/toxiproxy/releases, put on PATH as ' +
  '`toxiproxy-server`), or use the built-in server: --toxiproxy builtin';
