import { UNCHANGED_SINCE } from '../../names.ts';
import { OP_FUNCTIONS } from '../../history/op.ts';
import { z } from 'zod';
import { selector, strict } from '../../nemesis/fields.ts';
import { report } from '../../nemesis/mistake.ts';
import { duration } from '../../nemesis/quantity.ts';
import { comparison, durationComparison } from './comparison.ts';

const count = z.int('expected a whole number').min(0, 'a count is not negative');

const unchangedSince = z
  .string()
  .regex(UNCHANGED_SINCE, 'expected `unchanged-since(a-fault)`, or a comparison such as `> 10`')
  .transform((text) => ({ unchangedSince: UNCHANGED_SINCE.exec(text)![1]! }));

const within = duration.optional().meta({ description: 'only in `steady`: time limit' });

const leader = strict({
  count: count.optional().meta({ description: 'number of nodes that claim to lead' }),
  'stable-for': duration.optional().meta({ description: 'minimum time that the same leader has stood' }),
  is: selector.optional(),
  not: selector.optional(),
  term: comparison.optional(),
  within,
});
const progress = strict({
  op: z.enum(OP_FUNCTIONS).optional(),
  ok: count
    .optional()
    .meta({ description: 'minimum number of further operations of that kind that ended ok' }),
  ops: count.optional().meta({ description: 'minimum number of further operations that ended ok' }),
  within,
});
export const conditionFields = {
  leader: leader.optional(),
  progress: progress.optional(),
  converged: z
    .literal(true, 'expected `true`')
    .optional()
    .meta({ description: 'all nodes up, one term, one leader, all caught up' }),
  latency: strict({ p50: durationComparison.optional(), p99: durationComparison.optional() }).optional(),
  node: selector.optional().meta({ description: 'the nodes that the next four keys are about' }),
  'commit-index': z.union([unchangedSince, comparison]).optional(),
  role: z.enum(['follower', 'pre-candidate', 'candidate', 'leader']).optional(),
  life: z.enum(['up', 'paused', 'down']).optional(),
  term: comparison.optional(),
} as const;

/** The condition of a `wait`, a `check` or the steady state. All given parts must hold at once. */
const conditionMap = strict(conditionFields);
export type Condition = z.output<typeof conditionMap>;
export const condition = conditionMap.superRefine((spec, context) => {
  checkCondition(spec, context);
  if (spec.leader?.within === undefined && spec.progress?.within === undefined) return;
  report(context, { what: '`within` does not belong in here', hint: 'put it beside `until`' });
});

/** True if it depends on the reports of nodes, and not only on answers to clients or on processes. */
export const restsOnReports = ({ leader, converged, role, term, ...spec }: Condition): boolean =>
  [leader, converged, role, term, spec['commit-index']].some((part) => part !== undefined);

/** Rules over a condition's fields, for the schemas that contain them. */
export function checkCondition(spec: Condition, context: z.RefinementCtx): void {
  const about = (['commit-index', 'role', 'life', 'term'] as const).filter((key) => spec[key] !== undefined);
  if (about.length > 0 && spec.node === undefined)
    report(context, { what: `\`${about[0]}\` of which node?`, hint: 'add `node: …`' });
  if (about.length === 0 && spec.node !== undefined)
    report(context, { what: 'what about the node?', hint: 'add `commit-index`, `role`, `life` or `term`' });
  const others = [spec.leader, spec.progress, spec.converged, spec.latency];
  if (about.length === 0 && spec.node === undefined && others.every((part) => part === undefined)) {
    report(context, {
      what: 'nothing to look for',
      hint: 'give `leader`, `progress`, `converged`, `latency`, or `node` with what it should be',
    });
  }
}
