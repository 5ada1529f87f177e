import type { Random } from '../../../random.ts';
import type { SimCluster } from '../cluster.ts';
import { CLIENTS } from '../network.ts';
import { Operator } from './operator.ts';
import type { SimServer } from '../server.ts';
import { separate, split } from './split.ts';
import type { StormCluster } from './storm-cluster.ts';
import { chance, drawWeather } from '../weather.ts';

/** One kind of random fault and its relative weight. */
interface Blow {
  readonly name: string;
  readonly share: number;
  /**
   * True if it ends other faults. Every storm has these kinds, because the cluster would otherwise soon be down for
   * ever.
   */
  readonly heals?: true;
  readonly strike: (cluster: SimCluster, random: Random, operator: Operator) => void;
}

const anyServer = ({ servers }: SimCluster, random: Random): SimServer => random.pick(servers);

/** The leader in half of the cases, because faults of the leader have the most effects; else any node. */
function aimed(cluster: SimCluster, random: Random): SimServer {
  const leader = cluster.servers.find(({ status }) => status?.role === 'leader');
  return leader !== undefined && chance(random, 0.5) ? leader : anyServer(cluster, random);
}

const BLOWS: readonly Blow[] = [
  { name: 'weather', share: 2, strike: (cluster, random) => void (cluster.weather = drawWeather(random)) },
  { name: 'crash', share: 3, strike: (cluster, random) => aimed(cluster, random).crash() },
  {
    name: 'crash all',
    share: 0.5,
    strike: ({ servers }) => servers.forEach((server) => server.crash()),
  },
  {
    name: 'restart',
    share: 4,
    heals: true,
    strike: ({ servers }, random) => {
      for (const server of servers) if (server.born && chance(random, 0.7)) server.startIfDown();
    },
  },
  { name: 'pause', share: 1.5, strike: (cluster, random) => aimed(cluster, random).pause() },
  {
    name: 'resume',
    share: 2.5,
    heals: true,
    strike: ({ servers }, random) => {
      for (const server of servers) if (chance(random, 0.7)) server.resume();
    },
  },
  {
    name: 'one-way cut',
    share: 2,
    strike: (cluster, random) => {
      const from = aimed(cluster, random);
      const to = anyServer(cluster, random);
      if (from === to) return;
      cluster.network.cut(from.id, to.id);
      if (chance(random, 0.3)) cluster.network.connections.reset(from.id, to.id);
    },
  },
  {
    name: 'reset',
    share: 1,
    strike: (cluster, random) => {
      const { id } = aimed(cluster, random);
      for (const other of cluster.servers)
        if (chance(random, 0.6)) cluster.network.connections.reset(id, other.id);
    },
  },
  {
    name: 'isolate',
    share: 2,
    strike: (cluster, random) => {
      separate(cluster, random, [aimed(cluster, random)], cluster.servers);
    },
  },
  { name: 'split', share: 1.5, strike: (cluster, random) => split(cluster, random) },
  {
    name: 'cut from the clients',
    share: 0.7,
    strike: (cluster, random) => {
      const { id } = aimed(cluster, random);
      cluster.network.cut(CLIENTS, id);
      if (chance(random, 0.5)) cluster.network.cut(id, CLIENTS);
    },
  },
  { name: 'heal links', share: 3, heals: true, strike: ({ network }) => network.healAll() },
  {
    name: 'disk hangs',
    share: 1,
    strike: (cluster, random) => void (aimed(cluster, random).diskHangs = true),
  },
  {
    name: 'disks go on',
    share: 2,
    heals: true,
    strike: ({ servers }) => servers.forEach((server) => void (server.diskHangs = false)),
  },
  { name: 'lost folder', share: 2, strike: (_, __, operator) => operator.loseFolder() },
];

/** Mean times between two faults, in virtual ms, from frequent to rare; the seed chooses one. */
const PACES_MS = [50, 150, 500] as const;

/** Injects random faults into the cluster until the returned function is called. */
export function startStorm(storm: StormCluster, random: Random): () => void {
  const cluster = storm.sim;
  const paceMs = random.pick(PACES_MS);
  const blows = BLOWS.filter(({ heals }) => heals ?? chance(random, 0.8));
  const shares = blows.reduce((sum, { share }) => sum + share, 0);
  const operator = new Operator({ storm, random, loses: chance(random, 0.7) });
  operator.start();
  let over = false;
  cluster.weather = drawWeather(random);
  const next = (): void => {
    cluster.time.after(paceMs * (0.2 + 1.6 * random.float()), () => {
      if (over || blows.length === 0) return;
      let at = random.float() * shares;
      const blow = blows.find(({ share }) => (at -= share) < 0) ?? blows[0]!;
      storm.saw(blow.name, 'blows');
      blow.strike(cluster, random, operator);
      next();
    });
  };
  next();
  return () => {
    over = true;
    operator.stop();
  };
}
