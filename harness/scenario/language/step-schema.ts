import { z } from 'zod';
import { selector, strict } from '../../nemesis/fields.ts';
import { duration, durationRange } from '../../nemesis/quantity.ts';
import { FAULTS } from '../../nemesis/registry.ts';
import { NAME } from '../../nemesis/selector.ts';
import { condition } from './condition.ts';

/** Verbs that guide the flow; the others are faults. */
export const FLOW_VERBS = ['heal', 'wait', 'check', 'note', 'parallel', 'repeat'] as const;
/** Verbs of the language that this engine does not have yet: an error, never skipped. */
export const UNBUILT_VERBS = [
  'wipe',
  'skew',
  'disk',
  'transfer-leader',
  'membership',
  'random',
  'use',
] as const;
export const VERBS: readonly string[] = [...FAULTS.keys(), ...FLOW_VERBS];

/** Words that `heal` takes besides a fault's name. */
export const HEAL_ALL = 'all';

export const name = z
  .string({ error: 'expected a name' })
  .regex(NAME, 'not a name | small letters, digits and dashes, a letter first')
  .refine((text) => text !== HEAL_ALL && text !== 'run', { error: 'a reserved word | take another name' });

const heal = z.union([
  z.string({ error: 'expected the name of a fault, or `all`' }),
  z.array(z.string()).min(1, 'an empty list heals nothing'),
  strict({ node: selector }),
]);

const wait = strict({
  for: durationRange.optional().meta({ description: 'sleep' }),
  until: condition.optional(),
  within: duration.optional().meta({ description: 'how long to look for it; the run fails when it is over' }),
}).superRefine((spec, context) => {
  const fail = (message: string): void => context.addIssue({ code: 'custom', message });
  if ((spec.for === undefined) === (spec.until === undefined))
    fail('give one of `for` (sleep) and `until` (watch)');
  if (spec.until !== undefined && spec.within === undefined)
    fail('`until` needs `within`: how long may it take?');
  if (spec.for !== undefined && spec.within !== undefined) fail('`within` goes with `until`, not with `for`');
});

/** A step as it stands in a file: all verbs optional here; that there is exactly one is checked beside the schema. */
const shape = {
  ...Object.fromEntries(
    [...FAULTS].map(([verb, kind]) => [verb, kind.schema.optional().meta({ description: kind.summary })]),
  ),
  heal: heal.optional().meta({ description: 'lift a fault by name, several, all, or those on a node' }),
  wait: wait.optional().meta({ description: 'sleep, or watch the cluster' }),
  check: condition.optional().meta({ description: 'what must hold right now' }),
  note: z.string({ error: 'expected text' }).optional(),
  get parallel() {
    return z
      .array(z.union([rawStep, z.array(rawStep).min(1, 'an empty branch')]))
      .min(1, 'nothing to run')
      .optional()
      .meta({ description: 'branches that run at once: each a step, or a list of steps' });
  },
  get repeat() {
    return strict({
      times: z.int('expected a whole number').min(1).max(10_000).optional(),
      for: duration.optional().meta({ description: 'begin again until so much time has passed' }),
      steps: z.array(rawStep).min(1, 'nothing to repeat'),
    })
      .superRefine((spec, context) => {
        if ((spec.times === undefined) !== (spec.for === undefined)) return;
        context.addIssue({ code: 'custom', message: 'give one of `times` and `for`' });
      })
      .optional()
      .meta({ description: 'the same steps again and again' });
  },
  at: duration.optional().meta({ description: 'not before this time after the first step' }),
  for: durationRange
    .optional()
    .meta({ description: 'the fault heals by itself after so long; the steps go on meanwhile' }),
  as: name.optional().meta({ description: "the fault's name, for `heal`, `window` and `unchanged-since`" }),
  bind: name.optional().meta({ description: 'the name of the nodes that were chosen: later `$name`' }),
  'on-empty': z
    .enum(['fail', 'skip'])
    .optional()
    .meta({ description: 'what to do when a selector matches nothing' }),
  by: z
    .literal('manual')
    .optional()
    .meta({ description: 'in a recorded run: injected by hand, at its own time' }),
  resolved: z
    .array(z.string())
    .optional()
    .meta({ description: 'in a recorded run: the nodes that were chosen' }),
};

/** One step. Its type is spelled out because steps contain steps. */
export interface RawStep extends Readonly<Record<string, unknown>> {
  readonly heal?: z.output<typeof heal> | undefined;
  readonly wait?: z.output<typeof wait> | undefined;
  readonly check?: z.output<typeof condition> | undefined;
  readonly note?: string | undefined;
  readonly parallel?: readonly (RawStep | readonly RawStep[])[] | undefined;
  readonly repeat?:
    | {
        readonly times?: number | undefined;
        readonly for?: number | undefined;
        readonly steps: readonly RawStep[];
      }
    | undefined;
  readonly at?: number | undefined;
  readonly for?: z.output<typeof durationRange> | undefined;
  readonly as?: string | undefined;
  readonly bind?: string | undefined;
  readonly 'on-empty'?: 'fail' | 'skip' | undefined;
  readonly by?: 'manual' | undefined;
  readonly resolved?: readonly string[] | undefined;
}
export const rawStep: z.ZodType<RawStep> = z.lazy(() => stepMap).meta({ id: 'step' });
const stepMap = strict(shape) as unknown as z.ZodType<RawStep>;
