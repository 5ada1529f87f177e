import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HarnessEvent } from '../../harness/event.ts';
import type { RunResult } from '../../harness/result.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHER = join(ROOT, 'harness', 'cli', 'chaos.mjs');
/** Variable that all processes of a run inherit, so that /proc shows those left behind, whatever their name. */
const TAG_VARIABLE = 'CHAOS_TEST_TAG';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `chaos` command with its own report folder, started as a user does: real processes, no terminal. */
export class Chaos {
  readonly out = mkdtempSync(join(tmpdir(), 'chaos-test-'));
  readonly #tag = randomUUID();
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  readonly #watchers = new Set<() => void>();
  #stdout = '';
  #stderr = '';

  constructor(
    args: readonly string[] | ((out: string) => readonly string[]),
    options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ) {
    const given = typeof args === 'function' ? args(this.out) : args;
    const run = given[0] === 'run' && !given.includes('--out') ? ['--out', this.out] : [];
    this.#child = spawn(process.execPath, [LAUNCHER, ...given, ...run], {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env, [TAG_VARIABLE]: this.#tag },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#grew(() => (this.#stdout += chunk.toString())));
    this.#child.stderr!.on('data', (chunk: Buffer) => this.#grew(() => (this.#stderr += chunk.toString())));
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        this.#grew(() => undefined);
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  /** Returns false if it has ended already. */
  kill(signal: NodeJS.Signals): boolean {
    return this.#child.kill(signal);
  }

  /** Closes our end of its output, as a closed terminal or `| head` does. */
  hangUp(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  /** Resolves with the first match in its stdout. Rejects if the command ends without one. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match !== null) return match;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`ended without ${String(pattern)}\n${this.#stdout}\n${this.#stderr}`);
      }
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** Path of the newest report folder. */
  get dir(): string {
    return join(this.out, 'latest');
  }
  get result(): RunResult {
    return JSON.parse(readFileSync(join(this.dir, 'result.json'), 'utf8')) as RunResult;
  }
  get events(): readonly HarnessEvent[] {
    return readFileSync(join(this.dir, 'events.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as HarnessEvent);
  }
  /** Names of the files that every run must write, and that are missing. */
  get missing(): readonly string[] {
    return this.missingIn(this.dir);
  }
  /** As `missing`, for a report in another folder. */
  missingIn(dir: string): readonly string[] {
    const required = [
      'report.html',
      'result.json',
      'junit.xml',
      'summary.md',
      'history.jsonl',
      'events.jsonl',
      'scenario.yaml',
      'run.scenario.yaml',
      'logs',
    ];
    return required.filter((file) => !existsSync(join(dir, file)));
  }

  /** Processes that this run started and that still run, each as `pid: command line`. */
  get left(): readonly string[] {
    const left: string[] = [];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        if (!environment.includes(`${TAG_VARIABLE}=${this.#tag}`)) continue;
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has no command line: it has ended, but its parent has not collected it yet.
        if (command !== '') left.push(`${pid}: ${command}`);
      } catch {
        // It ended meanwhile.
      }
    }
    return left;
  }

  /** Waits until no process is left, at most 5 s, and returns those that are. For use after kill -9. */
  async settles(): Promise<readonly string[]> {
    for (let i = 0; i < 100 && this.left.length > 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return this.left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => undefined);
    for (const line of this.left) {
      try {
        process.kill(Number(line.split(':')[0]), 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    rmSync(this.out, { recursive: true, force: true, maxRetries: 3 });
  }

  #grew(change: () => void): void {
    change();
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

/** Starts a `chaos` command. For use with `await using`. */
export const chaos = (...args: ConstructorParameters<typeof Chaos>): Chaos => new Chaos(...args);
