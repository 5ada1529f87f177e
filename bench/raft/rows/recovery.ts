import type { Cluster, Target } from '../cluster.ts';
import type { Figures } from '../figures.ts';
import { awaitCaughtUp, awaitLeader, awaitRead, gapAt, generate, unixMs } from '../generator.ts';
import { newCluster } from '../sides.ts';
import type { ClusterOptions, Programs } from '../sides.ts';
import { BOTH } from './row.ts';
import type { Bench, Row } from './row.ts';

const RESTART_ENTRIES = 100_000;
const BEHIND_ENTRIES = 50_000;
const WITHIN_S = 300;
const CLIENTS = 256;
/** Puts are acknowledged for so long before anything happens. */
const BEFORE_MS = 500;
/** Longer than a catch-up takes. */
const TRICKLE_S = 4;

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

const PAUSED: Absence = {
  figure: '',
  leave: (cluster, id) => Promise.resolve(cluster.signal(id, 'SIGSTOP')),
  comeBack: (cluster, id) => cluster.signal(id, 'SIGCONT'),
};
const KILLED: Absence = {
  figure: ', with the start',
  leave: (cluster, id) => cluster.kill(id),
  comeBack: (cluster, id) => cluster.start(id),
};

/** What brings the member up: whether the others still have the entries that it lacks. */
interface Way {
  readonly figure: string;
  readonly options: ClusterOptions;
}

/** More than are put: both sides send every entry. */
const BY_ENTRIES: Way = { figure: 'by entries', options: { keepEntries: 4 * BEHIND_ENTRIES } };
/** As both sides come: they have taken snapshots meanwhile and dropped what is behind these. */
const BY_SNAPSHOT: Way = { figure: 'by a snapshot', options: {} };

/** A cluster of which one member is `behind`, until `comeBack` is called. */
interface Behind {
  readonly programs: Programs;
  readonly cluster: Cluster;
  readonly leader: string;
  readonly behind: string;
  readonly comeBack: () => void;
}

/** When a member that has come back has caught up: seen from outside, and alike for both sides. */
interface End {
  readonly figure: string;
  /** Has the member come back; to the end, ms. */
  measure(cluster: Behind): Promise<number>;
}

/** It has applied all that the leader had. Meanwhile some puts are made: an idle etcd may not send its snapshot. */
const APPLIED: End = {
  figure: '',
  async measure({ programs, cluster, leader, behind, comeBack }) {
    const begun = Promise.withResolvers<void>();
    const trickle = generate(programs, cluster, {
      mode: 'probe',
      only: leader,
      warmS: 0,
      runS: TRICKLE_S,
      onBegin: begun.resolve,
    });
    await begun.promise;
    let backAtMs = 0;
    const endMs = await awaitCaughtUp(programs, cluster, behind, () => {
      backAtMs = unixMs();
      comeBack();
    });
    await trickle;
    return endMs - backAtMs;
  },
};
/** The other follower is killed when it comes back: puts are acknowledged again once it has all of the log. */
const COUNTS: End = {
  figure: ', until it makes up a majority',
  async measure({ programs, cluster, leader, behind, comeBack }) {
    const other = cluster.members.find(({ id }) => id !== leader && id !== behind)!.id;
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
          comeBack();
          killed = cluster.kill(other);
        }, BEFORE_MS);
      },
    });
    await killed;
    return gapAt(backAtMs, acksUs!).endedAfterMs;
  },
};

/** A member is away while 50,000 puts are made: paused, or killed, when the time to start is in the figure, too. */
export const CATCH_UP: Row = {
  name: 'catch-up',
  sides: BOTH,
  async measure(target: Target, { programs }: Bench): Promise<Figures> {
    const figures: Record<string, number> = {};
    for (const end of [APPLIED, COUNTS])
      for (const way of [BY_ENTRIES, BY_SNAPSHOT])
        for (const absence of [PAUSED, KILLED]) {
          await using cluster = await newCluster(target, programs, way.options);
          cluster.startAll();
          const leader = await awaitLeader(programs, cluster);
          const behind = cluster.members.find(({ id }) => id !== leader)!.id;
          await absence.leave(cluster, behind);
          await generate(programs, cluster, {
            clients: CLIENTS,
            warmS: 0,
            runS: WITHIN_S,
            limit: BEHIND_ENTRIES,
          });
          const comeBack = (): void => absence.comeBack(cluster, behind);
          figures[`catch-up of 50,000 entries ${way.figure}${absence.figure}${end.figure}, ms`] =
            await end.measure({ programs, cluster, leader, behind, comeBack });
        }
    return figures;
  },
};
