import type { StateMachine } from '../../../node/kv/state-machine.ts';
import { KvStore } from '../../../node/kv/store.ts';
import type { PeerMessage } from '../../../node/protocol/snapshot-message.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { CoreStatus, RaftConfig } from '../../../node/raft/ready.ts';
import type { InitialState } from '../../../node/raft/state.ts';
import type { NodeId } from '../../../node/raft/types.ts';
import type { Storage, StoredSnapshot } from '../../../node/replica/ports.ts';
import { Replica } from '../../../node/replica/replica.ts';
import type { SnapshotPolicy } from '../../../node/replica/snapshotter.ts';
import { Trace, type ReportLine } from '../../../node/replica/trace.ts';
import type { Random } from '../../random.ts';
import { SimDisk } from './disk.ts';
import type { SimNetwork } from './network.ts';
import type { VirtualTime } from './time.ts';
import { between, chance, type Weather } from './weather.ts';

/** What a simulated node is put together from; a test puts a broken part in place of one. */
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
  /** Whether its first election after a start need not wait for a timeout. */
  readonly hurries: boolean;
  /** What survives crashes: a new storage over the same bytes at each start. */
  readonly disk: () => Storage;
  readonly onReport: (line: ReportLine) => void;
}

/** One life of a node, from start to crash. */
interface Life {
  readonly disk: SimDisk;
  replica: Replica | null;
  raft: Raft | null;
  stateMachine: StateMachine | null;
}

/**
 * Ticks come when the core has something to do, and at least so often: at the process's steady beat an idle cluster's
 * ticks would be most of what is simulated.
 */
const MOST_BETWEEN_TICKS_MS = 40;
const LEAST_BETWEEN_TICKS_MS = 1;
/** The shortest a turn of the node's event loop takes, and the longest. */
const TURN_MS = [0.01, 0.2] as const;

/**
 * A node: the core, the driver and the state machine that are shipped, over simulated time, links and disk. Paused, it
 * does nothing, and what comes piles up; crashed, all that was not on its disk is gone.
 */
export class SimServer {
  readonly id: NodeId;
  readonly #o: SimServerOptions;
  #life: Life | null = null;
  #paused = false;
  #backlog: (() => void)[] = [];
  readonly #crashListeners = new Set<() => void>();
  /** While true, writes do not end. */
  diskHangs = false;
  /** It has been started once: it may be a member. */
  born = false;

  constructor(options: SimServerOptions) {
    this.id = options.config.id;
    this.#o = options;
  }

  get up(): boolean {
    return this.#life !== null;
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

  /** Recovers from the disk and joins in. */
  start(): void {
    if (this.#life !== null) throw new Error(`${this.id} runs already`);
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
    void this.#recover(life);
  }

  /** kill -9, or a power cut; what is not on the disk is lost by either. */
  crash(): void {
    const { random, network } = this.#o;
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    this.#paused = false;
    this.#backlog = [];
    void life.disk.crash(chance(random, 0.5));
    network.connections.down(this.id, chance(random, 0.6));
    const listeners = [...this.#crashListeners];
    this.#crashListeners.clear();
    for (const tell of listeners) tell();
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#life !== null) this.#paused = true;
  }

  /** SIGCONT: what piled up comes at once. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const input of this.#backlog.splice(0)) input();
  }

  /** A client's request. It waits while the node is paused, or has not recovered yet. */
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
    const { parts, config, time, random, network, onReport } = this.#o;
    const recovered = await life.disk.recover();
    if (this.#life !== life) return;
    const { founders: peers, incarnation } = recovered.identity;
    const initial = { ...recovered, incarnation, nowMs: time.now() };
    life.raft = parts.raft({ ...config, peers, random: () => random.float() }, initial);
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
      onStorageFailure: (error) => {
        throw error;
      },
      log: () => {},
    });
    life.replica = replica;
    network.connections.up(this.id, {
      linkMade: (peer) => this.#input(life, () => replica.linkMade(peer)),
      peerLost: (peer) => this.#input(life, () => replica.peerLost(peer)),
    });
    this.#tick(life);
    replica.begin(this.#o.hurries);
  }

  #tick(life: Life): void {
    const { time } = this.#o;
    const dueInMs = life.raft!.nextDeadlineMs() - time.now();
    const delayMs = Math.min(MOST_BETWEEN_TICKS_MS, Math.max(LEAST_BETWEEN_TICKS_MS, dueInMs));
    time.after(delayMs, () => {
      if (this.#life !== life) return;
      // As a timer does, it fires once after a pause, not once for each beat that was missed.
      this.#input(life, () => {
        life.replica?.tick();
        this.#tick(life);
      });
    });
  }

  /** Runs what comes to this life of the node: now, or when it is no longer paused. */
  #input(life: Life, run: () => void): void {
    if (this.#life !== life) return;
    if (this.#paused) this.#backlog.push(() => this.#input(life, run));
    else run();
  }
}

/** Puts the stored state into the state machine. */
async function restored(stateMachine: StateMachine, { snapshots }: Storage): Promise<StoredSnapshot> {
  const restore = stateMachine.restoring();
  const snapshot = await snapshots.load((block) => restore.push(block));
  restore.finish();
  return snapshot;
}
