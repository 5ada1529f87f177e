import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { ReportReader, type ReportLine } from '../systems/raft/report-lines.ts';
import { NODE_FLAGS } from '../systems/raft/node-flags.ts';

/** What is kept of stderr for error messages; the log file has it all. */
const STDERR_TAIL_CHARS = 4_096;
/** How long a dead node's pipes are read for what it had still written. */
const DRAIN_MS = 1_000;

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * One operating-system process of a node, from spawn to the end of its pipes. `end` resolves (never rejects) when it is
 * gone and its reports are read.
 */
export interface NodeProcess {
  readonly pid: number;
  readonly end: Promise<ProcessEnd>;
  /** The last lines of stderr so far. */
  stderr(): string;
  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
}

/**
 * Spawns `node <program> <args>`. The process leads a group of its own, so that the terminal's Ctrl-C does not reach it
 * (the harness decides what happens to nodes); should the harness die, the broken report pipe ends it.
 * Rejects with a sentence if the spawn fails (no such file, no more descriptors, no more processes).
 */
export async function spawnNode(options: {
  readonly program: string;
  readonly args: readonly string[];
  /** stdout and stderr are appended here. */
  readonly logFile: string;
  readonly onLine: (line: ReportLine) => void;
}): Promise<NodeProcess> {
  const log = createWriteStream(options.logFile, { flags: 'a' });
  // A log that cannot be written must not end the run: stderr's tail is still there.
  log.on('error', () => {});
  let child: ChildProcess;
  try {
    child = await spawned(options.program, options.args);
  } catch (error) {
    log.end();
    throw error;
  }
  const tail = new Tail(STDERR_TAIL_CHARS);
  const [, stdout, stderr, reports] = child.stdio as readonly unknown[] as [
    null,
    Readable,
    Readable,
    Readable,
  ];
  stdout.on('data', (chunk: Buffer) => log.write(chunk));
  stderr.on('data', (chunk: Buffer) => {
    log.write(chunk);
    tail.add(chunk.toString('utf8'));
  });
  const reader = new ReportReader();
  reports.on('data', (chunk: Buffer) => reader.push(chunk).forEach(options.onLine));
  const end = ended(child).finally(() => log.end());
  return {
    pid: child.pid!,
    end,
    stderr: () => tail.text(),
    signal: (name) => void child.kill(name),
  };
}

async function spawned(program: string, args: readonly string[]): Promise<ChildProcess> {
  const subprocess = execa(process.execPath, [...NODE_FLAGS, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // The pipes are read here, by event: nothing is to be gathered in memory.
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
    // Options of the harness's own Node.js (an inspector, a test runner's loader) are not the node's.
    env: { NODE_OPTIONS: undefined },
  });
  // Awaited or not, execa's promise only repeats what the process's own events say.
  if (subprocess.pid === undefined) {
    const result = await subprocess;
    throw new Error(`cannot start ${process.execPath} ${program}: ${result.message ?? 'the spawn failed'}`);
  }
  return subprocess.nodeChildProcess;
}

/** After `exit` the pipes may still hold reports; `close` says that they are read. */
function ended(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => resolve({ code, signal }), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
}

/** The last characters of a stream. */
class Tail {
  readonly #limit: number;
  #text = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#text = (this.#text + text).slice(-this.#limit);
  }

  text(): string {
    return this.#text.trimEnd();
  }
}
