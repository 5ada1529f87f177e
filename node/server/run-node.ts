import { flushCompileCache } from 'node:module';
import { KvStore } from '../kv/store.ts';
import type { StateMachine } from '../kv/state-machine.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { RaftConfig } from '../raft/ready.ts';
import { Raft } from '../raft/raft.ts';
import type { InitialState } from '../raft/state.ts';
import type { LogIndex, NodeId } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type {
  Storage,
  StorageOptions,
  StoredSnapshot,
  Transport,
  TransportOptions,
} from '../replica/ports.ts';
import type { Log, LogLine } from '../replica/log.ts';
import { Replica } from '../replica/replica.ts';
import type { ReplicaOptions } from '../replica/replica.ts';
import { NO_OBSERVER, Trace } from '../replica/trace.ts';
import { Wal } from '../storage/wal.ts';
import { PeerTransport } from '../transport/peer-transport.ts';
import type { AdminServer } from './admin-server.ts';
import { ClientServer } from './client-server.ts';
import { checkFolder, freshIdentity, LOST_FOLDER } from './data-folder.ts';
import { formatLogLine } from './log-format.ts';
import { NodeWatch } from './node-watch.ts';
import { OptionError } from './option-values.ts';
import { parseOptions, USAGE } from './options.ts';
import type { NodeOptions } from './options.ts';
import { nodeSeed, seededRandom } from './random.ts';
import { ReportPipe } from './report-pipe.ts';

/** Parts of a node. A test may wrap or replace one; the shipped node uses `NODE_PARTS`. */
export interface NodeParts {
  readonly storage: (options: StorageOptions) => Storage;
  readonly raft: (config: RaftConfig, initial: InitialState) => Raft;
  readonly stateMachine: () => StateMachine;
  /** Listens for the peers, then dials them. */
  readonly transport: (options: TransportOptions) => Promise<Transport & { readonly port: number }>;
  readonly replica: (options: ReplicaOptions) => Replica;
}

export const NODE_PARTS: NodeParts = {
  storage: (options) => new Wal(options),
  raft: (config, initial) => new Raft(config, initial),
  stateMachine: () => new KvStore(),
  transport: (options) => PeerTransport.listen(options),
  replica: (options) => new Replica(options),
};

/** Exit codes of the process. `broken` (1): an assertion of the node failed. */
export const EXIT = { stopped: 0, broken: 1, badOptions: 2, cannotServe: 3, unobserved: 4 } as const;

/** Maximum time for an ending node to write to clients and to its reports, in ms. */
const FAREWELL_MS = 2_000;

/**
 * Runs a node until it is told to stop or cannot continue, and then ends the process. `argv` is the command line
 * without program and script. Every failure gives one line on stderr and an exit code of `EXIT`.
 */
export async function runNode(argv: readonly string[], parts: Partial<NodeParts> = {}): Promise<void> {
  if (argv.includes('--help')) {
    console.log(USAGE);
    return;
  }
  let options: NodeOptions;
  try {
    options = parseOptions(argv);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    process.stderr.write(`node: ${error.message}\n`);
    process.exit(EXIT.badOptions);
  }
  await new NodeProcess(options, { ...NODE_PARTS, ...parts }).run();
}

class NodeProcess {
  readonly #options: NodeOptions;
  readonly #parts: NodeParts;
  readonly #reports: ReportPipe;
  /** Started parts, which are stopped in the reverse order. */
  readonly #started: (() => Promise<void>)[] = [];
  #ending = false;

  constructor(options: NodeOptions, parts: NodeParts) {
    this.#options = options;
    this.#parts = parts;
    // If the reader of stderr has closed it, the node continues.
    process.stderr.on('error', () => undefined);
    process.on('uncaughtException', (error) => this.#end(EXIT.broken, error.stack ?? String(error)));
    process.on('SIGTERM', () => this.#end(EXIT.stopped, 'SIGTERM: stopping'));
    // A terminal sends Ctrl-C to the whole process group. A node with a report pipe ignores it: the harness decides.
    process.on('SIGINT', () => {
      if (options.reportFd === null) this.#end(EXIT.stopped, 'SIGINT: stopping');
    });
    try {
      this.#reports = new ReportPipe({
        fd: options.reportFd,
        node: options.id,
        onLost: (reason) => this.#end(EXIT.unobserved, reason),
      });
    } catch (error) {
      process.stderr.write(
        `node: --report-fd ${options.reportFd} is not a pipe that is open for writing: ${(error as Error).message}\n`,
      );
      process.exit(EXIT.badOptions);
    }
  }

  async run(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      // A disk or a port may prevent a start. Any other reason is a bug.
      const known = error instanceof StorageError || (error as NodeJS.ErrnoException).syscall !== undefined;
      const text =
        error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
      this.#end(known ? EXIT.cannotServe : EXIT.broken, text);
    }
  }

  async #start(): Promise<void> {
    const { id, peers, routes, advertise, peerListen, clientListen, adminListen, dataFolder } = this.#options;
    const parts = this.#parts;
    const log: Log = (line) => this.#log(line);

    const fresh = freshIdentity(this.#options);
    const storage = parts.storage({ folder: dataFolder, identity: fresh });
    this.#started.push(() => storage.close());
    const recovered = await storage.recover();
    checkFolder(this.#options, recovered);
    const { cluster, incarnation, founders } = recovered.identity;
    if (recovered.tornBytes > 0)
      log({
        level: 'warn',
        event: 'torn-write-cut-off',
        message: `${recovered.tornBytes} bytes of an interrupted write were removed from the end of the log`,
        fields: { bytes: recovered.tornBytes },
      });
    if (incarnation === fresh.incarnation && founders.length > 0 && incarnation > 0)
      log({ level: 'warn', event: 'data-folder-lost', message: LOST_FOLDER, fields: { incarnation } });

    let replica: Replica | null = null;
    const receive = (message: PeerMessage): void => replica?.receive(message);
    const { fastFailover, leaseReads, maxBatchBytes, sessionCap, sessionIdleMs, snapshots } =
      this.#options.tuning;
    const peerLost = (peer: NodeId): void => {
      if (fastFailover) replica?.peerLost(peer);
    };
    const linkMade = (peer: NodeId): void => replica?.linkMade(peer);
    const transport = await named(
      `cannot listen for peers on ${peerListen.host}:${peerListen.port}`,
      parts.transport({
        id,
        cluster,
        incarnation,
        promiseMs: leaseReads === null ? 0 : this.#options.electionTimeoutMinMs,
        routes: new Map([...peers, ...routes]),
        advertise,
        listenHost: peerListen.host,
        listenPort: peerListen.port,
        receive,
        linkMade,
        peerLost,
        log,
      }),
    );
    this.#started.push(() => transport.close());

    // The server is stopped after the replica, because that still answers the waiting clients.
    let server: ClientServer | null = null;
    this.#started.push(async () => server?.close());
    const now = (): number => performance.now();
    const stateMachine = parts.stateMachine();
    const startedFrom = recovered.snapshot && (await restored(stateMachine, storage));
    const raft = parts.raft(raftConfig(this.#options, founders), { ...recovered, incarnation, nowMs: now() });
    const watch = new NodeWatch(id, {
      // These lines are not added to the reports, because the trace has the same information.
      log: (line) => this.#write(line),
      withMetrics: adminListen !== null,
      vitals: {
        status: () => raft.status(),
        followers: () => raft.followers(),
        nowMs: now,
        appliedIndex: () => service.appliedIndex,
        waiting: () => service.waiting,
        clientConnections: () => server?.connections ?? 0,
        sessions: () => stateMachine.sessions.size,
        counts: () => service.counts,
      },
    });
    replica = parts.replica({
      raft,
      storage,
      transport,
      stateMachine,
      startedFrom,
      incarnation,
      trace: watch.besides(
        this.#options.reportFd === null
          ? NO_OBSERVER
          : new Trace(this.#reports, recovered, { snapshot: startedFrom }),
      ),
      onEvents: watch.onEvents,
      onWritten: watch.onWritten,
      maxBatchBytes,
      snapshots,
      sessionIdleMs,
      now,
      soon: setImmediate,
      later: (delayMs, run) => void setTimeout(run, Math.max(1, Math.ceil(delayMs))),
      onTurnEnd: () => {
        server?.flush();
        this.#reports.flush();
      },
      onStorageFailure: (error) =>
        this.#end(EXIT.cannotServe, error instanceof Error ? error.message : String(error)),
      log,
    });
    const service = replica;
    this.#started.push(() => service.stop());

    server = await named(
      `cannot listen for clients on ${clientListen.host}:${clientListen.port}`,
      ClientServer.listen({ listen: clientListen, service, sessionCap, log, onError: watch.onError }),
    );

    let admin: AdminServer | null = null;
    if (adminListen !== null) {
      admin = await named(
        `cannot listen for admins on ${adminListen.host}:${adminListen.port}`,
        watch.serve(adminListen),
      );
      const started = admin;
      this.#started.push(() => started.close());
    }

    // Ticks begin only here, because a node that cannot be reached yet must not start an election.
    const ticking = setInterval(() => service.tick(), Math.max(1, Math.floor(this.#options.heartbeatMs / 5)));
    this.#started.push(() => Promise.resolve(clearInterval(ticking)));
    service.begin(fastFailover);
    const { term, votedFor } = recovered.hardState;
    this.#reports.report({
      type: 'ready',
      pid: process.pid,
      clientPort: server.port,
      peerPort: transport.port,
      adminPort: admin?.port ?? null,
      recovered: {
        term,
        votedFor,
        lastIndex: ((recovered.snapshot?.index ?? 0) + recovered.entries.length) as LogIndex,
        snapshotIndex: recovered.snapshot?.index ?? (0 as LogIndex),
        tornBytes: recovered.tornBytes,
      },
    });
    this.#reports.flush();
    // Stores the compiled code for the next start now, because a node that is killed cannot store it at its end.
    flushCompileCache();
    const ports = { clientPort: server.port, peerPort: transport.port, adminPort: admin?.port ?? null };
    log({
      level: 'info',
      event: 'listening',
      message: `${id} listens: clients on port ${server.port}, peers on port ${transport.port}; seed ${this.#options.seed}`,
      fields: { ...ports, seed: this.#options.seed },
    });
  }

  /** Writes to stderr and to the reports. */
  #log(line: LogLine): void {
    this.#write(line);
    this.#reports.log(line.level, line.message);
  }

  #write(line: LogLine): void {
    const { id, logFormat } = this.#options;
    process.stderr.write(`${formatLogLine(logFormat, line, id, new Date())}\n`);
  }

  /** Stops all parts, within a time limit, and ends the process with `code`. Later calls change nothing. */
  #end(code: number, why: string): void {
    if (this.#ending) return;
    this.#ending = true;
    const stopped = code === EXIT.stopped;
    this.#log({
      level: stopped ? 'info' : 'error',
      event: stopped ? 'stopping' : 'failed',
      message: why,
      fields: { exitCode: code },
    });
    const bound = setTimeout(() => process.exit(code), FAREWELL_MS);
    void this.#stop().finally(() => {
      clearTimeout(bound);
      process.exit(code);
    });
  }

  async #stop(): Promise<void> {
    for (const stop of this.#started.reverse()) await stop();
    await this.#reports.close();
  }
}

function raftConfig(options: NodeOptions, founders: readonly NodeId[]): RaftConfig {
  const { tuning } = options;
  return {
    id: options.id,
    peers: founders,
    electionTimeoutMinMs: options.electionTimeoutMinMs,
    electionTimeoutMaxMs: options.electionTimeoutMaxMs,
    heartbeatMs: options.heartbeatMs,
    random: seededRandom(nodeSeed(options.seed, options.id)),
    maxInflightMessages: tuning.maxInflightMessages,
    maxMessageBytes: tuning.maxMessageBytes,
    maxUncommittedBytes: tuning.maxUncommittedBytes,
    ...(tuning.leaseReads === null ? {} : { leaseReads: tuning.leaseReads }),
  };
}

/** Puts the stored state into the state machine. Rejects with `StorageError`. */
async function restored(stateMachine: StateMachine, storage: Storage): Promise<StoredSnapshot> {
  const restore = stateMachine.restoring();
  const snapshot = await storage.snapshots.load((block) => restore.push(block));
  restore.finish();
  return snapshot;
}

/** Describes the action that a system error prevented. */
async function named<T>(what: string, act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    const mend =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? '; free the port or choose another' : '';
    if (error instanceof Error) error.message = `${what}: ${error.message}${mend}`;
    throw error;
  }
}
