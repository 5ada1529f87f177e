import { membersOf } from '../../../node/raft/membership.ts';
import type { CoreStatus } from '../../../node/raft/ready.ts';
import { nodeId } from '../../../node/raft/types.ts';
import type { NodeId } from '../../../node/raft/types.ts';
import type { ReportLine } from '../../../node/replica/trace.ts';
import { randomStream } from '../../random.ts';
import { SimFolder } from './folder.ts';
import { SimNetwork, type Streams } from './network.ts';
import { SimServer, type SimParts, type SimServerOptions } from './server.ts';
import type { VirtualTime } from './time.ts';
import type { Weather } from './weather.ts';

/** Options of all nodes. */
export interface SimTuning
  extends
    Pick<SimServerOptions, 'snapshots' | 'sessionIdleMs' | 'hurries' | 'tickMs'>,
    Pick<
      SimServerOptions['config'],
      'heartbeatMs' | 'maxInflightMessages' | 'maxMessageBytes' | 'maxUncommittedBytes'
    > {
  readonly electionTimeoutMs: readonly [min: number, max: number];
}

export interface SimClusterOptions {
  readonly size: number;
  /** Number of nodes beside those that found the cluster. */
  readonly spares: number;
  readonly seed: number;
  readonly parts: SimParts;
  readonly tuning: SimTuning;
  readonly time: VirtualTime;
  readonly weather: Weather;
  /** Connections that carry the messages; if absent, the weather decides how messages arrive. */
  readonly streams?: Streams;
  readonly onReport: (id: NodeId, line: ReportLine) => void;
  /** See `SimServerOptions.onBroken`. */
  readonly onBroken: (id: NodeId, error: unknown) => void;
}

/** Shipped nodes with their links and disks under virtual time. Nothing runs until a node is started. */
export class SimCluster {
  readonly time: VirtualTime;
  readonly network: SimNetwork;
  readonly servers: readonly SimServer[];
  readonly founders: readonly NodeId[];
  weather: Weather;
  readonly #folders = new Map<NodeId, SimFolder>();

  constructor(options: SimClusterOptions) {
    const { size, spares, seed, parts, time, streams, onReport, onBroken } = options;
    const { electionTimeoutMs, snapshots, sessionIdleMs, hurries, tickMs, ...bounds } = options.tuning;
    this.time = time;
    this.weather = options.weather;
    const weather = (): Weather => this.weather;
    const random = randomStream(seed, 'link-weather', 'links');
    this.network = new SimNetwork({ time, random, weather, ...(streams !== undefined && { streams }) });
    const ids = Array.from({ length: size + spares }, (_, at) => nodeId(`n${at + 1}`));
    this.founders = ids.slice(0, size);
    const [electionTimeoutMinMs, electionTimeoutMaxMs] = electionTimeoutMs;
    this.servers = ids.map((id) => {
      const folder = new SimFolder(id, this.founders, randomStream(seed, 'link-weather', `folder of ${id}`));
      this.#folders.set(id, folder);
      return new SimServer({
        config: { id, electionTimeoutMinMs, electionTimeoutMaxMs, ...bounds },
        parts,
        time,
        network: this.network,
        random: randomStream(seed, 'node-timers', id),
        weather,
        snapshots,
        sessionIdleMs,
        hurries,
        tickMs,
        disk: () => folder.storage(),
        onReport: (line) => onReport(id, line),
        onBroken: (error) => onBroken(id, error),
      });
    });
  }

  server(id: string): SimServer {
    return this.servers.find((each) => each.id === id)!;
  }

  /** Loses the node's data folder; the node must be down. */
  loseFolder(id: NodeId): void {
    this.#folders.get(id)!.lose();
  }

  /** The leader of the highest term; null if there is none. */
  get leader(): CoreStatus | null {
    let found: CoreStatus | null = null;
    for (const { status } of this.servers)
      if (status?.role === 'leader' && status.term > (found?.term ?? -1)) found = status;
    return found;
  }

  /** The members, as the leader knows them; empty if no node leads. */
  get members(): readonly SimServer[] {
    const { leader } = this;
    return leader === null ? [] : [...membersOf(leader.configuration)].map((id) => this.server(id));
  }

  /**
   * True if one node leads, all members follow it and know its commit index, and no member is being added or removed.
   */
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
}
