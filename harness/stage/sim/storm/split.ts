import type { Random } from '../../../random.ts';
import type { SimCluster } from '../cluster.ts';
import type { SimServer } from '../server.ts';
import { between, chance } from '../weather.ts';

/** Duration of a split, in virtual ms: from less than one election to several elections. */
const LASTS_MS = [50, 1_200] as const;

/** Splits the cluster for a while into two halves that do not reach each other; clients reach both. */
export function split(cluster: SimCluster, random: Random): void {
  const half = cluster.servers.filter(() => chance(random, 0.5));
  separate(
    cluster,
    random,
    half,
    cluster.servers.filter((server) => !half.includes(server)),
  );
}

export function separate(
  { network, time }: SimCluster,
  random: Random,
  some: readonly SimServer[],
  others: readonly SimServer[],
): void {
  const pairs = some.flatMap(({ id: one }) => others.map(({ id: other }) => [one, other] as const));
  const apart = pairs.filter(([one, other]) => one !== other);
  const eachWay = (act: 'cut' | 'heal'): void => {
    for (const [one, other] of apart) {
      network[act](one, other);
      network[act](other, one);
    }
  };
  eachWay('cut');
  time.after(between(random, LASTS_MS), () => eachWay('heal'));
}
