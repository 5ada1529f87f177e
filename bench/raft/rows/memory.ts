import type { Target } from '../compared-cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, generate } from '../generator.ts';
import { residentMiB } from '../../machine.ts';
import { newCluster } from '../sides.ts';
import { BOTH, OURS } from './row.ts';
import type { Bench, Row } from './row.ts';

const PUTS = 1_000_000;
const WITHIN_S = 600;

/** Resident memory of leader and followers after a million puts by 1,000 clients. */
export const MEMORY: Row = {
  name: 'memory',
  sides: BOTH,
  once: true,
  async measure(target: Target, { programs }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs);
    cluster.startAll();
    const leader = await awaitLeader(programs, cluster);
    const run = await generate(programs, cluster, {
      clients: 1_000,
      runS: WITHIN_S,
      warmS: 0,
      limit: PUTS,
    });
    if (run.made < PUTS) throw new Error(`${target}: only ${run.made} of ${PUTS} puts in ${WITHIN_S} s`);
    const followers = cluster.members.filter(({ id }) => id !== leader);
    return {
      'memory after 1,000,000 puts, leader, MiB': residentMiB(cluster.pid(leader)),
      'memory after 1,000,000 puts, larger follower, MiB': Math.max(
        ...followers.map(({ id }) => residentMiB(cluster.pid(id))),
      ),
    };
  },
};

const MINUTES = Number(process.env['MINUTES'] ?? 10);
const SAMPLE_MS = 1_000;

/** Resident memory of a leader under full load while a follower is down. It must not grow. */
export const ONE_DOWN: Row = {
  name: 'one-down',
  sides: OURS,
  once: true,
  async measure(target: Target, { programs }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs);
    cluster.startAll();
    const leader = await awaitLeader(programs, cluster);
    await cluster.kill(cluster.members.find(({ id }) => id !== leader)!.id);
    const samples: number[] = [];
    const sampling = setInterval(() => samples.push(residentMiB(cluster.pid(leader))), SAMPLE_MS);
    await generate(programs, cluster, { clients: 256, runS: MINUTES * 60, warmS: 0 });
    clearInterval(sampling);
    const tenth = (n: number): number =>
      Math.max(...samples.slice((samples.length * n) / 10, (samples.length * (n + 1)) / 10));
    const name = `one node down for ${MINUTES} min, leader's memory`;
    return {
      [`${name}, second tenth of the time, MiB`]: tenth(1),
      [`${name}, last tenth, MiB`]: tenth(9),
      [`${name}, last tenth / second tenth`]: tenth(9) / tenth(1),
    };
  },
};
