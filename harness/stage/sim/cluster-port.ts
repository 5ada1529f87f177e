import type { NodeReport } from '../../../node/protocol/report.ts';
import type { NodeId } from '../../../node/raft/types.ts';
import { StorageError } from '../../../node/replica/ports.ts';
import type { ReportLine } from '../../../node/replica/trace.ts';
import type { Cluster, ClusterEvent, NodeExit, NodeLife, NodeView } from '../../ports/cluster.ts';
import { Members, type Member } from '../../cluster/members.ts';
import { Listeners } from '../../listeners.ts';
import { randomStream, type Random } from '../../random.ts';
import type { SimCluster } from './cluster.ts';
import type { SimServer } from './server.ts';
import { between } from './weather.ts';

/** Time that a process takes from its start until its node recovers, in virtual ms. */
const START_MS = [60, 180] as const;
/** Time after which a node that does not stop is killed, in virtual ms. */
const STOP_WITHIN_MS = 5_000;
/** The first process id. Process ids are invented and count up from here. */
const FIRST_PID = 1_001;
/** Exit codes of a node process (node/server/run-node.ts). */
const EXIT = { stopped: 0, broken: 1, cannotServe: 3 } as const;

const KILLED: NodeExit = { code: null, signal: 'SIGKILL', expected: true, stderr: '' };
const STOPPED: NodeExit = { code: EXIT.stopped, signal: null, expected: true, stderr: '' };

/** One node: its state, and its invented process while it runs. */
interface SimMember extends Member {
  readonly server: SimServer;
  readonly random: Random;
  pid: number | null;
  /** Number of reports of this process so far. */
  reports: number;
  /** Lines that the process has written and that have not been read yet. The first one to be read is `ready`. */
  unread: ReportLine[];
  /** Promise of the start in progress; null if there is none. */
  starting: PromiseWithResolvers<void> | null;
}

/** Port `Cluster` over simulated nodes. A node's reports arrive a moment later, as through a pipe. */
export class SimClusterPort implements Cluster {
  readonly nodes: readonly string[];
  readonly #sim: SimCluster;
  readonly #members: Members<SimMember>;
  readonly #listeners = new Listeners<ClusterEvent>();
  #nextPid = FIRST_PID;

  constructor(sim: SimCluster, seed: number) {
    this.#sim = sim;
    this.nodes = sim.servers.map(({ id }) => id);
    this.#members = new Members(
      sim.servers.map((server) => ({
        id: server.id,
        server,
        random: randomStream(seed, 'node-timers', `starts of ${server.id}`),
        life: 'down',
        pid: null,
        reports: 0,
        unread: [],
        starting: null,
      })),
    );
  }

  view(node: string): NodeView {
    return this.#members.view(node);
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  async start(node: string): Promise<void> {
    const member = this.#members.forAction('start', node);
    const starting = Promise.withResolvers<void>();
    const pid = this.#nextPid++;
    Object.assign(member, { pid, starting, reports: 0 });
    this.#setLife(member, 'starting');
    this.#sim.time.after(between(member.random, START_MS), () => {
      if (member.pid === pid) member.server.start();
    });
    await starting.promise;
  }

  async kill(node: string): Promise<void> {
    const member = this.#members.forAction('kill', node);
    member.server.crash('kill');
    this.#down(member, KILLED);
  }

  async stop(node: string): Promise<void> {
    const member = this.#members.forAction('stop', node);
    const { server, pid } = member;
    this.#setLife(member, 'stopping');
    server.resume();
    const bound = new AbortController();
    const late = this.#sim.time.sleep(STOP_WITHIN_MS, bound.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    );
    const end = await Promise.race([
      server
        .stop()
        .then(() => 'stopped' as const)
        .catch(() => 'killed' as const),
      late,
    ]);
    bound.abort();
    if (member.pid !== pid) return;
    if (end === 'stopped') return this.#down(member, STOPPED);
    server.crash('kill');
    this.#down(member, KILLED);
  }

  async pause(node: string): Promise<void> {
    const member = this.#members.forAction('pause', node);
    member.server.pause();
    this.#setLife(member, 'paused');
  }

  async resume(node: string): Promise<void> {
    const member = this.#members.forAction('resume', node);
    this.#setLife(member, 'up');
    member.server.resume();
  }

  async wipe(node: string): Promise<void> {
    this.#sim.loseFolder(this.#members.forAction('wipe', node).server.id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#members.closed = true;
    for (const { id, pid } of this.#members.all) if (pid !== null) await this.kill(id);
  }

  /** The node has written a line to its report pipe. */
  reported(id: NodeId, line: ReportLine): void {
    const member = this.#members.member(id);
    const isFirst = member.unread.length === 0;
    if (line.type === 'ready') {
      member.unread.unshift({ ...line, pid: member.pid! });
      // Runs after the current step of the node, which is not finished yet.
      queueMicrotask(() => this.#ready(member));
    } else member.unread.push(line);
    if (isFirst) queueMicrotask(() => this.#read(member));
  }

  /** An assertion of the node broke, or its disk refused: the process ends by itself. */
  broken(id: NodeId, error: unknown): void {
    const member = this.#members.member(id);
    if (member.pid === null) return;
    const code = error instanceof StorageError ? EXIT.cannotServe : EXIT.broken;
    const stderr = error instanceof Error ? (error.stack ?? error.message) : String(error);
    member.server.crash('kill');
    this.#down(member, { code, signal: null, expected: false, stderr });
  }

  #ready(member: SimMember): void {
    const { starting } = member;
    if (starting === null) return;
    member.starting = null;
    // The node must be up before listeners receive the line.
    this.#setLife(member, 'up');
    this.#read(member);
    starting.resolve();
  }

  #down(member: SimMember, exit: NodeExit): void {
    // Lines that were written before the end are still read.
    this.#read(member);
    const { starting, server } = member;
    Object.assign(member, { pid: null, starting: null, unread: [] });
    this.#setLife(member, 'down', exit);
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    starting?.reject(new Error(`${server.id} ended before it was ready: ${how}`));
  }

  #read(member: SimMember): void {
    if (member.starting !== null) return;
    for (const line of member.unread.splice(0)) {
      const t = this.#sim.time.now();
      const envelope = { n: member.reports++, at: Math.round(t * 1_000), node: member.server.id };
      const report: NodeReport = { ...envelope, ...line };
      const { node } = report;
      if (report.type === 'ready') this.#listeners.emit({ type: 'ready', t, node });
      else if (report.type === 'status') this.#listeners.emit({ type: 'status', t, node, status: report });
      else if (report.type === 'log') this.#listeners.emit({ type: 'log', t, node, log: report });
      else this.#listeners.emit({ type: 'trace', t, node, trace: report });
    }
  }

  #setLife(member: SimMember, life: NodeLife, exit?: NodeExit): void {
    member.life = life;
    const { pid, server } = member;
    const t = this.#sim.time.now();
    this.#listeners.emit({
      type: 'life',
      t,
      node: server.id,
      life,
      pid,
      ...(exit !== undefined && { exit }),
    });
  }
}
