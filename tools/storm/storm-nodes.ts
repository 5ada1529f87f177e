import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from '../../harness/clock.ts';
import { spawnNode } from '../../harness/cluster/node-process.ts';
import type { HostProcess } from '../../harness/ports/host.ts';
import { ReportReader, type ReportLine } from '../../harness/systems/raft/report-lines.ts';
import { nodeCommand } from '../../harness/systems/raft/system.ts';
import { MembershipChange } from '../../harness/invariants/membership-change.ts';
import { SafetyMonitor } from '../../harness/invariants/monitor.ts';
import { allocateNodePorts } from '../../harness/links/open.ts';
import { releasePorts } from '../../harness/links/ports.ts';
import type { TraceEvent } from '../../harness/trace.ts';
import type { NodeReport } from '../../node/protocol/report.ts';
import { NodeClient } from '../../test/support/raft-nodes.ts';

export const NODE_PROGRAM: string = fileURLToPath(new URL('../../node/main.mjs', import.meta.url));
const READY_WITHIN_MS = 15_000;

export type Status = Extract<NodeReport, { type: 'status' }>;

export interface StormNodesOptions {
  /** Folder for the data folders and logs. */
  readonly dir: string;
  /** Number of nodes that form the first cluster: n1, n2, … */
  readonly founders: number;
  /** Number of further nodes, which have ports and may join. */
  readonly joiners: number;
  readonly program: string;
  readonly seed: number;
  /** Node options that are the same for all nodes, such as `snapshot-entries`. */
  readonly options: Readonly<Record<string, string>>;
}

interface Seat {
  readonly id: string;
  readonly peerPort: number;
  readonly clientPort: number;
  process: HostProcess | null;
  ready: PromiseWithResolvers<void>;
  endExpected: boolean;
  status: Status | null;
  /** Options of its last start that replace a founder's options; undefined: it is a founder. */
  own: Readonly<Record<string, string>> | undefined;
  /** True if it has been ready once. */
  wasReady: boolean;
  /** Settles when the last action on its process has finished. */
  turn: Promise<unknown>;
}

/**
 * Real node processes, killed and started by id. The safety monitor gets every trace line as it arrives. A node that
 * ends by itself, a violated property or a lost trace line aborts `failed` with the reason.
 */
export class StormNodes implements AsyncDisposable {
  readonly counts = new Map<string, number>();
  readonly monitor: SafetyMonitor;
  readonly #options: StormNodesOptions;
  readonly #seats: ReadonlyMap<string, Seat>;
  readonly #failed = new AbortController();
  readonly #originMs = monotonicMs();

  private constructor(options: StormNodesOptions, seats: readonly Seat[]) {
    this.#options = options;
    this.#seats = new Map(seats.map((seat) => [seat.id, seat]));
    this.monitor = new SafetyMonitor(this.ids, [new MembershipChange()]);
  }

  static async open(options: StormNodesOptions): Promise<StormNodes> {
    await mkdir(options.dir, { recursive: true });
    const ports = await allocateNodePorts(options.founders + options.joiners);
    return new StormNodes(
      options,
      ports.map((port) => ({
        ...port,
        process: null,
        ready: Promise.withResolvers(),
        endExpected: false,
        status: null,
        own: undefined,
        wasReady: false,
        turn: Promise.resolve(),
      })),
    );
  }

  get ids(): readonly string[] {
    return [...this.#seats.keys()];
  }
  get founders(): readonly string[] {
    return this.ids.slice(0, this.#options.founders);
  }
  get up(): readonly string[] {
    return this.ids.filter((id) => this.#seat(id).process !== null);
  }
  /** Aborted, with an Error that says why, as soon as something goes wrong. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Last status that a running node has reported; null: it is down, or has not reported one. */
  status(id: string): Status | null {
    return this.#seat(id).status;
  }
  /** Node that reports that it leads, in the highest term; null: no node does. */
  get leader(): string | null {
    const leads = this.ids.filter((id) => this.status(id)?.role === 'leader');
    return leads.sort((a, b) => this.status(b)!.term - this.status(a)!.term)[0] ?? null;
  }

  clientAddress(id: string): string {
    return `127.0.0.1:${this.#seat(id).clientPort}`;
  }
  peerAddress(id: string): string {
    return `127.0.0.1:${this.#seat(id).peerPort}`;
  }
  client(id: string): Promise<NodeClient> {
    return NodeClient.connect(this.#seat(id).clientPort);
  }

  /** Options of a node that is not a founder. */
  get joining(): Readonly<Record<string, string>> {
    return { join: '', cluster: [...this.founders].sort().join(',') };
  }

  /** Acts on the node's process after all earlier actions on it have finished. */
  exclusively(id: string, act: () => Promise<void>): Promise<void> {
    const seat = this.#seat(id);
    const done = seat.turn.then(act);
    seat.turn = done.catch(() => {});
    return done;
  }

  /** Resolves when the node is ready. `own` replaces a founder's options; by default it is that of the last start. */
  async start(
    id: string,
    own: Readonly<Record<string, string>> | undefined = this.#seat(id).own,
  ): Promise<void> {
    const seat = this.#seat(id);
    if (seat.process !== null) throw new Error(`${id} runs already`);
    seat.endExpected = false;
    seat.own = own;
    seat.ready = Promise.withResolvers();
    seat.ready.promise.catch(() => {});
    this.monitor.started(id);
    const process = await spawnNode({
      command: nodeCommand(this.#options.program, this.#args(seat)),
      reports: { fd: 3, reader: new ReportReader({ node: id, nodes: new Set(this.#seats.keys()) }) },
      logFile: join(this.#options.dir, `${id}.log`),
      onLine: (line) => this.#hear(seat, line),
    });
    seat.process = process;
    void process.end.then(({ code, signal }) => {
      seat.process = null;
      seat.status = null;
      const how = `${id} ended by itself: ${signal ?? `exit code ${code}`}; ${process.stderr()}`;
      if (!seat.endExpected) this.fail(how);
      seat.ready.reject(new Error(how));
    });
    const late = setTimeout(
      () => seat.ready.reject(new Error(`${id} was not ready within ${READY_WITHIN_MS} ms`)),
      READY_WITHIN_MS,
    );
    await seat.ready.promise.finally(() => clearTimeout(late));
    seat.wasReady = true;
  }

  /** Sends SIGKILL. Resolves when the process is gone and its last lines are read. */
  async kill(id: string): Promise<void> {
    const seat = this.#seat(id);
    seat.endExpected = true;
    seat.process?.signal('SIGKILL');
    await seat.process?.end;
  }

  /** Empties the data folder of a node that is down. */
  async wipe(id: string): Promise<void> {
    if (this.#seat(id).process !== null) throw new Error(`${id} runs`);
    await rm(this.#data(id), { recursive: true, force: true });
    this.monitor.wiped(id);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
  fail(why: string): void {
    this.#failed.abort(new Error(why));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.up.map((id) => this.kill(id)));
    releasePorts([...this.#seats.values()].flatMap(({ peerPort, clientPort }) => [peerPort, clientPort]));
  }

  #hear(seat: Seat, line: ReportLine): void {
    if (line.type === 'problem') return this.fail(`${seat.id}: ${line.message}`);
    if (line.type === 'ready') return seat.ready.resolve();
    if (line.type === 'log') return;
    if (line.type === 'status') {
      // A line from the pipe of a killed node says nothing about the node that runs now.
      if (!seat.endExpected) seat.status = line.status;
      return;
    }
    const { atMs, trace } = line;
    this.#countTrace(trace.type);
    const [violation] = this.monitor.feed(atMs - this.#originMs, seat.id, trace);
    if (violation !== undefined) this.fail(`${violation.property}: ${violation.prose}`);
  }

  #countTrace(type: TraceEvent['type']): void {
    const what = COUNTED[type];
    if (what !== undefined) this.count(what);
  }

  #args({ id, peerPort, clientPort, own, wasReady }: Seat): string[] {
    const others = this.founders.filter((other) => other !== id);
    const named = {
      id,
      data: this.#data(id),
      'peer-listen': `127.0.0.1:${peerPort}`,
      'client-listen': `127.0.0.1:${clientPort}`,
      seed: String(this.#options.seed),
      'report-fd': '3',
      ...(own ?? { peers: others.map((other) => `${other}=${this.peerAddress(other)}`).join(',') }),
      ...this.#options.options,
    };
    // A founder's first start creates the cluster. An empty value means an option without one.
    const first = own === undefined && !wasReady ? { bootstrap: '' } : {};
    return Object.entries({ ...first, ...named }).flatMap(([name, value]) =>
      value === '' ? [`--${name}`] : [`--${name}`, value],
    );
  }

  #data(id: string): string {
    return join(this.#options.dir, id);
  }
  #seat(id: string): Seat {
    return this.#seats.get(id)!;
  }
}

const COUNTED: Partial<Record<string, string>> = {
  BecomeLeader: 'elections',
  TakeSnapshot: 'snapshots taken',
  InstallSnapshot: 'snapshots installed',
};
