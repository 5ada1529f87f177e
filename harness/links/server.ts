import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Toxiproxy } from 'toxiproxy-node-client';
import type { LinksServer } from '../event.ts';
import { heartbeat, monotonicMs, stoppedMs } from '../stall.ts';
import { call, toxiproxyAt } from './deadline.ts';
import { recordFolder, recordPid } from './journal.ts';
import { releasePorts, takePorts } from './ports.ts';
import { serverDir, spawnServer, type ServerProcess, type ServerProgram } from './server-process.ts';

/** Maximum time from the start to the first answer, in ms. The usual time is 30 ms (real) or 200 ms (built-in). */
const START_DEADLINE_MS = 10_000;
const START_POLL_MS = 4;
/** Number of API ports that are tried, in case another program takes one between our trial and the server's start. */
const START_ATTEMPTS = 5;
/** Time between SIGTERM and SIGKILL, in ms. The real server waits for API calls that hang. */
const STOP_GRACE_MS = 1_000;

/** A Toxiproxy server that answers. */
export interface RunningServer extends LinksServer {
  readonly api: Toxiproxy;
  /** Ends the server if this process started it. Idempotent. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /**
   * A URL, `real`, `builtin`, or the path of a binary. If absent, the real server if there is one, else the built-in
   * one.
   */
  readonly choice: string | undefined;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** Called if the server that this process started has ended by itself, or cannot work any more. */
  readonly onExit: (detail: string) => void;
}

/**
 * Connects to the Toxiproxy at a URL, or starts the real one, or the built-in one, in this order. @throws an error that
 * says how to fix it, if the requested one is not available.
 */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  const { choice, cacheDir } = options;
  if (choice !== undefined && /^https?:\/\//.test(choice)) {
    if (!URL.canParse(choice))
      throw new Error(`--toxiproxy ${choice}: not a URL; write for example http://127.0.0.1:8474`);
    return connect(choice.replace(/\/+$/, ''));
  }
  if (choice === 'builtin') return start({ kind: 'builtin' }, options);
  const binary = choice === undefined || choice === 'real' ? findToxiproxy(cacheDir) : resolve(choice);
  if (binary === null && choice === 'real') {
    throw new Error(
      'no toxiproxy-server on PATH or in the cache: run `chaos toxiproxy install`, or give --toxiproxy a path',
    );
  }
  if (binary === null) return start({ kind: 'builtin' }, options);
  const refused = refusalToRun(binary);
  if (refused !== null) {
    throw new Error(
      `--toxiproxy ${choice}: ${refused}; give a URL, \`real\`, \`builtin\` or the path of a toxiproxy-server`,
    );
  }
  return start({ kind: 'toxiproxy', binary }, options);
}

/**
 * The real server: CHAOS_TOXIPROXY_BIN, then PATH, then the one that `chaos toxiproxy install` built; null if there is
 * none.
 */
export function findToxiproxy(cacheDir: string): string | null {
  const named = process.env['CHAOS_TOXIPROXY_BIN'] ?? '';
  const dirs = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => isAbsolute(dir));
  const candidates = [...(named === '' ? [] : [named]), ...dirs.map((dir) => join(dir, 'toxiproxy-server'))];
  return [...candidates, installedPath(cacheDir)].find(isExecutable) ?? null;
}

/** Where `chaos toxiproxy install` puts the server. */
export const installedPath = (cacheDir: string): string => join(cacheDir, 'toxiproxy', 'toxiproxy-server');

const isExecutable = (path: string): boolean => refusalToRun(path) === null;

/** Returns the reason why a program cannot be run; null if it can. */
function refusalToRun(path: string): string | null {
  try {
    if (statSync(path).isDirectory()) return 'this is a folder';
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such program';
    return code === 'EACCES' ? 'it must not be run (permission denied; chmod +x?)' : message;
  }
}

async function connect(url: string): Promise<RunningServer> {
  const api = toxiproxyAt(url);
  try {
    return { kind: 'external', version: await readVersion(api), url, api, stop: async () => {} };
  } catch (error) {
    const text = `no Toxiproxy answers at ${url}: start one there, or leave --toxiproxy and CHAOS_TOXIPROXY_URL out`;
    throw new Error(`${text} (${(error as Error).message})`, { cause: error });
  }
}

class PortTakenError extends Error {}

async function start(program: ServerProgram, options: ServerOptions): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    options.signal.throwIfAborted();
    const port = (await takePorts(1))[0]!;
    try {
      return await startOn(port, program, options);
    } catch (error) {
      releasePorts([port]);
      if (!(error instanceof PortTakenError) || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startOn(port: number, program: ServerProgram, options: ServerOptions): Promise<RunningServer> {
  const { cacheDir } = options;
  const dir = serverDir();
  const forgetDir = await recordFolder(cacheDir, dir);
  let server: ServerProcess;
  try {
    server = spawnServer({ program, port, cacheDir, dir });
  } catch (error) {
    forgetDir();
    throw error;
  }
  let wanted = false;
  let stopping: Promise<void> | null = null;
  let forget = (): void => {};
  const stop = (): Promise<void> => {
    wanted = true;
    stopping ??= end(server).then(() => {
      forget();
      forgetDir();
      releasePorts([port]);
    });
    return stopping;
  };
  try {
    const url = `http://127.0.0.1:${port}`;
    const api = toxiproxyAt(url);
    if (server.pid !== undefined) forget = await recordPid(cacheDir, server.pid, 'toxiproxy-server');
    await answer(server, api, options.signal);
    const version = await readVersion(api);
    void server.starved.then((words) => {
      if (!wanted)
        options.onExit(`it has no free file descriptors; raise the limit (ulimit -n): ${words.trim()}`);
    });
    void server.exited.then(() => {
      forget();
      forgetDir();
      if (!wanted) options.onExit(server.exit()!);
    });
    return { kind: program.kind, version, url, api, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until this server answers. Its marker distinguishes it from another server that already uses the port. */
async function answer(server: ServerProcess, api: Toxiproxy, signal: AbortSignal): Promise<void> {
  const from = monotonicMs();
  let refusal = '';
  for (;;) {
    signal.throwIfAborted();
    const marker = await call('answer', () => api.get(server.marker)).catch((error: Error) => {
      refusal = error.message;
      return null;
    });
    if (marker !== null) {
      server.started();
      return call('delete the marker', () => marker.remove());
    }
    if (/address already in use|EADDRINUSE/.test(server.output()))
      throw new PortTakenError(server.output().trim());
    if (server.exit() !== null) throw new Error(`Toxiproxy did not start: ${server.exit()}`);
    if (monotonicMs() - from - stoppedMs(heartbeat.stalls(), from) > START_DEADLINE_MS) {
      const output = server.output().trim();
      throw new Error(
        `Toxiproxy did not answer at ${api.host} within ${START_DEADLINE_MS} ms: ${refusal}${output === '' ? '' : `; last words: ${output}`}`,
      );
    }
    await sleep(START_POLL_MS);
  }
}

async function end(server: ServerProcess): Promise<void> {
  server.kill('SIGTERM');
  await Promise.race([server.exited, sleep(STOP_GRACE_MS, undefined, { ref: false })]);
  if (server.exit() === null) server.kill('SIGKILL');
  await server.exited;
}

/** The API answers `{"version": "2.12.0"}` as text. */
async function readVersion(api: Toxiproxy): Promise<string> {
  const text = await call('tell its version', () => api.getVersion());
  const match = /"version"\s*:\s*"([^"]*)"/.exec(text);
  if (match === null)
    throw new Error(`what answers at ${api.host} is not Toxiproxy: ${JSON.stringify(text.slice(0, 80))}`);
  return match[1]!;
}
