import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Op, RegisterValue } from '../../harness/history/op.ts';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
const CACHE = fileURLToPath(new URL('../../.cache/porcupine', import.meta.url));
/** Maximum time to download one module and compile it, which normally takes seconds. The network may hang. */
const BUILD_DEADLINE_MS = 300_000;
/** PATH with Go's default folder, because its installation does not change PATH. */
const GO_PATH = `${process.env['PATH']}:/usr/local/go/bin`;
const run = promisify(execFile);

/**
 * Returns the path of the program in this folder, built once for these sources, or null if Go is not installed.
 *
 * @throws Error if Go is installed but cannot build it.
 */
export async function buildPorcupine(): Promise<string | null> {
  const hash = createHash('sha256');
  for (const file of globSync('*.{go,mod,sum}', { cwd: SOURCES }).sort())
    hash.update(readFileSync(SOURCES + file));
  const path = `${CACHE}/porcupine-${hash.digest('hex').slice(0, 12)}`;
  if (existsSync(path)) return path;
  const env = { ...process.env, PATH: GO_PATH, GOOS: '', GOARCH: '' };
  const go = await run('go', ['version'], { env }).catch(() => null);
  if (go === null) return null;
  mkdirSync(CACHE, { recursive: true });
  // Two builds at once must not see an incomplete file of the other.
  const built = `${path}.${process.pid}`;
  await run('go', ['build', '-o', built, '.'], { cwd: SOURCES, env, timeout: BUILD_DEADLINE_MS });
  renameSync(built, path);
  return path;
}

/** A Porcupine process that checks many small histories. */
export class PorcupineStream implements AsyncDisposable {
  readonly #child: ChildProcess;
  #verdicts = '';
  #asked = 0;
  #error = '';
  /** Called when there is new output, or when the process has ended. */
  #wake = (): void => {};

  constructor(path: string) {
    this.#child = spawn(path, ['stream'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.once('close', () => this.#wake());
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#verdicts += text;
      this.#wake();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#error += text));
    // Its stderr and its exit code say more than a broken pipe.
    this.#child.stdin!.on('error', () => {});
  }

  /** Sends histories to be checked. `answers` returns the verdicts. */
  ask(histories: readonly (readonly Op[])[]): void {
    this.#asked += histories.length;
    this.#child.stdin!.write(histories.map((ops) => `${encodeHistory(ops)}\n`).join(''));
  }

  /** Resolves to one verdict per history sent since the last call, in order: true if it is linearizable. */
  async answers(): Promise<readonly boolean[]> {
    this.#child.stdin!.write('flush\n');
    while (this.#verdicts.length < this.#asked) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`Porcupine ended: ${this.#error || this.#child.signalCode}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const verdicts = this.#verdicts.split('').map((letter) => letter === 'y');
    this.#verdicts = '';
    this.#asked = 0;
    return verdicts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await ended;
  }
}

/**
 * Formats a history as a line of the stream (`history.go` has the format). Times are replaced by their ranks, which are
 * whole numbers; equal times stay equal.
 *
 * @throws Error for a key or value that contains a blank or a comma.
 */
function encodeHistory(ops: readonly Op[]): string {
  const times = [...new Set(ops.flatMap((op) => [op.call, op.return]))].sort((a, b) => a - b);
  const rank = new Map(times.map((time, index) => [time, index]));
  return ops
    .map((op) => {
      const [from, to] = Array.isArray(op.input)
        ? (op.input as [RegisterValue, string])
        : [undefined, op.input];
      const f = op.error === 'cas-mismatch' ? `${op.f}mismatch` : op.f;
      const end = op.outcome === 'info' ? '~' : rank.get(op.return)!;
      const values = [to as RegisterValue, from, op.output].map(encodeValue);
      return [encodeText(op.key), f, op.outcome, rank.get(op.call)!, end, ...values].join(',');
    })
    .join(' ');
}

const encodeValue = (value: RegisterValue | undefined): string =>
  value === undefined ? '!' : value === null ? '~' : `=${encodeText(value)}`;

function encodeText(text: string): string {
  if (/[\s,]/.test(text))
    throw new Error(
      `${JSON.stringify(text)} contains a blank or a comma, so it cannot be written to the stream`,
    );
  return text;
}
