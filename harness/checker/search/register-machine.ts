import { KIND, NEVER_WRITTEN, NONE } from '../columns.ts';
import { ILLEGAL, type Machine, NATURE } from './machine.ts';
import { RegisterSights } from './register-sights.ts';
import type { RegisterSteps } from './register-steps.ts';
import { Texts } from './texts.ts';

/** The machine of a register, and the steps that can be useful in an order. */
export interface RegisterMachine extends Machine {
  readonly steps: Int32Array;
}

/**
 * A register whose states are numbers of values. All values that no step asks for are one state, `lost`, because no
 * step can distinguish them. With appends, if a step asks for a value, its prefixes count as asked for, too.
 *
 * Unknown steps that can only lead to `lost` are left out, because no step depends on their values, unless a failed CAS
 * that does not say what it found could need them.
 */
export function registerMachine(columns: RegisterSteps, among?: Int32Array): RegisterMachine {
  const { size, kind, certain, from, to, valueCount: lost } = columns;
  const kinds = kind.subarray(0, size);
  const rows = among ?? Int32Array.from({ length: size }, (_, row) => row);
  const asked = askedFor(columns, rows);
  const texts = kinds.includes(KIND.append) ? new Texts(columns, rows, asked) : null;
  const leaves = new Int32Array(size).fill(NONE);
  const nature = new Uint8Array(size).fill(NATURE.reads);
  const steps: number[] = [];
  const selective = !kinds.includes(KIND.differs);
  for (const i of rows) {
    const k = kind[i]!;
    if (k === KIND.write || k === KIND.cas) {
      const value = to[i]!;
      leaves[i] = texts !== null ? texts.stateOf(value) : asked[value] === 1 ? value : lost;
    }
    if (k === KIND.write) nature[i] = NATURE.overwrites;
    if (k === KIND.cas || k === KIND.append) nature[i] = NATURE.any;
    const isUseless = leaves[i] === lost || (k === KIND.append && !texts!.isSomewhere(to[i]!));
    if (certain[i] === 1 || !selective || !isUseless) steps.push(i);
  }
  const { equivalenceClass, leads } = classesOf(columns, leaves);
  return {
    initial: NEVER_WRITTEN,
    apply(state, step) {
      switch (kind[step]!) {
        case KIND.read:
          return state === from[step] ? state : ILLEGAL;
        case KIND.differs:
          return state === from[step] ? ILLEGAL : state;
        case KIND.write:
          return leaves[step]!;
        case KIND.cas:
          return state === from[step] ? leaves[step]! : ILLEGAL;
        case KIND.append:
          return texts!.appended(state, to[step]!);
        default:
          return ILLEGAL;
      }
    },
    nature,
    equivalenceClass,
    safeToDrop: (gone, kept) => safeToDrop(columns, gone, kept),
    steps: Int32Array.from(steps),
    // With appends, the distinction of states depends on texts, so `lost` is the only merged state there.
    ...(texts === null
      ? { sights: () => new RegisterSights(columns, { steps, leads, equivalenceClass, lost }) }
      : { among: (some: Int32Array) => registerMachine(columns, some) }),
  };
}

/** By value: 1 if it is asked for by a step that took effect, or by an unknown CAS whose result is asked for. */
function askedFor(
  { size, kind, certain, from, to, valueCount }: RegisterSteps,
  rows: Int32Array,
): Uint8Array {
  const kinds = kind.subarray(0, size);
  const selective = !kinds.includes(KIND.differs) && !kinds.includes(KIND.append);
  const asked = new Uint8Array(valueCount);
  /** By value: the expected values of unknown CAS that leave it. */
  const waiting = new Map<number, number[]>();
  const queue: number[] = [];
  for (const i of rows) {
    if (from[i] === NONE) continue;
    if (certain[i] === 1 || !selective) queue.push(from[i]!);
    else if (waiting.get(to[i]!)?.push(from[i]!) === undefined) waiting.set(to[i]!, [from[i]!]);
  }
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (asked[value] === 1) continue;
    asked[value] = 1;
    queue.push(...(waiting.get(value) ?? []));
  }
  return asked;
}

/**
 * Steps that expect the same value and leave the same value are in one class. `leads` has, by class, the state that it
 * leaves, or NONE.
 */
function classesOf(
  { size, kind, from, to }: RegisterSteps,
  leaves: Int32Array,
): { readonly equivalenceClass: Int32Array; readonly leads: readonly number[] } {
  const classes = new Map<string, number>();
  const leads: number[] = [];
  const equivalenceClass = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const after = kind[i] === KIND.append ? to[i]! : leaves[i]!;
    const key = `${kind[i]} ${from[i]} ${after}`;
    let number = classes.get(key);
    if (number === undefined) {
      number = leads.push(leaves[i]!) - 1;
      classes.set(key, number);
    }
    equivalenceClass[i] = number;
  }
  return { equivalenceClass, leads };
}

/**
 * A step that leaves a value is safe to drop if no kept step depends on that value: if the step is removed from an
 * order of all steps, the rest is still an order, because any step between it and the next value would have shown its
 * value. A failed CAS that does not say what it found depends on every value. With appends, a value depends on all
 * values that it contains.
 */
function safeToDrop(
  { size, kind, from, to, values }: RegisterSteps,
  gone: Int32Array,
  kept: Int32Array,
): boolean {
  const left = new Set<number>();
  for (const step of gone) if (to[step] !== NONE) left.add(to[step]!);
  if (left.size === 0) return true;
  const shown = new Set<number>();
  for (const step of kept) {
    if (kind[step] === KIND.differs) return false;
    if (from[step] !== NONE) shown.add(from[step]!);
  }
  if (!kind.subarray(0, size).includes(KIND.append)) return [...left].every((value) => !shown.has(value));
  const texts = [...shown].map((value) => values[value] ?? '');
  return [...left].every((value) => {
    const text = values[value]!;
    // A step that leaves null is never safe to drop, because values that consist only of appends depend on it.
    return text !== null && !texts.some((each) => each.includes(text));
  });
}
