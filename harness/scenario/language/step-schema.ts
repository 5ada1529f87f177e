import { z } from 'zod';
import { selector, strict } from '../../nemesis/fields.ts';
import { duration, durationRange } from '../../nemesis/quantity.ts';
import { FAULTS } from '../../nemesis/registry.ts';
import { mistaken, report } from '../../nemesis/mistake.ts';
import { NAME } from '../../names.ts';
import { condition } from './condition.ts';
import type { Bind, Resolved } from './schema.ts';
import { MOST_STEPS } from './step-count.ts';
import { FLOW, MODIFIERS, UNBUILT_VERBS, type FlowVerb, type ModifierKey } from './step-keys.ts';

/** Word that `heal` accepts in addition to the names of faults. */
export const HEAL_ALL = 'all';

export const name = z
  .string({ error: 'expected a name' })
  .refine(
    (text) => NAME.test(text),
    mistaken({ what: 'not a name', hint: 'use lower-case letters, digits and dashes; begin with a letter' }),
  )
  .refine(
    (text) => text !== HEAL_ALL && text !== 'run',
    mistaken({ what: 'a reserved word', hint: 'take another name' }),
  )
  .meta({ pattern: NAME.source });

const heal = z.union([
  z.string({ error: 'expected the name of a fault, or `all`' }),
  z.array(z.string()).min(1, 'an empty list heals nothing'),
  strict({ node: selector }),
]);

const wait = strict({
  for: durationRange.optional().meta({ description: 'sleep' }),
  until: condition.optional(),
  within: duration.optional().meta({ description: 'time limit; the run fails when it is over' }),
}).superRefine((spec, context) => {
  if ((spec.for === undefined) === (spec.until === undefined))
    report(context, { what: 'give one of `for` (sleep) and `until` (watch)' });
  if (spec.until !== undefined && spec.within === undefined)
    report(context, { what: '`until` needs `within`: how long may it take?' });
  if (spec.for !== undefined && spec.within !== undefined)
    report(context, { what: '`within` goes with `until`, not with `for`' });
});

/** A step as it is written in a file. All verbs are optional here; references.ts checks that there is exactly one. */
const flow = {
  heal: heal.optional().meta({ description: FLOW.heal }),
  wait: wait.optional().meta({ description: FLOW.wait }),
  check: condition.optional().meta({ description: FLOW.check }),
  note: z.string({ error: 'expected text' }).optional().meta({ description: FLOW.note }),
  get parallel() {
    return z
      .array(z.union([rawStep, z.array(rawStep).min(1, 'an empty branch')]))
      .min(1, 'nothing to run')
      .optional()
      .meta({ description: FLOW.parallel });
  },
  get repeat() {
    return strict({
      times: z.int('expected a whole number').min(1).max(MOST_STEPS).optional(),
      for: duration
        .refine((ms) => ms > 0, mistaken({ what: 'no time in which a step could begin' }))
        .optional()
        .meta({ description: 'repeat until this time has passed' }),
      steps: z.array(rawStep).min(1, 'nothing to repeat'),
    })
      .superRefine((spec, context) => {
        if ((spec.times === undefined) !== (spec.for === undefined)) return;
        report(context, { what: 'give one of `times` and `for`' });
      })
      .optional()
      .meta({ description: FLOW.repeat });
  },
} satisfies Readonly<Record<FlowVerb, z.ZodType>>;

const endNames = strict({ from: name.optional(), to: name.optional() }).superRefine((ends, context) => {
  if (ends.from === undefined && ends.to === undefined)
    report(context, {
      what: '`bind` has neither `from` nor `to`',
      hint: 'write `bind: {from: a, to: b}`, or one name for both ends',
    });
});
const nodeIds = z.array(z.string());

const modifier = <T extends z.ZodType>(key: ModifierKey, schema: T) =>
  schema.optional().meta({ description: MODIFIERS[key].meaning });
const modifiers = {
  at: modifier('at', duration),
  for: modifier('for', durationRange),
  as: modifier('as', name),
  bind: modifier('bind', z.union([name, endNames])),
  'on-empty': modifier('on-empty', z.enum(['fail', 'skip'])),
  by: modifier('by', z.literal('manual')),
  resolved: modifier('resolved', z.union([nodeIds, strict({ from: nodeIds, to: nodeIds })])),
} satisfies Readonly<Record<ModifierKey, z.ZodType>>;

const faults = Object.fromEntries(
  [...FAULTS].map(([verb, kind]) => [verb, kind.schema.optional().meta({ description: kind.summary })]),
);
// The flow's getters refer to `rawStep` below: the copy must keep them as getters.
const shape = Object.defineProperties(faults, {
  ...Object.getOwnPropertyDescriptors(flow),
  ...Object.getOwnPropertyDescriptors(modifiers),
}) as z.ZodRawShape;

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
  readonly bind?: Bind | undefined;
  readonly 'on-empty'?: 'fail' | 'skip' | undefined;
  readonly by?: 'manual' | undefined;
  readonly resolved?: Resolved | undefined;
}
export const rawStep: z.ZodType<RawStep> = z.lazy(() => stepMap).meta({ id: 'step' });
const stepMap = strict(shape, UNBUILT_VERBS) as unknown as z.ZodType<RawStep>;
