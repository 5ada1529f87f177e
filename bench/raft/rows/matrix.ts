import type { Target } from '../compared-cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, generate } from '../generator.ts';
import { newCluster } from '../sides.ts';
import { OURS } from './row.ts';
import type { Bench, Row } from './row.ts';

const CLIENTS = 256;

/** Our nodes only: three and five, with small and large values, reads and writes, directly and through Toxiproxy. */
export const MATRIX: Row = {
  name: 'matrix',
  sides: OURS,
  async measure(target: Target, { programs, seconds }: Bench): Promise<Figures> {
    const figures: Record<string, number> = {};
    for (const size of [3, 5]) {
      for (const linked of [false, true]) {
        await using cluster = await newCluster(target, programs, { size, linked });
        cluster.startAll();
        await awaitLeader(programs, cluster);
        for (const valueBytes of [64, 256, 4_096]) {
          for (const reads of [0, 0.5, 0.9]) {
            const run = await generate(programs, cluster, {
              clients: CLIENTS,
              runS: seconds,
              valueBytes,
              reads,
            });
            const way = linked ? 'Toxiproxy links' : 'straight';
            const what = `${size} nodes, ${way}, ${valueBytes} B, ${reads * 100} % reads, operations/s`;
            figures[what] = (run.puts.count + run.reads.count) / run.seconds;
          }
        }
      }
    }
    return figures;
  },
};
