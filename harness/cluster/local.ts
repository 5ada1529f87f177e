import { join } from 'node:path';
import { monotonicMs } from '../clock.ts';
import { withinAwake } from '../stall.ts';
import type { Links } from '../ports/links.ts';
import type { Cluster, ClusterEvent, NodeExit, NodeLife, NodeView } from '../ports/cluster.ts';
import type { Host, HostProcess } from '../ports/host.ts';
import type { NodeLine, NodeSetup, System } from '../ports/system.ts';
import { Listeners } from '../listeners.ts';
import { localHost } from './local-host.ts';
import { Members, type Member } from './members.ts';

/** Time limits of the port, and of a signalled process until it has the requested state, in ms. */
const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 5_000;
const KILL_WITHIN_MS = 5_000;
const PAUSE_WITHIN_MS = 2_000;

export interface LocalClusterOptions {
  readonly nodes: readonly { readonly id: string; readonly peerPort: number; readonly clientPort: number }[];
  /** Nodes dial each other only through these. */
  readonly links: Pick<Links, 'address'>;
  /** Each node's data folder is `dir/<id>`. */
  readonly dir: string;
  /** Each node's stdout and stderr go to `logsDir/<id>.log`, appended over restarts. */
  readonly logsDir: string;
  /** The run's beginning on `monotonicMs`. */
  readonly originMs: number;
  readonly system: System;
  /** Default: this machine. */
  readonly host?: Host;
  readonly electionTimeoutMs: readonly [number, number];
  readonly heartbeatMs: number;
  readonly seed: number;
  /**
   * Records a node's process in the journal of `chaos clean`, because a paused node cannot notice that the harness was
   * killed. Resolves to a function that removes the record.
   */
  readonly journal?: (pid: number, what: string) => Promise<() => void>;
}

/** Port `Cluster` over real processes of this machine. Nothing runs until `start`. */
export function localCluster(options: LocalClusterOptions): Cluster {
  const { host = localHost } = options;
  host.makeFolder(options.dir);
  host.makeFolder(options.logsDir);
  return new LocalCluster(options, host);
}

/** One node: its state, and its process while there is one. */
interface LocalMember extends Member {
  process: HostProcess | null;
  /** True if the harness has asked `process` to end. */
  endExpected: boolean;
  /**
   * True if the node was ready once. From then on its data folder holds its votes and entries, so after a wipe it is
   * started as another incarnation and not for the first time.
   */
  born: boolean;
  /** The last problem in the reports of the process, for the error if it does not get ready. */
  problem: string | null;
}

const newMember = (id: string): LocalMember => ({
  id,
  life: 'down',
  process: null,
  get pid() {
    return this.process?.pid ?? null;
  },
  endExpected: false,
  born: false,
  problem: null,
});

class LocalCluster implements Cluster {
  readonly nodes: readonly string[];
  readonly #options: LocalClusterOptions;
  readonly #host: Host;
  readonly #members: Members<LocalMember>;
  readonly #listeners = new Listeners<ClusterEvent>();
  #disposed: Promise<void> | null = null;

  constructor(options: LocalClusterOptions, host: Host) {
    this.#options = options;
    this.#host = host;
    this.nodes = options.nodes.map((node) => node.id);
    this.#members = new Members(this.nodes.map(newMember));
  }

  view(node: string): NodeView {
    return this.#members.view(node);
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  async start(node: string): Promise<void> {
    const member = this.#members.forAction('start', node);
    const { system } = this.#options;
    const { promise: ready, resolve: onReady } = Promise.withResolvers<'ready'>();
    const becomeReady = (): void => {
      member.born = true;
      if (member.life === 'starting') this.#setLife(member, 'up');
      onReady('ready');
    };
    member.endExpected = false;
    member.problem = null;
    this.#setLife(member, 'starting');
    const setup = this.#setup(node);
    const process = await this.#host
      .start<NodeLine>({
        command: system.command(setup),
        logFile: join(this.#options.logsDir, `${node}.log`),
        ...(system.reports !== undefined && {
          reports: { fd: system.reports.fd, reader: system.reports.reader(setup) },
        }),
        onReportsClosed: () => {
          const message = 'it closed the pipe of its reports, but goes on running';
          if (!member.endExpected) this.#tell(node, { type: 'problem', message, traceHole: true });
        },
        onLine: (line) => {
          // Before the line itself, so that its listeners find the node up.
          if (line.type === 'ready' && system.ready === undefined) becomeReady();
          this.#tell(node, line);
        },
      })
      .catch((error: Error) => {
        this.#setLife(member, 'down');
        throw new Error(`${node} did not start: ${error.message}`);
      });
    member.process = process;
    const forget = await this.#options.journal?.(process.pid, `node ${node}`);
    // The cluster may have been shut down meanwhile.
    if (this.#members.closed) this.#end(member, process, 'SIGKILL');
    const ended = process.end.then((end) => {
      const exit: NodeExit = { ...end, expected: member.endExpected, stderr: process.stderr() };
      forget?.();
      member.process = null;
      this.#setLife(member, 'down', exit);
      return exit;
    });
    const waiting = new AbortController();
    if (system.ready !== undefined) system.ready(setup, waiting.signal).then(becomeReady, () => undefined);
    else if (system.reports === undefined) becomeReady();
    const first = await within(Promise.race([ready, ended]), READY_WITHIN_MS);
    waiting.abort();
    if (first === 'ready') return;
    if (first !== 'late')
      throw new Error(`${node} ended before it was ready: ${howItEnded(first)}${wrongReports(member)}`);
    this.#end(member, process, 'SIGKILL');
    const late = await within(ended, KILL_WITHIN_MS);
    const stderr = late === 'late' ? process.stderr() : late.stderr;
    throw new Error(
      `${node} was not ready within ${READY_WITHIN_MS} ms and was killed; ${quoted(stderr)}${wrongReports(member)}`,
    );
  }

  async kill(node: string): Promise<void> {
    const { member, process } = this.#running('kill', node);
    this.#end(member, process, 'SIGKILL');
    await this.#gone(node, process, KILL_WITHIN_MS);
  }

  async stop(node: string): Promise<void> {
    const { member, process } = this.#running('stop', node);
    const wasPaused = member.life === 'paused';
    this.#setLife(member, 'stopping');
    this.#end(member, process, 'SIGTERM');
    // A paused process acts on a SIGTERM only after it is resumed.
    if (wasPaused) process.signal('SIGCONT');
    if ((await within(process.end, STOP_WITHIN_MS)) === 'late') {
      this.#note(node, 'warn', `${node} had not stopped ${STOP_WITHIN_MS} ms after SIGTERM and was killed`);
      process.signal('SIGKILL');
    }
    await this.#gone(node, process, KILL_WITHIN_MS);
  }

  async pause(node: string): Promise<void> {
    const { member, process } = this.#running('pause', node);
    process.signal('SIGSTOP');
    await process.untilStopped(true, PAUSE_WITHIN_MS);
    if (member.process === process) this.#setLife(member, 'paused');
  }

  async resume(node: string): Promise<void> {
    const { member, process } = this.#running('resume', node);
    // Set before the signal, because the node reports as a running one from then on.
    this.#setLife(member, 'up');
    process.signal('SIGCONT');
    await process.untilStopped(false, PAUSE_WITHIN_MS);
  }

  async wipe(node: string): Promise<void> {
    const { id } = this.#members.forAction('wipe', node);
    await this.#host.removeFolder(this.#dataDir(id));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#shutDown();
    return this.#disposed;
  }

  /** SIGKILL also ends stopped processes. Nodes are durable at every point, so a soft stop would gain nothing. */
  async #shutDown(): Promise<void> {
    this.#members.closed = true;
    const ends = this.#members.all.map(async (member) => {
      const { process } = member;
      if (process === null) return;
      this.#end(member, process, 'SIGKILL');
      await this.#gone(member.id, process, KILL_WITHIN_MS);
    });
    const failures = (await Promise.allSettled(ends)).filter((end) => end.status === 'rejected');
    if (failures.length > 0)
      throw new AggregateError(
        failures.map((failure) => failure.reason),
        'node processes are left',
      );
  }

  #end(member: LocalMember, process: HostProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
    member.endExpected = true;
    process.signal(signal);
  }

  async #gone(node: string, process: HostProcess, withinMs: number): Promise<void> {
    if ((await within(process.end, withinMs)) === 'late')
      throw new Error(`${node} (process ${process.pid}) is still there ${withinMs} ms after SIGKILL`);
  }

  #setup(node: string): NodeSetup {
    const { nodes, links, electionTimeoutMs, heartbeatMs, seed } = this.#options;
    const self = nodes.find((each) => each.id === node)!;
    const others = nodes.filter((each) => each.id !== node);
    return {
      id: node,
      peerListen: `127.0.0.1:${self.peerPort}`,
      clientListen: `127.0.0.1:${self.clientPort}`,
      peers: others.map(({ id }) => ({ id, address: links.address({ from: node, to: id }) })),
      dataDir: this.#dataDir(node),
      first: !this.#members.member(node).born,
      electionTimeoutMs,
      heartbeatMs,
      seed,
    };
  }

  #dataDir(node: string): string {
    return join(this.#options.dir, node);
  }

  #running(
    action: 'kill' | 'stop' | 'pause' | 'resume',
    node: string,
  ): { member: LocalMember; process: HostProcess } {
    const member = this.#members.forAction(action, node);
    return { member, process: member.process! };
  }

  #setLife(member: LocalMember, life: NodeLife, exit?: NodeExit): void {
    member.life = life;
    this.#listeners.emit({
      type: 'life',
      t: this.#now(),
      node: member.id,
      life,
      pid: member.pid,
      ...(exit === undefined ? {} : { exit }),
    });
  }

  #tell(node: string, line: NodeLine): void {
    if (line.type === 'problem') return this.#problem(node, line);
    const t = line.atMs === undefined ? this.#now() : line.atMs - this.#options.originMs;
    switch (line.type) {
      case 'ready':
        return this.#listeners.emit({ type: 'ready', t, node });
      case 'status':
        return this.#listeners.emit({ type: 'status', t, node, status: line.status });
      case 'trace':
        return this.#listeners.emit({ type: 'trace', t, node, trace: line.trace });
      case 'log':
        return this.#listeners.emit({ type: 'log', t, node, log: line.log });
      default:
        line satisfies never;
    }
  }

  #problem(node: string, { message, traceHole }: Extract<NodeLine, { type: 'problem' }>): void {
    this.#members.member(node).problem = message;
    this.#note(node, 'error', message);
    this.#listeners.emit({ type: 'reports-lost', t: this.#now(), node, reason: message, traceHole });
  }

  /** A line of the harness's own in the node's log. */
  #note(node: string, level: 'warn' | 'error', message: string): void {
    this.#listeners.emit({ type: 'log', t: this.#now(), node, log: { level, message } });
  }

  #now(): number {
    return monotonicMs() - this.#options.originMs;
  }
}

/** The promise's value, or `late` after `ms` in which the harness ran. */
const within = <T>(promise: Promise<T>, ms: number): Promise<T | 'late'> =>
  withinAwake(promise, ms, () => 'late' as const);

const howItEnded = (exit: NodeExit): string =>
  `${exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`}; ${quoted(exit.stderr)}`;
const quoted = (stderr: string): string =>
  stderr === '' ? 'it wrote nothing to stderr' : `it wrote: ${stderr}`;
const wrongReports = ({ problem }: LocalMember): string =>
  problem === null ? '' : `; the last problem of its reports: ${problem}`;
