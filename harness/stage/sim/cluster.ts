import { crc32 } from 'node:zlib';
import { membersOf } from '../../../node/raft/membership.ts';
import type { CoreStatus } from '../../../node/raft/ready.ts';
import { nodeId } from '../../../node/raft/types.ts';
import type { NodeId } from '../../../node/raft/types.ts';
import type { ReportLine } from '../../../node/replica/trace.ts';
import { SNAPSHOT_POLICY, type SnapshotPolicy } from '../../../node/replica/snapshotter.ts';
import type { Op } from '../../history/op.ts';
import { keepOps, Recorder } from '../../history/recorder.ts';
import { MembershipChange } from '../../invariants/membership-change.ts';
import { SafetyMonitor } from '../../invariants/monitor.ts';
import { randomStream, type Random } from '../../random.ts';
import { RaftClients } from '../../systems/raft/clients.ts';
import { Load } from '../../workload/load.ts';
import type { WorkloadPlan } from '../../ports/workload.ts';
import { SimFolder } from './folder.ts';
import { SimNetwork } from './network.ts';
import { SimServer, type SimParts } from './server.ts';
import { VirtualTime } from './time.ts';
import { CALM, chance, type Weather } from './weather.ts';
import { SimWire } from './wire.ts';

export const ELECTION_TIMEOUT_MS = [150, 300] as const;
export const HEARTBEAT_MS = 30;
const NS_PER_MS = 1e6;

/** A rule of Raft, or of what clients were promised, was seen broken. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export interface SimClusterOptions {
  readonly size: number;
  /** Nodes that run once they are to join. */
  readonly spares: number;
  readonly seed: number;
  readonly parts: SimParts;
  readonly workload: WorkloadPlan;
}

/**
 * A cluster of shipped nodes, its links, disks and clients under virtual time. The safety properties are watched after
 * every event, by the monitor that watches real clusters. Everything follows from the seed.
 */
export class SimCluster {
  readonly time = new VirtualTime();
  readonly network: SimNetwork;
  readonly servers: readonly SimServer[];
  weather: Weather = CALM;
  /** How often each thing was seen: shows that a storm was one. */
  readonly counts: Record<string, number> = {};
  readonly #monitor: SafetyMonitor;
  readonly #folders = new Map<NodeId, SimFolder>();
  readonly #founders: readonly NodeId[];
  readonly #kept = keepOps();
  readonly #load: Load;
  #digest = 0;
  #loadEnded = false;

  constructor({ size, spares, seed, parts, workload }: SimClusterOptions) {
    const stream = (salt: string): Random => randomStream(seed, 'link-weather', salt);
    const weather = (): Weather => this.weather;
    const { time } = this;
    this.network = new SimNetwork({ time, random: stream('links'), weather });
    this.network.onDelivery = ({ type, from, to, term }) =>
      this.saw(`${type} ${from}>${to} ${term}`, 'deliveries');
    const ids = Array.from({ length: size + spares }, (_, at) => nodeId(`n${at + 1}`));
    this.#founders = ids.slice(0, size);
    this.#monitor = new SafetyMonitor(ids, [new MembershipChange()]);
    const bounds = drawBounds(stream('bounds'));
    const policy = drawPolicy(stream('snapshots'));
    // Short enough for sessions to go, long enough for clients to use the ones that they have in stock.
    const sessionIdleMs = stream('sessions').pick([0, 3_000]);
    const hurries = chance(stream('starts'), 0.7);
    this.servers = ids.map((id) => {
      const folder = new SimFolder(id, this.#founders, stream(`folder of ${id}`));
      this.#folders.set(id, folder);
      return new SimServer({
        config: {
          id,
          electionTimeoutMinMs: ELECTION_TIMEOUT_MS[0],
          electionTimeoutMaxMs: ELECTION_TIMEOUT_MS[1],
          heartbeatMs: HEARTBEAT_MS,
          ...bounds,
        },
        parts,
        time,
        network: this.network,
        random: randomStream(seed, 'node-timers', id),
        weather,
        snapshots: policy,
        sessionIdleMs,
        hurries,
        disk: () => folder.storage(),
        onReport: (line) => this.#reported(id, line),
      });
    });
    const recorder = new Recorder({
      nowNs: () => Math.round(time.now() * NS_PER_MS),
      append: (line) => this.saw(line, 'history lines'),
      ...this.#kept,
    });
    const client = stream('clients');
    this.#load = new Load({
      plan: workload,
      nodes: ids,
      clients: new RaftClients({
        nodes: ids,
        clients: workload.clients,
        dial: (id) =>
          new SimWire({ server: this.server(id), network: this.network, random: client, weather }),
        timers: time,
      }),
      timers: time,
      recorder,
      onOp: (op) => this.#count(`${op.f} ${op.outcome}`),
    });
  }

  /** CRC-32 over all that happened, in order: the same seed gives the same one. */
  get digest(): number {
    return this.#digest;
  }

  /** The founders run; spares wait to be asked. */
  start(): void {
    for (const id of this.#founders) this.server(id).start();
    this.#load.start();
  }

  server(id: string): SimServer {
    return this.servers.find((each) => each.id === id)!;
  }

  /** The node's data folder is gone; it starts again with an empty one. */
  wipe(id: NodeId): void {
    const server = this.server(id);
    server.crash();
    this.#folders.get(id)!.lose();
    this.#monitor.wiped(id);
    server.start();
  }

  /** Ends the load; returns every operation in order of invocation. */
  async stopLoad(): Promise<readonly Op[]> {
    void this.#load.stop(2_000).then(() => (this.#loadEnded = true));
    await this.time.run(5_000, () => this.#loadEnded);
    return this.#kept.ops();
  }

  /** Notes something that happened: into the digest, and under `kind` into the counts. */
  saw(what: string, kind: string): void {
    this.#digest = crc32(`${this.time.now()} ${what}`, this.#digest);
    this.#count(kind);
  }

  /** Who leads in the highest term; null: nobody. */
  get leader(): CoreStatus | null {
    let found: CoreStatus | null = null;
    for (const { status } of this.servers)
      if (status?.role === 'leader' && status.term > (found?.term ?? -1)) found = status;
    return found;
  }

  /** The members, as the leader knows them; nobody, if none leads. */
  get members(): readonly SimServer[] {
    const { leader } = this;
    return leader === null ? [] : [...membersOf(leader.configuration)].map((id) => this.server(id));
  }

  /** One leads, all members follow it and know what it has committed, and none is on the way in or out. */
  get settled(): boolean {
    const lead = this.leader;
    if (lead === null || lead.commitIndex !== lead.lastIndex || lead.configuration.outgoing.length > 0)
      return false;
    return this.members.every(
      ({ status }) =>
        status?.leader === lead.id && status.term === lead.term && status.commitIndex === lead.commitIndex,
    );
  }

  describe(): string {
    return this.servers
      .map(({ id, status, paused, up }) => {
        if (status === null) return `${id} ${up ? 'starting' : 'down'}`;
        const { role, term, leader, commitIndex, lastTerm, lastIndex, configuration } = status;
        const { voters, outgoing, learners } = configuration;
        const members = [voters, outgoing, learners].map((ids) => ids.join(' ')).join(' | ');
        return `${id}${paused ? ' paused' : ''} ${role} term ${term} leader ${leader} log ${lastTerm}/${lastIndex} commit ${commitIndex} (${members})`;
      })
      .join('; ');
  }

  #reported(id: string, line: ReportLine): void {
    if (line.type === 'status' || line.type === 'ready' || line.type === 'log') return;
    this.saw(`${id} ${JSON.stringify(line)}`, line.type);
    const [violation] = this.#monitor.feed(this.time.now(), id, line);
    if (violation !== undefined) throw new Broken(`${violation.property}: ${violation.prose}`);
  }

  #count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

/** Small bounds make pipelines stall and refuse; shipped ones never would in so short a life. */
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

/** Small ones make followers fall behind the log; shipped ones never would in so short a life. */
function drawPolicy(random: Random): SnapshotPolicy {
  return random.float() < 0.7
    ? { everyEntries: random.int(3, 40), everyBytes: 1 << 20, keepEntries: random.int(0, 8) }
    : SNAPSHOT_POLICY;
}
