/**
 * A model as the searches see it: states are numbers, and so are steps. Equal states have the same number; states that
 * no step of the history can distinguish may also have the same.
 */
export interface Machine {
  readonly initial: number;
  /** The state after a step that is legal in `state`, or ILLEGAL. */
  apply(state: number, step: number): number;
  /** By step: its nature, one of NATURE. */
  readonly nature: Uint8Array;
  /** By step: its class. Steps of the same class can replace each other, apart from their times. */
  readonly equivalenceClass: Int32Array;
  /**
   * True if a contradiction between the steps `kept` is also one of the whole history: leaving out the steps `gone`
   * cannot have caused it. Leaving out steps that change nothing is always safe.
   */
  safeToDrop(gone: Int32Array, kept: Int32Array): boolean;
  /** The machine for a problem of these steps only; if absent, the same machine is used. */
  among?(steps: Int32Array): Machine;
  /** The values that can still be read at the beginning of a search, if the machine knows them. */
  readonly sights?: () => Sights;
}

export const ILLEGAL = -1;

export const NATURE = {
  /** Nothing is known about the step. */
  any: 0,
  /** Never changes the state. */
  reads: 1,
  /** A blind write: legal in every state, with a result that does not depend on the state. */
  overwrites: 2,
} as const;

/** The states that can still be distinguished during a search in order of time. */
export interface Sights {
  /**
   * Must be called when the step is in every order. Returns true if the results of `merged` or `isIdle` may have
   * changed.
   */
  retire(step: number): boolean;
  /** Returns the same state for all states that no remaining step can distinguish. */
  merged(state: number): number;
  /** True if no remaining step could see that a step of this class took effect. */
  isIdle(equivalenceClass: number): boolean;
}
