import { FAULTS } from '../../nemesis/registry.ts';

/** Verbs that guide the flow, and what each does. All other verbs are faults. */
export const FLOW = {
  heal: 'lift a fault by name, several, all, or those on a node',
  wait: 'sleep, or watch the cluster',
  check: 'what must hold right now',
  note: 'text for the event log',
  parallel: 'branches that run at once: each a step, or a list of steps',
  repeat: 'the same steps again and again',
} as const;
export type FlowVerb = keyof typeof FLOW;

/** Verbs of the language that this version does not have yet: an error, never skipped. */
export const UNBUILT_VERBS = [
  'wipe',
  'skew',
  'disk',
  'transfer-leader',
  'membership',
  'random',
  'use',
] as const;

/** Every verb of this version. A step has exactly one. */
export const VERBS: readonly string[] = [...FAULTS.keys(), ...Object.keys(FLOW)];

/** A key that a step may have in addition to its verb. */
export interface Modifier {
  readonly goesWith: 'all' | 'faults' | 'faults that last' | 'faults and heal';
  readonly meaning: string;
  /** True if the step's one-line text shows it. */
  readonly shown?: true;
  /** True if only recorded runs have it. */
  readonly recorded?: true;
}
export const MODIFIERS = {
  at: { goesWith: 'all', meaning: 'earliest time of the step, counted from the first one' },
  for: {
    goesWith: 'faults that last',
    meaning: 'the fault heals by itself after this time; the steps go on meanwhile',
    shown: true,
  },
  as: {
    goesWith: 'faults',
    meaning: "the fault's name, for `heal`, `window` and `unchanged-since`",
    shown: true,
  },
  bind: {
    goesWith: 'faults',
    meaning:
      'the name of the nodes that were chosen, of both ends for a fault on links, or `{from: a, to: b}`: later `$name`',
  },
  'on-empty': { goesWith: 'faults', meaning: '`fail` or `skip` the step when a selector matches nothing' },
  by: {
    goesWith: 'faults and heal',
    meaning: 'in a recorded run: injected by hand, at its own time',
    recorded: true,
  },
  resolved: {
    goesWith: 'faults',
    meaning: 'in a recorded run: the nodes that were chosen',
    recorded: true,
  },
} as const satisfies Readonly<Record<string, Modifier>>;
export type ModifierKey = keyof typeof MODIFIERS;

/** True if a step with this verb may have this key. */
export function isAllowed(key: ModifierKey, verb: string): boolean {
  const { goesWith } = MODIFIERS[key];
  const fault = FAULTS.get(verb);
  switch (goesWith) {
    case 'all':
      return true;
    case 'faults':
      return fault !== undefined;
    case 'faults that last':
      return fault?.lasting === true;
    case 'faults and heal':
      return fault !== undefined || verb === 'heal';
    default:
      return goesWith satisfies never;
  }
}
