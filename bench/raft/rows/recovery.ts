import type { Cluster, Target } from '../cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitLeader, awaitRead, gapAt, generate, unixMs } from '../generator.ts';
import { newCluster } from '../sides.ts';
import { BOTH } from './row.ts';
import type { Bench, Row } from './row.ts';

const RESTART_ENTRIES = 100_000;
const BEHIND_ENTRIES = 50_000;
const WITHIN_S = 300;
const CLIENTS = 256;
/** Puts are acknowledged for so long before anything happens. */
const BEFORE_MS = 500;

/** All members are killed and started again: until one of them answers a linearizable read. */
export const RESTART: Row = {
  name: 'restart',
  sides: BOTH,
  async measure(target: Target, { programs }: Bench): Promise<Figures> {
    await using cluster = await newCluster(target, programs);
    cluster.startAll();
    await awaitLeader(programs, cluster);
    await generate(programs, cluster, {
      clients: CLIENTS,
      warmS: 0,
      runS: WITHIN_S,
      limit: RESTART_ENTRIES,
    });
    await cluster.killAll();
    const startedAtMs = unixMs();
    cluster.startAll();
    return {
      'restart with 100,000 entries to the first linearizable read, ms':
        (await awaitRead(programs, cluster)) - startedAtMs,
    };
  },
};

/** How a member is away, and how it comes back. */
interface Absence {
  readonly figure: string;
  leave(cluster: Cluster, id: string): Promise<void>;
  comeBack(cluster: Cluster, id: string): void;
}

const KILLED: Absence = {
  figure: 'catch-up of 50,000 entries, with the start, ms',
  leave: (cluster, id) => cluster.kill(id),
  comeBack: (cluster, id) => cluster.start(id),
};
const PAUSED: Absence = {
  figure: 'catch-up of 50,000 entries, ms',
  leave: (cluster, id) => Promise.resolve(cluster.signal(id, 'SIGSTOP')),
  comeBack: (cluster, id) => cluster.signal(id, 'SIGCONT'),
};

/** A member is away while 50,000 puts are made: paused, or killed, when the time to start is in the figure, too. */
export const CATCH_UP: Row = {
  name: 'catch-up',
  sides: BOTH,
  async measure(target: Target, bench: Bench): Promise<Figures> {
    return {
      [PAUSED.figure]: await catchUpMs(target, bench, PAUSED),
      [KILLED.figure]: await catchUpMs(target, bench, KILLED),
    };
  },
};

/**
 * When the member comes back, the other follower is killed: puts are acknowledged again once the first has caught up.
 * Seen from outside, and alike for both sides.
 */
async function catchUpMs(target: Target, { programs }: Bench, absence: Absence): Promise<number> {
  await using cluster = await newCluster(target, programs);
  cluster.startAll();
  const leader = await awaitLeader(programs, cluster);
  const [behind, other] = cluster.members.map(({ id }) => id).filter((id) => id !== leader);
  await absence.leave(cluster, behind!);
  await generate(programs, cluster, {
    clients: CLIENTS,
    warmS: 0,
    runS: WITHIN_S,
    limit: BEHIND_ENTRIES,
  });
  let backAtMs = 0;
  let killed = Promise.resolve();
  const { acksUs } = await generate(programs, cluster, {
    mode: 'probe',
    warmS: 0,
    runS: 5,
    acks: true,
    onBegin: () => {
      setTimeout(() => {
        backAtMs = unixMs();
        absence.comeBack(cluster, behind!);
        killed = cluster.kill(other!);
      }, BEFORE_MS);
    },
  });
  await killed;
  return gapAt(backAtMs, acksUs!).endedAfterMs;
}
