import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkLinearizable } from '../../harness/checker/linearizable.ts';
import { monotonicMs } from '../../harness/clock.ts';
import { localCluster } from '../../harness/cluster/local.ts';
import type { Cluster, ClusterEvent } from '../../harness/ports/cluster.ts';
import { SafetyMonitor } from '../../harness/invariants/monitor.ts';
import { recordPid } from '../../harness/links/journal.ts';
import { allocateNodePorts, openLinks } from '../../harness/links/open.ts';
import { randomStream } from '../../harness/random.ts';
import { raftSystem } from '../../harness/systems/raft/system.ts';
import type { WorkloadPlan } from '../../harness/ports/workload.ts';
import { StormLoad } from '../storm/storm-load.ts';
import { faults } from './faults.ts';
import { Pressure } from './pressure.ts';
import { descriptorsBounded, memoryBounded, sampleOf } from './samples.ts';
import type { Bounded, Sample } from './samples.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Number of closed-loop clients, each as fast as the nodes answer. */
  readonly clients: number;
  readonly program: string;
  readonly dir: string;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

export interface SoakResult {
  readonly verdicts: Readonly<Record<string, Bounded>>;
  readonly survivor: string;
  readonly faults: Readonly<Record<string, number>>;
  readonly answered: number;
  readonly samples: readonly Sample[];
}

/** Share of the whole time that is warm-up: load without faults, not counted in the figures. */
const WARM_SHARE = 0.15;
const PROGRESS_EVERY_S = 30;
/** Time without clients after which only the connections between nodes are left. */
const AT_REST_MS = 3_000;
const NODES = 3;

/** Plan of the load whose history is checked: few enough operations to be kept, on keys that do not grow. */
const checkedLoad = (seed: number): WorkloadPlan => ({
  clients: 8,
  ratePerSecond: 300,
  keys: 24,
  skew: 'uniform',
  mix: { read: 0.5, write: 0.35, cas: 0.1, delete: 0.05, append: 0 },
  timeoutMs: 2_000,
  routing: 'mixed',
  seed,
});

/** Runs full load on three nodes behind links, under kills, pauses and cuts; then lets them rest and judges the run. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { seconds, seed, clients, dir, cacheDir, onProgress } = options;
  const originMs = monotonicMs();
  const now = (): number => (monotonicMs() - originMs) / 1_000;
  const failed = new AbortController();
  const fail = (why: string): void => failed.abort(new Error(why));
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const random = randomStream(seed, 'schedule', 'soak');
  const nodes = await allocateNodePorts(NODES);
  await using links = await openLinks({
    nodes,
    toxiproxy: 'builtin',
    cacheDir,
    signal: options.signal,
    onServerExit: fail,
    onNote: () => {},
  });
  await using cluster = localCluster({
    nodes,
    links,
    originMs,
    seed,
    dir: join(dir, 'data'),
    logsDir: join(dir, 'logs'),
    system: raftSystem(options.program),
    electionTimeoutMs: [300, 600],
    heartbeatMs: 50,
    journal: (pid, what) => recordPid(cacheDir, pid, what),
  });
  const monitor = new SafetyMonitor(cluster.nodes);
  const settled = Promise.withResolvers<void>();
  cluster.subscribe((event) => {
    if (event.type === 'status' && event.status.leader != null) settled.resolve();
    const why = failureOf(event, monitor);
    if (why !== null) fail(why);
  });
  await Promise.all(cluster.nodes.map((id) => cluster.start(id)));
  await Promise.race([settled.promise, delay(AT_REST_MS)]);
  await delay(AT_REST_MS);
  const before = descriptors(cluster);

  const addresses = new Map(cluster.nodes.map((id) => [id, links.address({ from: 'clients', to: id })]));
  const load = new StormLoad(checkedLoad(seed), addresses);
  await using pressure = new Pressure({ clients, keys: 1_000, valueBytes: 256, seed, addresses }, fail);
  const samples: Sample[] = [];
  const startedS = now();
  const sampling = setInterval(() => {
    const s = now() - startedS;
    for (const id of cluster.nodes) {
      const { pid } = cluster.view(id);
      const sample = pid === null ? null : sampleOf(s, id, pid);
      if (sample !== null) samples.push(sample);
    }
    if (Math.round(s) % PROGRESS_EVERY_S === 0)
      onProgress(progress(s, pressure.answered, samples.slice(-cluster.nodes.length)));
  }, 1_000);
  const warmS = seconds * WARM_SHARE;
  const survivor = random.pick(cluster.nodes);
  const { pid: survivorPid } = cluster.view(survivor);
  const counts = new Map<string, number>();
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  try {
    await delay(warmS * 1_000, undefined, { signal: until });
    const injecting = faults({ cluster, links, random, survivor, counts }, until);
    injecting.catch((error: Error) => fail(error.message));
    try {
      await delay((seconds - warmS) * 1_000, undefined, { signal: until });
    } finally {
      over.abort();
      await injecting.catch(() => {});
    }
  } catch {
    signal.throwIfAborted();
  } finally {
    clearInterval(sampling);
    const drained = signal.aborted ? 0 : undefined;
    await Promise.all([load.stop(drained), drained === 0 ? undefined : pressure.stop()]);
  }
  await delay(AT_REST_MS);
  signal.throwIfAborted();
  const { verdict, detail } = await checkLinearizable(load.ops);
  const properties = monitor.results().filter(({ status }) => status !== 'pass');
  return {
    survivor,
    faults: Object.fromEntries(counts),
    answered: pressure.answered,
    samples,
    verdicts: {
      [`memory of ${survivor}, which was never killed`]: memoryBounded(samples, survivorPid!, {
        warmS,
        endS: seconds,
      }),
      descriptors: descriptorsBounded(before, descriptors(cluster)),
      linearizable: { holds: verdict === 'linearizable', detail },
      'safety properties': {
        holds: properties.length === 0,
        detail: properties.map((each) => `${each.property}: ${each.detail}`).join('; ') || 'no violation',
      },
    },
  };
}

/** Describes a violated property or a node that ended by itself. Null: the event is neither. */
function failureOf(event: ClusterEvent, monitor: SafetyMonitor): string | null {
  if (event.type === 'reports-lost') return `${event.node}: ${event.reason}`;
  if (event.type === 'life') {
    if (event.life === 'starting') monitor.started(event.node);
    const { exit, node } = event;
    if (exit === undefined || exit.expected) return null;
    return `${node} ended by itself: ${exit.signal ?? `exit code ${exit.code}`}; ${exit.stderr}`;
  }
  if (event.type !== 'trace') return null;
  const [violation] = monitor.feed(event.t, event.node, event.trace);
  return violation === undefined ? null : `${violation.property}: ${violation.prose}`;
}

function descriptors(cluster: Cluster): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const id of cluster.nodes) {
    const { pid } = cluster.view(id);
    const sample = pid === null ? null : sampleOf(0, id, pid);
    if (sample !== null) counts.set(id, sample.descriptors);
  }
  return counts;
}

const progress = (s: number, answered: number, last: readonly Sample[]): string =>
  `${s.toFixed(0)} s: ${answered} operations answered; ${last.map(({ node, rssMiB, descriptors: open }) => `${node} ${rssMiB.toFixed(0)} MiB, ${open} descriptors`).join('; ')}`;
