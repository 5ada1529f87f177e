/** The fields of an operation that the checker itself needs; the history and its model define the others. */
export interface Operation {
  /** Unique in the history; verdicts and witnesses use it. */
  readonly id: number;
  /**
   * Time of the call; all times must be from the same clock. The operation took effect at one moment within [call,
   * return]; equal times are concurrent.
   */
  readonly call: number;
  /**
   * Time of the return. `Infinity` if the outcome is unknown: the operation may take effect at any time after `call`,
   * or never.
   */
  readonly return: number;
}

/** `reads` never changes the state. `overwrites` is legal in every state and leaves the same state after each. */
export type Effect = 'reads' | 'overwrites' | 'any';

/**
 * The specification of the system under test, as a sequential machine. A history is linearizable if all operations that
 * returned, and some of those that did not, can be put in one order that keeps real time (x before y if x returned
 * before y was called) and in which `step` allows each operation. States are values: never change one in place.
 */
export interface Model<State, O extends Operation> {
  readonly name: string;
  /** The state before the first operation. */
  init(): State;
  /**
   * The state after `operation` took effect in `state`; undefined if it cannot have this outcome there. For an
   * operation with an unknown outcome, returns the state after it takes effect. An operation that definitely did not
   * take effect must not be in the history, or must leave every state unchanged.
   */
  step(state: State, operation: O): State | undefined;
  /**
   * The part of an operation, for example its key. Operations of different parts never affect each other, so each part
   * is checked by itself. If absent, the history is one part.
   */
  partition?(operation: O): string;
  /** The operation as a clause, for prose: `read#812 (n1) returned "17"`. */
  describe(operation: O): string;
  /** The state in prose; JSON if absent. */
  describeState?(state: State): string;
  /** A hash, which is the same for equal states; JSON if absent. */
  hash?(state: State): string | number;
  /** True if two states with the same hash are equal; if absent, they always are. */
  equal?(a: State, b: State): boolean;
  /** Makes the search faster by orders of magnitude. It is not checked: a wrong answer can cause a wrong verdict. */
  effect?(operation: O): Effect;
}
