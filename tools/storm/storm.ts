import { join } from 'node:path';
import { randomStream } from '../../harness/random.ts';
import type { WorkloadPlan } from '../../harness/ports/workload.ts';
import { audit } from './audit.ts';
import { blows } from './blows.ts';
import { StormLoad } from './load.ts';
import { StormNodes } from './nodes.ts';
import { Operator } from './operator.ts';

export interface StormOptions {
  readonly seed: number;
  /** The storm lasts until so many writes are acknowledged. */
  readonly writes: number;
  /** Operations a second over all clients: the slower, the more blows fall among the writes. */
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
 * Three node processes, and two that may join, under kill -9, transfers and changes of the members while clients write;
 * then calm, and the audit. Rejects with what broke. The seed draws blows and operations; processes and the network
 * keep their own time, so that it repeats the kind of a storm, not its every step.
 */
export async function storm(options: StormOptions): Promise<StormResult> {
  const { seed, writes, dir, program } = options;
  const began = performance.now();
  await using nodes = await StormNodes.open({
    dir: join(dir, `seed-${seed}`),
    founders: 3,
    joiners: 2,
    program,
    seed,
    options: NODE_OPTIONS,
  });
  const given = AbortSignal.any([options.signal, nodes.broken]);
  await Promise.all(nodes.founders.map((id) => nodes.start(id)));
  const load = new StormLoad(planOf(options), new Map(nodes.ids.map((id) => [id, nodes.clientAddress(id)])));
  const calm = new AbortController();
  const storming = AbortSignal.any([given, calm.signal]);
  const operator = new Operator(nodes, randomStream(seed, 'schedule', 'operator'));
  const blowing = Promise.all([
    blows(nodes, randomStream(seed, 'schedule', 'blows'), storming),
    operator.work(storming),
  ]);
  blowing.catch((error: Error) => nodes.break(error.message));
  try {
    await load.reached(writes, given);
  } finally {
    calm.abort();
    await blowing.catch(() => {});
    await load.stop(given.aborted ? 0 : undefined);
  }
  given.throwIfAborted();
  await audit(nodes, operator.members, load);
  const { acknowledged, ops } = load;
  return {
    writes: acknowledged,
    operations: ops.length,
    tookMs: performance.now() - began,
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
