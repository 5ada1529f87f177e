import type { ComparedCluster, Target } from '../compared-cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, generate } from '../generator.ts';
import type { Load } from '../generator.ts';
import { newCluster } from '../sides.ts';
import type { Programs } from '../sides.ts';
import { BOTH } from './row.ts';
import type { Bench, Row } from './row.ts';

/**
 * Warms up the servers, because servers in use are warm. Just-in-time compilation needs some ten thousand rounds, more
 * than one client makes in the second of warm-up that each figure has in addition. A phase with many clients warms up
 * the work per put, and one with few clients the work per batch. It also gives most of the 10,000 keys a value.
 */
const WARM_UPS: readonly Load[] = [
  { clients: 256, runS: 60, warmS: 0, limit: 60_000 },
  { clients: 4, runS: 60, warmS: 0, limit: 20_000 },
];

async function warmUp(cluster: ComparedCluster, programs: Programs): Promise<void> {
  cluster.startAll();
  await awaitLeader(programs, cluster);
  for (const load of WARM_UPS) await generate(programs, cluster, load);
}

/** Puts with 1, 64, 256 and 1,000 clients, on one cluster. */
export const PUTS: Row = {
  name: 'put',
  sides: BOTH,
  async measure(target: Target, { programs, seconds }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs);
    await warmUp(cluster, programs);
    const figures: Record<string, number> = {};
    for (const clients of [1, 64, 256, 1_000]) {
      const { puts, ...run } = await generate(programs, cluster, { clients, runS: seconds });
      const at = clients === 1 ? '1 client' : `${clients} clients`;
      figures[`puts/s, ${at}`] = puts.count / run.seconds;
      figures[`p50 of puts, ${at}, ms`] = puts.p50;
      figures[`p99 of puts, ${at}, ms`] = puts.p99;
      figures[`server CPU per put, ${at}, µs`] = (run.serverCpuS * 1e6) / puts.count;
      figures[`generator CPU per put, ${at}, µs`] = (run.generatorCpuS * 1e6) / puts.count;
      figures[`puts per disk flush, ${at}`] = puts.count / run.flushes;
    }
    return figures;
  },
};

export const READS: Row = {
  name: 'read',
  sides: BOTH,
  async measure(target: Target, { programs, seconds }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs);
    await warmUp(cluster, programs);
    const figures: Record<string, number> = {};
    for (const clients of [64, 1_000]) {
      const { reads, ...run } = await generate(programs, cluster, { clients, runS: seconds, reads: 1 });
      figures[`reads/s, ${clients} clients`] = reads.count / run.seconds;
      figures[`p99 of reads, ${clients} clients, ms`] = reads.p99;
      figures[`server CPU per read, ${clients} clients, µs`] = (run.serverCpuS * 1e6) / reads.count;
      figures[`generator CPU per read, ${clients} clients, µs`] = (run.generatorCpuS * 1e6) / reads.count;
    }
    const mix = await generate(programs, cluster, { clients: 256, runS: seconds, reads: 0.9 });
    const operations = mix.reads.count + mix.puts.count;
    figures['90 % reads, operations/s, 256 clients'] = operations / mix.seconds;
    figures['90 % reads, p99 of reads, 256 clients, ms'] = mix.reads.p99;
    figures['90 % reads, p99 of puts, 256 clients, ms'] = mix.puts.p99;
    figures['90 % reads, server CPU per operation, 256 clients, µs'] = (mix.serverCpuS * 1e6) / operations;
    return figures;
  },
};
