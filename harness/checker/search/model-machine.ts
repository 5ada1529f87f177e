import { ILLEGAL, type Machine, NATURE } from './machine.ts';
import type { Effect, Model, Operation } from '../model.ts';

const NATURE_OF: Readonly<Record<Effect, number>> = {
  reads: NATURE.reads,
  overwrites: NATURE.overwrites,
  any: NATURE.any,
};
/** Maximum number of remembered transitions; later ones are computed again. */
const MAX_REMEMBERED = 1_000_000;
const INITIAL = 0;

/** The machine of the user's own model. States get numbers when they first occur. Steps are positions in `ops`. */
export function modelMachine<State, O extends Operation>(model: Model<State, O>, ops: readonly O[]): Machine {
  const states: State[] = [];
  const byHash = new Map<string | number, number[]>();
  const numberOf = (state: State): number => {
    const hash = model.hash === undefined ? JSON.stringify(state) : model.hash(state);
    const sameHash = byHash.get(hash) ?? [];
    const known = sameHash.find((number) => model.equal?.(states[number]!, state) ?? true);
    if (known !== undefined) return known;
    const number = states.push(state) - 1;
    byHash.set(hash, [...sameHash, number]);
    return number;
  };
  numberOf(model.init());
  const remembered = new Map<number, number>();
  const nature = Uint8Array.from(ops, (op) => NATURE_OF[model.effect?.(op) ?? 'any']);
  return {
    initial: INITIAL,
    apply(state, step) {
      const key = state * ops.length + step;
      const known = remembered.get(key);
      if (known !== undefined) return known;
      const next = model.step(states[state]!, ops[step]!);
      const after = next === undefined ? ILLEGAL : numberOf(next);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(key, after);
      return after;
    },
    nature,
    // It is not known which operations are equivalent, so each has its own class.
    equivalenceClass: Int32Array.from(ops, (_, step) => step),
    safeToDrop: (gone) => gone.every((step) => nature[step] === NATURE.reads),
  };
}
