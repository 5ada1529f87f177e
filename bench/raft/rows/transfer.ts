import type { Target } from '../compared-cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, gapAt, generate, transferLeadership } from '../generator.ts';
import { newCluster } from '../sides.ts';
import { BOTH } from './row.ts';
import type { Bench, Row } from './row.ts';

const CLIENTS = 64;

/** Longest time without an acknowledged put of any client while leadership is transferred under load. */
export const TRANSFER: Row = {
  name: 'transfer',
  sides: BOTH,
  async measure(target: Target, { programs }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs);
    cluster.startAll();
    await awaitLeader(programs, cluster);
    let asked = Promise.resolve(0);
    const { acksUs } = await generate(programs, cluster, {
      clients: CLIENTS,
      runS: 3,
      acks: true,
      onBegin: () => {
        asked = transferLeadership(programs, cluster);
      },
    });
    return { 'transfer, longest gap in puts, ms': gapAt(await asked, acksUs!).gapMs };
  },
};
