import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { systemReason } from '../system-reason.ts';

const BUILTIN_MAIN = fileURLToPath(new URL('builtin/main.ts', import.meta.url));
/** Number of characters of the server's last output that are kept for an error. */
const OUTPUT_TAIL_CHARS = 2_000;

/** Line in which the real server (Go) or the built-in one says that it has no free file descriptors. */
const STARVED = /.*(?:too many open files|EMFILE|ENFILE).*/;

export type ServerProgram =
  | { readonly kind: 'toxiproxy'; readonly binary: string }
  | { readonly kind: 'builtin' };

/** A Toxiproxy server process. Ends with this process, however that ends. */
export interface ServerProcess {
  readonly pid: number | undefined;
  /** Name of a disabled proxy that only this server has. */
  readonly marker: string;
  /** The end of its output. */
  output(): string;
  /** Description of its end; null while it runs. */
  exit(): string | null;
  readonly exited: Promise<void>;
  /** Resolves with the server's words if it has no free file descriptors: links then fail without being told to. */
  readonly starved: Promise<string>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** It has answered: the files that it read at its start can be removed. */
  started(): void;
}

export interface SpawnOptions {
  readonly program: ServerProgram;
  readonly port: number;
  readonly cacheDir: string;
  /** A folder that does not exist yet, for files that the server reads at its start. */
  readonly dir: string;
}

/** A new name in the temporary folder, for `SpawnOptions.dir`. */
export const serverDir = (): string => join(tmpdir(), `chaos-toxiproxy-${randomUUID()}`);

/** Starts a server with its API on 127.0.0.1:`port`; it has not yet answered when this returns. */
export function spawnServer({ program, port, cacheDir, dir }: SpawnOptions): ServerProcess {
  const marker = `chaos-marker-${randomUUID()}`;
  mkdirSync(dir, { mode: 0o700 });
  const config = join(dir, 'marker.json');
  writeFileSync(
    config,
    JSON.stringify([{ name: marker, listen: '127.0.0.1:0', upstream: '127.0.0.1:9', enabled: false }]),
  );

  const builtin = program.kind === 'builtin';
  const [file, first] = builtin ? [process.execPath, [BUILTIN_MAIN]] : [program.binary, []];
  const leashed = builtin ? ['-end-with-stdin'] : [];
  const flags = [
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-config',
    config,
    '-proxy-metrics',
    '-runtime-metrics',
  ];
  const child = execa(file, [...first, ...flags, ...leashed], {
    // The built-in server ends when its stdin does, which happens however this process ends.
    stdin: builtin ? 'pipe' : 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // It gets a process group of its own, because Ctrl-C must not end the links before the run has healed and stopped.
    detached: true,
    env: {
      LOG_LEVEL: 'warn',
      // Halves the built-in server's start, from its second run on.
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(cacheDir, 'compile'),
    },
  });
  const release = builtin || child.pid === undefined ? async () => {} : leash(child.pid);

  const removeConfig = (): void => {
    try {
      rmSync(dir, { recursive: true, force: true });
    } catch {
      // A small file stays in the folder for temporary files; this is no reason to end a run.
    }
  };

  const starved = Promise.withResolvers<string>();
  let output = '';
  const listen = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_TAIL_CHARS);
    const words = STARVED.exec(output);
    if (words !== null) starved.resolve(words[0]);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  child.stdin?.on('error', () => {});

  let exit: string | null = null;
  const exited = child.then(async (result) => {
    const name = builtin ? 'the built-in Toxiproxy' : file;
    const how = result.signal ?? (result.exitCode === undefined ? null : `exit code ${result.exitCode}`);
    const end =
      how === null
        ? `${name} could not be started: ${systemReason(result)}`
        : `${name} (pid ${child.pid}) ended: ${how}`;
    exit = `${end}${output === '' ? '' : `; last words: ${output.trim()}`}`;
    removeConfig();
    await release();
  });
  return {
    pid: child.pid,
    marker,
    output: () => output,
    exit: () => exit,
    exited,
    starved: starved.promise,
    kill: (signal) => void child.kill(signal),
    started: removeConfig,
  };
}

/**
 * Ends `pid` if this process is killed (kill -9) before it could do so: a shell waits for the end of a pipe that only
 * this process holds. Returns a function that ends the shell, for the time after `pid` has ended.
 */
function leash(pid: number): () => Promise<void> {
  const shell = execa('sh', ['-c', 'read -r _; kill -9 "$1"', 'chaos-leash', String(pid)], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    reject: false,
    detached: true,
  });
  shell.stdin.on('error', () => {});
  return async () => {
    shell.kill('SIGKILL');
    await shell;
  };
}
