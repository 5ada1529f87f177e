/**
 * A model as the searches see it: states are numbers, and so are steps. Equal states have one number; states that no
 * step of the history can distinguish may have one, too.
 */
export interface Machine {
  readonly initial: number;
  /** The state after a step that is legal in `state`, or ILLEGAL. */
  apply(state: number, step: number): number;
  /** Per step one of NATURE. */
  readonly nature: Uint8Array;
  /** Per step a class: of two steps with one class each could take the other's place, but for their times. */
  readonly equivalenceClass: Int32Array;
  /**
   * True if a contradiction between the steps `kept` is also one in the whole, from which `gone` were left out, because
   * these cannot have caused it. Leaving out steps that change nothing is always safe.
   */
  safeToDrop(gone: Int32Array, kept: Int32Array): boolean;
  /** The machine for a problem of these steps only; absent: the same one will do. */
  among?(steps: Int32Array): Machine;
  /** The values that can still be read at the beginning of a search, if the machine knows them. */
  readonly sights?: () => Sights;
}

export const ILLEGAL = -1;

export const NATURE = {
  /** May be any of the below. */
  any: 0,
  /** Never changes the state. */
  reads: 1,
  /** A blind write: legal in every state, with a result that does not depend on the state. */
  overwrites: 2,
} as const;

/** During a search in order of time: the states that can still be distinguished. */
export interface Sights {
  /** The step is in every order now. Returns true if the results of `merged` or `isIdle` may have changed. */
  retire(step: number): boolean;
  /** One state for all states that no remaining step can distinguish. */
  merged(state: number): number;
  /** Nothing which is not retired could see that a step of this class took effect. */
  isIdle(equivalenceClass: number): boolean;
}
