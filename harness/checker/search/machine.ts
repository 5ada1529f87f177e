/**
 * What the searches know of a model: states are numbers, and so are steps. Equal states have one number; states that no
 * step of the history can tell apart may have one, too.
 */
export interface Machine {
  readonly initial: number;
  /** The state after a step that is legal in `state`, or ILLEGAL. */
  apply(state: number, step: number): number;
  /** Per step one of NATURE. */
  readonly nature: Uint8Array;
  /** Per step a class: of two steps with one class each could take the other's place, but for their times. */
  readonly alike: Int32Array;
  /**
   * Whether a contradiction between the steps `kept` is one in the whole, too, of which `gone` were left out: then they
   * cannot have made it. To leave out what changes nothing never does.
   */
  canLeaveOut(gone: Int32Array, kept: Int32Array): boolean;
  /** The machine for a problem of these steps only; absent: the same one will do. */
  among?(steps: Int32Array): Machine;
  /** What is still to be seen, at the beginning of a search, if the machine can tell. */
  readonly sights?: () => Sights;
}

export const ILLEGAL = -1;

export const NATURE = {
  /** May be any of the below. */
  any: 0,
  /** Never changes the state. */
  reads: 1,
  /** Is legal in every state, and what it leaves does not depend on that: a blind write. */
  overwrites: 2,
} as const;

/** Tells, while a search goes on in order of time, which states can still be told apart. */
export interface Sights {
  /** The step is in every order now. True: what `merged` or `isIdle` say may have changed. */
  retire(step: number): boolean;
  /** One state for all that nothing which is not retired can tell apart. */
  merged(state: number): number;
  /** Nothing which is not retired could see that a step of this class took effect. */
  isIdle(alike: number): boolean;
}
