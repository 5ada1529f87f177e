import { z } from 'zod';
import { selector, strict } from '../../nemesis/fields.ts';
import { mistaken, report } from '../../nemesis/mistake.ts';
import { duration, percent, rate } from '../../nemesis/quantity.ts';
import type { WorkloadPlan } from '../../ports/workload.ts';
import { SYSTEMS } from '../../systems/registry.ts';
import { SAFETY_PROPERTIES } from '../../trace.ts';
import { comparison, durationComparison } from './comparison.ts';
import { checkCondition, conditionFields, type Condition } from './condition.ts';
import { raftTiming } from './raft-timing.ts';
import { DEFAULT_CLUSTER, DURING_FIGURES, MOST_NODES } from './schema.ts';
import { rawStep } from './step-schema.ts';

const SYSTEM_NAMES = Object.keys(SYSTEMS);
const whole = z.int('expected a whole number');

const cluster = strict({
  nodes: whole
    .min(1, 'at least one node')
    .max(MOST_NODES, 'at most nine nodes')
    .default(DEFAULT_CLUSTER.nodes),
  system: z
    .literal(SYSTEM_NAMES, `expected ${SYSTEM_NAMES.map((name) => `\`${name}\``).join(' or ')}`)
    .default(DEFAULT_CLUSTER.system),
  raft: raftTiming.optional(),
});

const SKEW = /^(uniform|zipf\((\d+(?:\.\d+)?)\))$/;
const skew = z
  .string({ error: 'expected `uniform` or `zipf(1.1)`' })
  .regex(SKEW, 'expected `uniform` or `zipf(1.1)`')
  .transform((text): WorkloadPlan['skew'] => {
    const exponent = SKEW.exec(text)![2];
    return exponent === undefined ? 'uniform' : { zipf: Number(exponent) };
  });
const keyCount = whole.min(1, 'at least one key').max(100_000);
const keys = z
  .union([
    keyCount.transform((count) => ({ count, skew: 'uniform' as const })),
    strict({ count: keyCount, skew: skew.default('uniform') }),
  ])
  .default({ count: 5, skew: 'uniform' });

const mix = strict({
  read: percent.optional(),
  write: percent.optional(),
  cas: percent.optional(),
  delete: percent.optional(),
  append: percent.optional(),
}).superRefine((shares, context) => {
  const sum = Object.values(shares).reduce<number>((total, share) => total + (share ?? 0), 0);
  if (Math.abs(sum - 1) > 1e-9)
    report(context, { what: `the shares add up to ${Math.round(sum * 1_000) / 10}%, not 100%` });
});

const workload = strict({
  clients: whole.min(1, 'at least one client').max(1_000).default(6),
  rate: z
    .union([z.literal('max'), rate])
    .optional()
    .meta({ description: 'operations per second over all clients; 300/s by default' }),
  keys,
  mix: mix.optional(),
  timeout: duration
    .refine((ms) => ms >= 1, mistaken({ what: 'no operation ends within less than 1ms' }))
    .optional()
    .meta({ description: 'time limit of one operation; 1s by default' }),
  routing: z.enum(['leader', 'pinned', 'mixed']).default('mixed'),
});

const always = strict({
  linearizable: z
    .union([z.boolean(), strict({ limit: duration })])
    .optional()
    .meta({ description: 'true, false, or a limit for the checker; 60s by default' }),
  invariants: z
    .union([z.enum(['all', 'none']), z.array(z.enum(SAFETY_PROPERTIES)).min(1)])
    .optional()
    .meta({ description: "all of Raft's safety properties (the default), some, or none" }),
});

const during = strict({
  window: z
    .string({ error: 'expected the name of a fault' })
    .meta({ description: 'name of a fault; it must hold while that fault is live' }),
  node: selector.optional().meta({ description: 'only operations that this node answered' }),
  'acked-writes': comparison.optional(),
  'acked-reads': comparison.optional(),
  'acked-ops': comparison.optional(),
  'stale-reads': comparison.optional(),
  elections: comparison.optional(),
  'leader-gap': durationComparison.optional().meta({ description: 'longest time without a leader' }),
}).superRefine(({ window: _window, node: _node, ...wanted }, context) => {
  if (Object.values(wanted).every((value) => value === undefined)) {
    const figures = DURING_FIGURES.map((figure) => `\`${figure}\``);
    report(context, {
      what: 'nothing is expected here',
      hint: `add ${figures.slice(0, -1).join(', ')} or ${figures.at(-1)}`,
    });
  }
});

const expectMap = strict({
  always: always.optional(),
  during: z.array(during).optional(),
  recovery: strict({
    'leader-within': duration.optional(),
    'caught-up-within': duration.optional(),
    'writes-within': duration.optional(),
  })
    .optional()
    .meta({ description: 'after the last heal' }),
  'not-vacuous': strict({
    ops: whole
      .min(0)
      .optional()
      .meta({ description: 'minimum number of operations that ended ok; 1 by default' }),
    'ops-during-faults': whole
      .min(0)
      .optional()
      .meta({ description: 'the same while the faults of each name held; 1 by default, 0: none needs to' }),
    'faults-observed': z
      .union([z.literal('all'), whole.min(0)])
      .optional()
      .meta({ description: 'faults that were seen to take effect: all (the default), or a minimum number' }),
    elections: whole
      .min(0)
      .optional()
      .meta({ description: 'minimum number of elections after the first step began' }),
  })
    .optional()
    .meta({ description: 'what makes the run meaningful; a run that misses it is inconclusive' }),
});

const steady = strict({ ...conditionFields, within: duration.optional() }).superRefine((spec, context) => {
  checkCondition(spec, context);
  if (steadyWithin(spec).length === 1) return;
  report(context, { what: 'how long may it take?', hint: 'add one `within: 5s`' });
});

/** Time limits that a steady condition has, next to its part (`{converged: true, within: 5s}`) or inside it. */
export function steadyWithin(spec: Condition & { readonly within?: number | undefined }): readonly number[] {
  return [spec.within, spec.leader?.within, spec.progress?.within].filter((within) => within !== undefined);
}

/** Keys at the top that begin with this are the file's own, for values that it names with an anchor. */
export const EXTENSION = /^x-/;

const SCENARIO_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** A whole file. */
export const file = strict({
  apiVersion: z.literal('chaos/v1', 'expected `chaos/v1`'),
  name: z
    .string({ error: 'expected a name' })
    .refine(
      (text) => SCENARIO_NAME.test(text),
      mistaken({ what: 'not a name', hint: 'use lower-case letters, digits and dashes' }),
    )
    .max(60, 'at most 60 characters')
    .meta({ pattern: SCENARIO_NAME.source }),
  description: z.string().optional(),
  seed: whole
    .min(0, 'a seed is not negative')
    .optional()
    .meta({ description: 'if absent, it is drawn at random and printed' }),
  cluster: cluster.prefault({}),
  workload: workload.prefault({}),
  steady: z.array(steady).optional().meta({ description: 'what must hold before the first step' }),
  steps: z.array(rawStep, 'expected a list of steps'),
  expect: expectMap.optional(),
});

export type RawFile = z.output<typeof file>;
export type RawExpect = z.output<typeof expectMap>;
