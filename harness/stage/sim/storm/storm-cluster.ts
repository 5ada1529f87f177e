import { crc32 } from 'node:zlib';
import type { NodeId } from '../../../../node/raft/types.ts';
import type { ReportLine } from '../../../../node/replica/trace.ts';
import { SNAPSHOT_POLICY, type SnapshotPolicy } from '../../../../node/replica/snapshotter.ts';
import type { Op } from '../../../history/op.ts';
import { keepOps, Recorder } from '../../../history/recorder.ts';
import { MembershipChange } from '../../../invariants/membership-change.ts';
import { SafetyMonitor } from '../../../invariants/monitor.ts';
import type { WorkloadPlan } from '../../../ports/workload.ts';
import { randomStream, type Random } from '../../../random.ts';
import { RaftClients } from '../../../systems/raft/clients.ts';
import { Load } from '../../../workload/load.ts';
import { SimCluster } from '../cluster.ts';
import type { SimParts } from '../server.ts';
import { VirtualTime } from '../time.ts';
import { CALM, chance, type Weather } from '../weather.ts';
import { SimWire } from '../wire.ts';

const ELECTION_TIMEOUT_MS = [150, 300] as const;
const HEARTBEAT_MS = 30;
const NS_PER_MS = 1e6;

/** A violated rule of Raft, or of the guarantees to clients. */
export class SimViolation extends Error {
  override readonly name = 'SimViolation';
}

export interface StormClusterOptions {
  readonly size: number;
  /** Number of nodes that start only when they join. */
  readonly spares: number;
  readonly seed: number;
  readonly parts: SimParts;
  readonly workload: WorkloadPlan;
}

/**
 * A cluster for a storm, with its clients. After every event the safety properties are checked by the same monitor as
 * for real clusters. The seed determines everything.
 */
export class StormCluster {
  readonly sim: SimCluster;
  /** Number of occurrences of each kind of event, which shows that the storm was eventful. */
  readonly counts: Record<string, number> = {};
  readonly #monitor: SafetyMonitor;
  readonly #kept = keepOps();
  readonly #load: Load;
  #digest = 0;
  #loadEnded = false;

  constructor({ size, spares, seed, parts, workload }: StormClusterOptions) {
    const stream = (salt: string): Random => randomStream(seed, 'link-weather', salt);
    const time = new VirtualTime();
    const tuning = {
      electionTimeoutMs: ELECTION_TIMEOUT_MS,
      heartbeatMs: HEARTBEAT_MS,
      ...drawBounds(stream('bounds')),
      snapshots: drawPolicy(stream('snapshots')),
      // Short enough that sessions expire, long enough that clients can use those that they have already opened.
      sessionIdleMs: stream('sessions').pick([0, 3_000]),
      hurries: chance(stream('starts'), 0.7),
      tickMs: null,
    };
    this.sim = new SimCluster({
      size, spares, seed, parts, tuning, time,
      weather: CALM,
      onReport: (id, line) => this.#reported(id, line),
      onBroken: (_id, error) => {
        throw error;
      },
    }); // prettier-ignore
    const { network, servers } = this.sim;
    network.onDelivery = ({ type, from, to, term }) =>
      this.saw(`${type} ${from}>${to} ${term}`, 'deliveries');
    const ids = servers.map(({ id }) => id);
    this.#monitor = new SafetyMonitor(ids, [new MembershipChange()]);
    const recorder = new Recorder({
      nowNs: () => Math.round(time.now() * NS_PER_MS),
      append: (line) => this.saw(line, 'history lines'),
      ...this.#kept,
    });
    const random = stream('clients');
    const weather = (): Weather => this.sim.weather;
    this.#load = new Load({
      plan: workload,
      nodes: ids,
      clients: new RaftClients({
        nodes: ids,
        clients: workload.clients,
        dial: (id) => new SimWire({ server: this.sim.server(id), network, random, weather }),
        timers: time,
      }),
      timers: time,
      recorder,
      onOp: (op) => this.#count(`${op.f} ${op.outcome}`),
    });
  }

  /** CRC-32 over all events, in order: the same seed gives the same digest. */
  get digest(): number {
    return this.#digest;
  }

  /** Starts the founders; spares start when they join. */
  start(): void {
    for (const id of this.sim.founders) this.sim.server(id).start();
    this.#load.start();
  }

  /** Loses the node's data folder; the node starts again with an empty one. */
  wipe(id: NodeId): void {
    const server = this.sim.server(id);
    server.crash();
    this.sim.loseFolder(id);
    this.#monitor.wiped(id);
    server.start();
  }

  /** Ends the load; returns every operation in order of invocation. */
  async stopLoad(): Promise<readonly Op[]> {
    void this.#load.stop(2_000).then(() => (this.#loadEnded = true));
    await this.sim.time.run(5_000, () => this.#loadEnded);
    return this.#kept.ops();
  }

  /** Records an event in the digest and counts it under `kind`. */
  saw(what: string, kind: string): void {
    this.#digest = crc32(`${this.sim.time.now()} ${what}`, this.#digest);
    this.#count(kind);
  }

  #reported(id: string, line: ReportLine): void {
    if (line.type === 'status' || line.type === 'ready' || line.type === 'log') return;
    this.saw(`${id} ${JSON.stringify(line)}`, line.type);
    const [violation] = this.#monitor.feed(this.sim.time.now(), id, line);
    if (violation !== undefined) throw new SimViolation(`${violation.property}: ${violation.prose}`);
  }

  #count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

/**
 * Small bounds make pipelines wait and refuse requests; with the shipped bounds this would never happen in such a short
 * life.
 */
function drawBounds(random: Random): {
  readonly maxInflightMessages: number;
  readonly maxMessageBytes: number;
  readonly maxUncommittedBytes: number;
} {
  return random.float() < 0.4
    ? {
        maxInflightMessages: random.int(1, 3),
        maxMessageBytes: random.pick([1, 200]),
        maxUncommittedBytes: 2_000,
      }
    : { maxInflightMessages: 32, maxMessageBytes: 64 << 10, maxUncommittedBytes: 1 << 20 };
}

/** Small limits make followers fall behind the log; the shipped limits never would in such a short life. */
function drawPolicy(random: Random): SnapshotPolicy {
  return random.float() < 0.7
    ? { everyEntries: random.int(3, 40), everyBytes: 1 << 20, keepEntries: random.int(0, 8) }
    : SNAPSHOT_POLICY;
}
