import type { ComparedCluster, Target } from '../compared-cluster.ts';
import { median } from '../../median.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, gapAt, generate, unixMs } from '../generator.ts';
import { newCluster } from '../sides.ts';
import { BOTH } from './row.ts';
import type { Bench, Row } from './row.ts';

/** Time to the next acknowledged put after a leader was killed, or was paused so that no connection breaks. */
export const FAILOVER = failoverRow('failover', 'failover, kill -9', (cluster, leader) =>
  cluster.kill(leader),
);
export const SILENCE = failoverRow('silence', 'failover, silence', (cluster, leader) => {
  cluster.signal(leader, 'SIGSTOP');
  return Promise.resolve();
});

const TRIALS = Number(process.env['TRIALS'] ?? 5);
const BEFORE_MS = 700;
const AFTER_S = 4;
/** Time between two trials, in which the member that was down follows again. */
const BETWEEN_MS = 1_000;

function failoverRow(
  name: string,
  figure: string,
  strike: (cluster: ComparedCluster, leader: string) => Promise<void>,
): Row {
  return {
    name,
    sides: BOTH,
    async measure(target: Target, { programs }: Bench): Promise<Figures> {
      await using cluster = await newCluster(target, programs);
      cluster.startAll();
      const times: number[] = [];
      for (let trial = 0; trial < TRIALS; trial++) {
        const leader = await awaitLeader(programs, cluster);
        await sleep(BETWEEN_MS);
        let struckAtMs = 0;
        let struck = Promise.resolve();
        const { acksUs } = await generate(programs, cluster, {
          mode: 'probe',
          warmS: 0,
          runS: AFTER_S,
          acks: true,
          onBegin: () => {
            setTimeout(() => {
              struckAtMs = unixMs();
              struck = strike(cluster, leader);
            }, BEFORE_MS);
          },
        });
        await struck;
        times.push(gapAt(struckAtMs, acksUs!).endedAfterMs);
        await cluster.kill(leader);
        cluster.start(leader);
      }
      return { [`${figure}, median, ms`]: median(times), [`${figure}, worst, ms`]: Math.max(...times) };
    },
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
