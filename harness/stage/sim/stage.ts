import { join } from 'node:path';
import type { NodeId } from '../../../node/raft/types.ts';
import type { ReportLine } from '../../../node/replica/trace.ts';
import { parseTuning } from '../../../node/server/tuning.ts';
import type { Stage, StageSetup } from '../../ports/stage.ts';
import { randomStream } from '../../random.ts';
import { RaftClients } from '../../systems/raft/clients.ts';
import { raftSystem } from '../../systems/raft/system.ts';
import { InProcessWorkload } from '../../workload/in-process.ts';
import { SIM } from './able.ts';
import { SimClusterPort } from './cluster-port.ts';
import { SimCluster, type SimTuning } from './cluster.ts';
import { SimLinks } from './links.ts';
import { SHIPPED_PARTS, type SimParts } from './server.ts';
import { StreamWire } from './stream-wire.ts';
import { VirtualTime } from './time.ts';
import type { Weather } from './weather.ts';

/** Delays of the disk and the timers on a healthy machine. Links have their own conditions. */
const STEADY: Weather = {
  lossProbability: 0,
  duplicateProbability: 0,
  linkDelayMs: [0, 0],
  diskDelayMs: [0.3, 1.5],
};

/** The simulated stage with its concrete types, which tests inspect. */
export interface SimStage extends Stage {
  readonly clock: VirtualTime;
  readonly cluster: SimClusterPort;
  readonly links: SimLinks;
  readonly workload: InProcessWorkload;
}

/**
 * Port `Stage`: shipped nodes and clients under virtual time, in this process. Everything that happens follows from the
 * seed.
 */
export function simStage(setup: StageSetup, parts: SimParts = SHIPPED_PARTS): SimStage {
  const { seed, workload: plan, live, dir } = setup;
  const time = new VirtualTime();
  const nodes = Array.from({ length: setup.nodes }, (_, i) => `n${i + 1}`);
  const links = new SimLinks({ nodes, time, random: randomStream(seed, 'link-weather', 'streams') });
  const sim = new SimCluster({
    size: nodes.length,
    spares: 0,
    seed,
    parts,
    time,
    tuning: shippedTuning(setup),
    weather: STEADY,
    streams: links,
    onReport: (id: NodeId, line: ReportLine) => cluster.reported(id, line),
    onBroken: (id: NodeId, error: unknown) => cluster.broken(id, error),
  });
  links.attach(sim.network.connections);
  const cluster = new SimClusterPort(sim, seed);
  const workload = new InProcessWorkload({
    plan,
    nodes,
    clients: new RaftClients({
      nodes,
      clients: plan.clients,
      dial: (node) => new StreamWire({ server: sim.server(node), links, time }),
      timers: time,
    }),
    clock: time,
    historyPath: join(dir, 'history.jsonl'),
    live,
  });
  return {
    ...SIM,
    system: raftSystem(),
    clock: time,
    cluster,
    links,
    workload,
    play: (work) => time.play(work),
    [Symbol.asyncDispose]: () =>
      time.play(async () => {
        await workload[Symbol.asyncDispose]();
        await cluster[Symbol.asyncDispose]();
        await links[Symbol.asyncDispose]();
      }),
  };
}

/** The options of a node process that gets only an election timeout and a heartbeat. */
export function shippedTuning({
  electionTimeoutMs,
  heartbeatMs,
}: Pick<StageSetup, 'electionTimeoutMs' | 'heartbeatMs'>): SimTuning {
  const { maxInflightMessages, maxMessageBytes, maxUncommittedBytes, ...tuning } = parseTuning({});
  return {
    electionTimeoutMs,
    heartbeatMs,
    maxInflightMessages,
    maxMessageBytes,
    maxUncommittedBytes,
    snapshots: tuning.snapshots,
    sessionIdleMs: tuning.sessionIdleMs,
    hurries: tuning.fastFailover,
    // The same interval as the timer in node/server/run-node.ts.
    tickMs: Math.max(1, Math.floor(heartbeatMs / 5)),
  };
}
