import type { StateMachine } from '../../../node/kv/state-machine.ts';
import { KvStore } from '../../../node/kv/store.ts';
import type { PeerMessage } from '../../../node/protocol/snapshot-message.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { CoreStatus, RaftConfig } from '../../../node/raft/ready.ts';
import type { InitialState } from '../../../node/raft/state.ts';
import { logIndex, type NodeId } from '../../../node/raft/types.ts';
import type { Recovered, Storage, StoredSnapshot } from '../../../node/replica/ports.ts';
import { Replica } from '../../../node/replica/replica.ts';
import type { SnapshotPolicy } from '../../../node/replica/snapshotter.ts';
import { Trace, type ReportLine } from '../../../node/replica/trace.ts';
import type { Random } from '../../random.ts';
import { SimDisk } from './disk.ts';
import type { SimNetwork } from './network.ts';
import type { VirtualTime } from './time.ts';
import { between, chance, type Weather } from './weather.ts';

/** Parts of a simulated node. A test can replace one of them by a faulty part. */
export interface SimParts {
  readonly raft: (config: RaftConfig, initial: InitialState) => Raft;
  readonly stateMachine: () => StateMachine;
}

export const SHIPPED_PARTS: SimParts = {
  raft: (config, initial) => new Raft(config, initial),
  stateMachine: () => new KvStore(),
};

export interface SimServerOptions {
  readonly config: Omit<RaftConfig, 'random' | 'peers'>;
  readonly parts: SimParts;
  readonly time: VirtualTime;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly weather: () => Weather;
  readonly snapshots: SnapshotPolicy;
  readonly sessionIdleMs: number;
  /** True if the first election after a start need not wait for a timeout. */
  readonly hurries: boolean;
  /**
   * Time between two ticks, in ms. If null, the node ticks when the core has something to do, and at least every 40 ms.
   */
  readonly tickMs: number | null;
  /** Opens the storage, which survives crashes: each start opens a new one over the same bytes. */
  readonly disk: () => Storage;
  readonly onReport: (line: ReportLine) => void;
  /** Called if an assertion of the node failed or its disk refused. It may throw the error that it receives. */
  readonly onBroken: (error: unknown) => void;
}

/** One life of a node, from start to crash. */
interface Life {
  readonly disk: SimDisk;
  replica: Replica | null;
  raft: Raft | null;
  stateMachine: StateMachine | null;
}

/**
 * Maximum time between two ticks if `tickMs` is null, in ms. With the regular ticks of a process, ticks would be most
 * of the work in the simulation of an idle cluster.
 */
const MOST_BETWEEN_TICKS_MS = 40;
const LEAST_BETWEEN_TICKS_MS = 1;
/** Minimum and maximum duration of a turn of the node's event loop, in ms. */
const TURN_MS = [0.01, 0.2] as const;

/**
 * A node: the shipped core, driver and state machine over simulated time, links and disk. While it is paused it does
 * nothing, and its input is queued. After a crash everything that was not on its disk is lost.
 */
export class SimServer {
  readonly id: NodeId;
  readonly #o: SimServerOptions;
  #life: Life | null = null;
  #paused = false;
  #backlog: (() => void)[] = [];
  readonly #crashListeners = new Set<() => void>();
  /** True while writes do not end. */
  diskHangs = false;
  /** True if it has been started at least once, so that it may be a member. */
  born = false;

  constructor(options: SimServerOptions) {
    this.id = options.config.id;
    this.#o = options;
  }

  get up(): boolean {
    return this.#life !== null;
  }

  /** True if it has recovered, so that clients and peers can connect to it. */
  get ready(): boolean {
    return this.#life !== null && this.#life.replica !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get status(): CoreStatus | null {
    return this.#life?.raft?.status() ?? null;
  }

  get stateMachine(): StateMachine | null {
    return this.#life?.stateMachine ?? null;
  }

  startIfDown(): void {
    if (!this.up) this.start();
  }

  /** Recovers from the disk and takes part in the cluster. */
  start(): void {
    if (this.#life !== null) throw new Error(`${this.id} is already running`);
    this.born = true;
    const { time, random, weather } = this.#o;
    const disk = new SimDisk({
      storage: this.#o.disk(),
      time,
      delayMs: () => (this.diskHangs ? null : between(random, weather().diskDelayMs)),
      inform: (learn) => this.#input(life, learn),
    });
    const life: Life = { disk, replica: null, raft: null, stateMachine: null };
    this.#life = life;
    void this.#recover(life).catch(this.#o.onBroken);
  }

  /**
   * A crash: everything that is not on the disk is lost. After kill -9 the kernel ends the connections, so that the
   * other nodes learn of it; after a power cut they do not. By default, one of the two is chosen at random.
   */
  crash(how: 'kill' | 'power-cut' | 'either' = 'either'): void {
    const { random } = this.#o;
    const life = this.#life;
    if (life === null) return;
    void life.disk.crash(chance(random, 0.5));
    this.#end(how === 'either' ? chance(random, 0.6) : how === 'kill');
  }

  /**
   * As SIGTERM does: answers the waiting clients and finishes the current write. Rejects if the node is killed before
   * that is done.
   */
  async stop(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    if (life.replica === null) return this.crash('kill');
    const { promise: killed, reject } = Promise.withResolvers<never>();
    const off = this.onCrash(() => reject(new Error(`${this.id} was killed while it stopped`)));
    await Promise.race([life.replica.stop(), killed]);
    off();
    await life.disk.close();
    this.#end(true);
  }

  /** `told` is true if the other nodes learn that its connections have ended. */
  #end(told: boolean): void {
    this.#life = null;
    this.#paused = false;
    this.#backlog = [];
    this.#o.network.connections.down(this.id, told);
    const listeners = [...this.#crashListeners];
    this.#crashListeners.clear();
    for (const tell of listeners) tell();
  }

  /** As SIGSTOP does. */
  pause(): void {
    if (this.#life !== null) this.#paused = true;
  }

  /** As SIGCONT does: the queued input arrives at once. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const input of this.#backlog.splice(0)) input();
  }

  /** Serves a client's request. It waits while the node is paused or has not recovered. */
  serve(request: (replica: Replica) => void): void {
    const life = this.#life;
    if (life === null) return;
    this.#input(life, () => {
      if (life.replica !== null) request(life.replica);
      else this.#o.time.after(TURN_MS[1], () => this.#life === life && this.serve(request));
    });
  }

  /** Calls `listener` once, when this life ends, unless the returned function is called before. */
  onCrash(listener: () => void): () => void {
    this.#crashListeners.add(listener);
    return () => void this.#crashListeners.delete(listener);
  }

  async #recover(life: Life): Promise<void> {
    const { parts, config, time, random, network, onReport, onBroken } = this.#o;
    const recovered = await life.disk.recover();
    if (this.#life !== life) return;
    const { founders: peers, incarnation } = recovered.identity;
    const initial = { ...recovered, incarnation, nowMs: time.now() };
    life.raft = parts.raft({ ...config, peers, random: () => random.float() }, initial);
    // The driver calls this method after a promise of the disk, where no code would catch an error.
    const persisted = life.raft.persisted.bind(life.raft);
    life.raft.persisted = (...upTo) => this.#guard(() => persisted(...upTo));
    life.stateMachine = parts.stateMachine();
    const startedFrom = recovered.snapshot && (await restored(life.stateMachine, life.disk));
    if (this.#life !== life) return;
    const receive = (message: PeerMessage): void => this.#input(life, () => life.replica?.receive(message));
    const replica = new Replica({
      raft: life.raft,
      storage: life.disk,
      transport: network.attach(this.id, receive),
      stateMachine: life.stateMachine,
      startedFrom,
      incarnation,
      snapshots: this.#o.snapshots,
      sessionIdleMs: this.#o.sessionIdleMs,
      trace: new Trace({ report: onReport, flush: () => {} }, recovered, {
        snapshot: startedFrom,
        rssBytes: () => 0,
      }),
      now: () => time.now(),
      later: (delayMs, run) => void time.after(Math.max(0, delayMs), () => this.#input(life, run)),
      soon: (turn) => void time.after(between(random, TURN_MS), () => this.#input(life, turn)),
      onTurnEnd: () => {},
      onStorageFailure: onBroken,
      log: ({ level, message }) => onReport({ type: 'log', level, message }),
    });
    life.replica = replica;
    onReport(readyLine(recovered));
    network.connections.up(this.id, {
      linkMade: (peer) => this.#input(life, () => replica.linkMade(peer)),
      peerLost: (peer) => this.#input(life, () => replica.peerLost(peer)),
    });
    this.#tick(life);
    replica.begin(this.#o.hurries);
  }

  #tick(life: Life): void {
    const { time } = this.#o;
    const dueInMs = (): number => life.raft!.nextDeadlineMs() - time.now();
    const delayMs =
      this.#o.tickMs ?? Math.min(MOST_BETWEEN_TICKS_MS, Math.max(LEAST_BETWEEN_TICKS_MS, dueInMs()));
    time.after(delayMs, () => {
      if (this.#life !== life) return;
      // Like a real timer, it fires once after a pause, not once per missed tick.
      this.#input(life, () => {
        life.replica?.tick();
        this.#tick(life);
      });
    });
  }

  /** Runs an input of this life of the node: now, or after it is resumed. */
  #input(life: Life, run: () => void): void {
    if (this.#life !== life) return;
    if (this.#paused) return void this.#backlog.push(() => this.#input(life, run));
    this.#guard(run);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#o.onBroken(error);
    }
  }
}

/** The first line of the process. A simulated node has no process and no ports, so they are 0. */
const readyLine = ({ hardState, snapshot, entries, tornBytes }: Recovered): ReportLine => ({
  type: 'ready',
  pid: 0,
  clientPort: 0,
  peerPort: 0,
  adminPort: null,
  recovered: {
    ...hardState,
    lastIndex: logIndex((snapshot?.index ?? 0) + entries.length),
    snapshotIndex: snapshot?.index ?? logIndex(0),
    tornBytes,
  },
});

/** Puts the stored state into the state machine. */
async function restored(stateMachine: StateMachine, { snapshots }: Storage): Promise<StoredSnapshot> {
  const restore = stateMachine.restoring();
  const snapshot = await snapshots.load((block) => restore.push(block));
  restore.finish();
  return snapshot;
}
