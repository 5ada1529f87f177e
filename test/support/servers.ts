import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { findToxiproxy, openServer, type RunningServer } from '../../harness/links/server.ts';

const CACHE_DIR = fileURLToPath(new URL('../../.cache', import.meta.url));

/** A Toxiproxy server to run the tests with. */
export interface ServerUnderTest {
  readonly name: string;
  readonly choice: string;
  /** Reason why it cannot be tested here, or null. If the real server is required but missing, its tests fail. */
  readonly missing: string | null;
}

const real = findToxiproxy(CACHE_DIR);
// `.ci/run` sets the variable. `CI` does not count, because other CI jobs run `npm test` without a real server.
const skipReal = real === null && process.env['CHAOS_REQUIRE_REAL'] !== '1';
if (skipReal) {
  console.warn(
    'no toxiproxy-server found: tests of both servers run with the built-in one only; run `chaos toxiproxy install`',
  );
}

export const SERVERS: readonly ServerUnderTest[] = [
  { name: 'the built-in server', choice: 'builtin', missing: null },
  { name: 'the real server', choice: real ?? 'real', missing: skipReal ? 'no toxiproxy-server found' : null },
];

/** Makes a temporary folder to use instead of the project's cache. */
export function scratchDir(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'chaos-links-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a server that must not end by itself. */
export function startServer(choice: string, cacheDir: string): Promise<RunningServer> {
  return openServer({
    choice,
    cacheDir,
    signal: AbortSignal.timeout(30_000),
    onExit: (detail) => expect.unreachable(detail),
  });
}

/** Sends one request to a server's API without the client library, which hides statuses and bodies. */
export async function request(
  server: RunningServer,
  method: string,
  path: string,
  body?: string | object,
): Promise<{ readonly status: number; readonly text: string; readonly json: unknown }> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(server.url + path, {
    method,
    signal: AbortSignal.timeout(15_000),
    ...(text === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  return { status: response.status, text: answer, json: parse(answer) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
