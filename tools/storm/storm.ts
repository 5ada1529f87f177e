import { join } from 'node:path';
import { randomStream } from '../../harness/random.ts';
import type { WorkloadPlan } from '../../harness/ports/workload.ts';
import { audit } from './audit.ts';
import { stormEvents } from './storm-events.ts';
import { StormLoad } from './storm-load.ts';
import { StormNodes } from './storm-nodes.ts';
import { StormOperator } from './storm-operator.ts';

export interface StormOptions {
  readonly seed: number;
  /** Number of acknowledged writes that ends the storm. */
  readonly writes: number;
  /** Operations per second over all clients. The lower, the more storm events happen per write. */
  readonly ratePerSecond: number;
  /** Folder for the nodes' data and logs. */
  readonly dir: string;
  readonly program: string;
  readonly signal: AbortSignal;
}

export interface StormResult {
  readonly writes: number;
  readonly operations: number;
  readonly tookMs: number;
  readonly counts: ReadonlyMap<string, number>;
}

const NODE_OPTIONS = {
  'election-timeout': '150..300',
  heartbeat: '30',
  'snapshot-entries': '100',
  'keep-entries': '10',
};

/**
 * Runs three node processes, and two that may join, under kill -9, leadership transfers and membership changes while
 * clients write. Then the storm stops and the audit runs. Rejects with the first thing that went wrong. The seed draws
 * events and operations, but processes and the network keep their own time, so a seed repeats the kind of storm and
 * not its every step.
 */
export async function storm(options: StormOptions): Promise<StormResult> {
  const { seed, writes, dir, program } = options;
  const startedMs = performance.now();
  await using nodes = await StormNodes.open({
    dir: join(dir, `seed-${seed}`),
    founders: 3,
    joiners: 2,
    program,
    seed,
    options: NODE_OPTIONS,
  });
  const failed = AbortSignal.any([options.signal, nodes.failed]);
  await Promise.all(nodes.founders.map((id) => nodes.start(id)));
  const load = new StormLoad(planOf(options), new Map(nodes.ids.map((id) => [id, nodes.clientAddress(id)])));
  const over = new AbortController();
  const until = AbortSignal.any([failed, over.signal]);
  const operator = new StormOperator(nodes, randomStream(seed, 'schedule', 'operator'));
  const storming = Promise.all([
    // The name of the stream decides what a seed draws, so it stays as it is.
    stormEvents(nodes, randomStream(seed, 'schedule', 'blows'), until),
    operator.work(until),
  ]);
  storming.catch((error: Error) => nodes.fail(error.message));
  try {
    await load.reached(writes, failed);
  } finally {
    over.abort();
    await storming.catch(() => {});
    await load.stop(failed.aborted ? 0 : undefined);
  }
  failed.throwIfAborted();
  await audit(nodes, operator.members, load);
  const { acknowledged, ops } = load;
  return {
    writes: acknowledged,
    operations: ops.length,
    tookMs: performance.now() - startedMs,
    counts: nodes.counts,
  };
}

const planOf = ({ seed, ratePerSecond }: StormOptions): WorkloadPlan => ({
  clients: 12,
  ratePerSecond,
  keys: 12,
  skew: { zipf: 0.7 },
  mix: { read: 0.2, write: 0.3, cas: 0.1, delete: 0.05, append: 0.35 },
  timeoutMs: 6_000,
  routing: 'leader',
  seed,
});
