import type { ComparedCluster, Target } from '../compared-cluster.ts';
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
/** Time of acknowledged puts before the event that is measured. */
const BEFORE_MS = 500;
/** Time of a slow load during a catch-up, longer than the catch-up takes. */
const TRICKLE_S = 4;

/** Time from the start of all members, after all were killed, to the first answered linearizable read. */
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

/** A way in which a member leaves and comes back. */
interface Absence {
  readonly figure: string;
  leave(cluster: ComparedCluster, id: string): Promise<void>;
  comeBack(cluster: ComparedCluster, id: string): void;
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

/** A way in which a member catches up. It depends on whether the others still have its missing entries. */
interface Way {
  readonly figure: string;
  readonly options: ClusterOptions;
}

/** More entries are kept than are put, so that both sides send every entry. */
const BY_ENTRIES: Way = { figure: 'by entries', options: { keepEntries: 4 * BEHIND_ENTRIES } };
/** With the defaults, both sides take snapshots meanwhile, and drop the entries that these cover. */
const BY_SNAPSHOT: Way = { figure: 'by a snapshot', options: {} };

/** A cluster with one member that is `behind` until `comeBack` is called. */
interface Behind {
  readonly programs: Programs;
  readonly cluster: ComparedCluster;
  readonly leader: string;
  readonly behind: string;
  readonly comeBack: () => void;
}

/** A definition of "caught up" that can be observed from outside, in the same way on both sides. */
interface End {
  readonly figure: string;
  /** Lets the member come back. Resolves to the time until it has caught up, in ms. */
  measure(cluster: Behind): Promise<number>;
}

/** The member has applied all that the leader had. There is a slow load, because an idle etcd may send no snapshot. */
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
/** The other follower is killed when the member comes back, so puts need the whole log on this member. */
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

/** A member is paused, or killed, during 50,000 puts. If it was killed, the figure includes its start. */
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
