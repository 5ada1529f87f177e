import { checkKey } from '../../../checker/key.ts';
import type { Op } from '../../../history/op.ts';
import { randomStream } from '../../../random.ts';
import type { WorkloadPlan } from '../../../ports/workload.ts';
import type { SimCluster } from '../cluster.ts';
import type { SimParts } from '../server.ts';
import { SimViolation, StormCluster } from './storm-cluster.ts';
import { startStorm } from './storm.ts';
import { CALM } from '../weather.ts';

export interface Simulated {
  readonly seed: number;
  readonly size: number;
  /** CRC-32 over everything that happened, in order. */
  readonly digest: number;
  /** Number of events of virtual time: messages, writes, ticks, requests, faults. */
  readonly events: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Number of events, ticks excluded, after which a storm ends: deliveries, operations, steps of the logs. */
const STORM_HAPPENINGS = 2_000;
/** Maximum duration of a storm in which little happens, in virtual ms. */
const STORM_AT_MOST_MS = 20_000;
/** Maximum time from healing until the cluster has a leader, has caught up and has served a request, in virtual ms. */
const RECOVERY_MS = 10_000;
/** Time for the nodes to apply what they know to be committed, in virtual ms. */
const TURNS_MS = 100;
const SETTLE_TRIES = 20;
const SIZES = [3, 3, 5, 7] as const;
const MOST_SPARES = 3;
const JUDGE_LIMITS = { limitMs: 10_000, memoryBytes: 256 << 20 } as const;

/**
 * The life of one cluster: a storm of faults under load, then everything heals. Rejects with `SimViolation` (or with an
 * assertion of the node) if a safety property, linearizability, recovery or the equality of the states fails. The same
 * seed gives the same life, event for event.
 */
export async function simulate(seed: number, parts: SimParts): Promise<Simulated> {
  const random = randomStream(seed, 'schedule', 'storm');
  const size = random.pick(SIZES);
  const workload = drawWorkload(seed);
  const storm = new StormCluster({ size, spares: random.int(0, MOST_SPARES), seed, parts, workload });
  const { sim: cluster, counts } = storm;
  const { time } = cluster;
  storm.start();
  const endStorm = startStorm(storm, random);
  const happened = (): number =>
    (counts['deliveries'] ?? 0) +
    (counts['history lines'] ?? 0) +
    (counts['Replicate'] ?? 0) +
    (counts['Apply'] ?? 0);
  await time.run(STORM_AT_MOST_MS, () => happened() >= STORM_HAPPENINGS);
  endStorm();
  heal(cluster);
  const okBefore = served(counts);
  await time.run(RECOVERY_MS, () => cluster.settled && served(counts) > okBefore);
  if (served(counts) <= okBefore)
    throw new SimViolation(
      `liveness: nothing was written within ${RECOVERY_MS} ms of healing; ${cluster.describe()}`,
    );
  const ops = await storm.stopLoad();
  await settle(cluster);
  compareStates(cluster, ops);
  judge(ops);
  return { seed, size, digest: storm.digest >>> 0, events: time.events, counts };
}

/**
 * Waits until every node has applied every entry. A change of the members may be finished only now and add a node that
 * must catch up first. So the cluster must be settled, and must still be settled after every node has had a turn.
 */
async function settle(cluster: SimCluster): Promise<void> {
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    await cluster.time.run(RECOVERY_MS, () => cluster.settled);
    if (!cluster.settled) break;
    const { lastIndex } = cluster.leader!;
    await cluster.time.run(TURNS_MS);
    if (cluster.settled && cluster.leader!.lastIndex === lastIndex) return;
  }
  throw new SimViolation(`liveness: not settled within ${RECOVERY_MS} ms of healing; ${cluster.describe()}`);
}

const served = (counts: Readonly<Record<string, number>>): number =>
  (counts['write ok'] ?? 0) + (counts['append ok'] ?? 0);

function heal(cluster: SimCluster): void {
  cluster.weather = CALM;
  cluster.network.healAll();
  for (const server of cluster.servers) {
    server.diskHangs = false;
    server.resume();
    if (server.born) server.startIfDown();
  }
}

function drawWorkload(seed: number): WorkloadPlan {
  const random = randomStream(seed, 'workload', 'plan');
  return {
    clients: random.int(2, 6),
    ratePerSecond: random.pick([50, 200, 800]),
    keys: random.int(1, 4),
    skew: 'uniform',
    mix: { read: 0.35, write: 0.3, cas: 0.12, delete: 0.03, append: 0.2 },
    timeoutMs: random.pick([300, 1_000]),
    routing: random.pick(['leader', 'mixed']),
    seed,
  };
}

/** Checks the result of State Machine Safety: the stores of all members have the same value for every key. */
function compareStates(cluster: SimCluster, ops: readonly Op[]): void {
  const [first, ...others] = cluster.members;
  for (const key of new Set(ops.map((op) => op.key))) {
    const expected = JSON.stringify(first!.stateMachine?.read(key));
    for (const { id, stateMachine } of others) {
      const found = JSON.stringify(stateMachine?.read(key));
      if (found !== expected)
        throw new SimViolation(
          `states differ: key ${key} is ${expected} on ${first!.id} and ${found} on ${id}`,
        );
    }
  }
}

function judge(ops: readonly Op[]): void {
  for (const [key, ofKey] of Map.groupBy(ops, (op) => op.key)) {
    const { verdict, detail } = checkKey({ ops: ofKey }, JUDGE_LIMITS);
    if (verdict !== 'linearizable')
      throw new SimViolation(`linearizability: ${verdict}, key ${key}: ${detail}`);
  }
}
