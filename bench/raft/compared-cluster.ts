import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Links } from '../../harness/ports/links.ts';

export interface Member {
  readonly id: string;
  /** Address (`host:port`) for clients. */
  readonly address: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly dataFolder: string;
}

export type Target = 'chaos' | 'etcd';

/** The node processes of one side of the comparison. They are killed when it is disposed of. */
export class ComparedCluster implements AsyncDisposable {
  readonly target: Target;
  readonly members: readonly Member[];
  /** Null: nodes and clients are connected directly. */
  readonly links: Links | null;
  readonly #folder: string;
  readonly #running = new Map<string, ChildProcess>();

  constructor(target: Target, folder: string, members: readonly Member[], links: Links | null) {
    this.target = target;
    this.members = members;
    this.links = links;
    this.#folder = folder;
  }

  start(id: string): void {
    const { command, dataFolder } = this.member(id);
    const isFirst = this.target === 'chaos' && !existsSync(join(dataFolder, 'identity'));
    const log = openSync(join(this.#folder, `${id}.log`), 'a');
    const args = [...command.slice(1), ...(isFirst ? ['--bootstrap'] : [])];
    const child = spawn(command[0]!, args, { stdio: ['ignore', log, log] });
    child.on('error', (error) => console.error(`${id}: ${error.message}`));
    this.#running.set(id, child);
  }

  startAll(): void {
    for (const { id } of this.members) this.start(id);
  }

  /** Resolves when the process is gone. */
  async kill(id: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#running.get(id);
    if (child === undefined) return;
    this.#running.delete(id);
    const gone = new Promise((resolve) => child.once('close', resolve));
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await gone;
  }

  async killAll(): Promise<void> {
    await Promise.all(this.members.map(({ id }) => this.kill(id)));
  }

  /** Sends a signal, such as SIGSTOP or SIGCONT. */
  signal(id: string, signal: NodeJS.Signals): void {
    this.#running.get(id)?.kill(signal);
  }

  pid(id: string): number {
    const pid = this.#running.get(id)?.pid;
    if (pid === undefined)
      throw new Error(`${this.target} ${id} is not running; see ${this.#folder}/${id}.log`);
    return pid;
  }

  get pids(): readonly number[] {
    return [...this.#running.values()].map((child) => child.pid!);
  }

  member(id: string): Member {
    return this.members.find((member) => member.id === id)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killAll();
    await this.links?.[Symbol.asyncDispose]();
  }
}
