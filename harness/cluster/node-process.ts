import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import type { HostCommand, HostProcess, ProcessEnd, ProcessStart } from '../ports/host.ts';
import { afterAwake } from '../stall.ts';
import { systemReason } from '../system-reason.ts';
import { isRunning, untilStopped } from './process-state.ts';

/** Number of characters of stderr that are kept for error messages; the log file has everything. */
const STDERR_TAIL_CHARS = 4_096;
/** Maximum time to read the pipes of a dead node for its last output, in ms. */
const DRAIN_MS = 1_000;

/**
 * Starts a node's process in a process group of its own, so that the terminal's Ctrl-C does not reach it (the harness
 * decides what happens to nodes). If the harness dies, the broken report pipe ends a node that writes reports.
 */
export async function spawnNode<Line>(options: ProcessStart<Line>): Promise<HostProcess> {
  const log = createWriteStream(options.logFile, { flags: 'a' });
  // A log that cannot be written must not end the run: stderr's tail is still there.
  log.on('error', () => {});
  let child: ChildProcess;
  try {
    child = await spawned(options.command, options.reports?.fd ?? 0);
  } catch (error) {
    log.end();
    throw error;
  }
  const tail = new Tail(STDERR_TAIL_CHARS);
  const streams = child.stdio as readonly unknown[] as readonly Readable[];
  const [, stdout, stderr] = streams as [null, Readable, Readable];
  stdout.on('data', (chunk: Buffer) => log.write(chunk));
  stderr.on('data', (chunk: Buffer) => {
    log.write(chunk);
    tail.add(chunk.toString('utf8'));
  });
  if (options.reports !== undefined) {
    const { fd, reader } = options.reports;
    streams[fd]!.on('data', (chunk: Buffer) => reader.push(chunk).forEach(options.onLine));
    streams[fd]!.once('end', () => void tellIfRunning(child, options.onReportsClosed));
  }
  const pid = child.pid!;
  const end = ended(child, streams.slice(1)).finally(() => log.end());
  return {
    pid,
    end,
    stderr: () => tail.text(),
    signal: (name) => {
      child.kill(name);
      if (name === 'SIGKILL' && child.exitCode === null && child.signalCode === null) killGroup(pid);
    },
    untilStopped: (stopped, withinMs) => untilStopped(pid, stopped, withinMs),
  };
}

/** The pipe of the reports ends with the process, or before it, if the process closes it. */
async function tellIfRunning(child: ChildProcess, onReportsClosed?: () => void): Promise<void> {
  if (onReportsClosed === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // A process whose state cannot be read may be running.
  if (await isRunning(child.pid!).catch(() => true)) onReportsClosed();
}

/** `highestFd`: highest piped file descriptor, besides stdout and stderr. */
async function spawned({ program, args, env }: HostCommand, highestFd: number): Promise<ChildProcess> {
  const further = Array.from({ length: Math.max(0, highestFd - 2) }, () => 'pipe' as const);
  const subprocess = execa(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...further],
    // The pipes are read here, by event, so execa must not collect them in memory.
    buffer: false,
    reject: false,
    detached: true,
    cleanup: false,
    env: { ...env },
  });
  // The promise of execa only repeats the events of the process, so it is not awaited.
  if (subprocess.pid === undefined) {
    const result = await subprocess;
    throw new Error(`cannot start ${[program, ...args].join(' ')}: ${systemReason(result)}`);
  }
  return subprocess.nodeChildProcess;
}

/**
 * After `exit` the pipes may still hold reports; after `close` they are read. What the node started in its process
 * group is ended with it. A process that left the group may still hold the pipes: they are given up after a while, so
 * that it does not keep the harness from ending.
 */
function ended(child: ChildProcess, pipes: readonly Readable[]): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      killGroup(child.pid!);
      const end = (): void => {
        cancel();
        for (const pipe of pipes) pipe.destroy();
        resolve({ code, signal });
      };
      const cancel = afterAwake(DRAIN_MS, end);
      child.once('close', end);
    });
  });
}

/** SIGKILL to every process that is left in the node's process group, whose id is that of the node's process. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // No process is left in it.
  }
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
