/** The fields of an operation that the checker itself needs; the rest is a matter of the history and its model. */
export interface Operation {
  /** Unique in the history; verdicts and witnesses use it. */
  readonly id: number;
  /** On any one clock. The operation took effect at one moment within [call, return]; equal times are concurrent. */
  readonly call: number;
  /** `Infinity`: the outcome is unknown; it may take effect at any time after `call`, or never. */
  readonly return: number;
}

/** `reads`: never changes the state. `overwrites`: leaves the same value after any state, and is legal in any. */
export type Effect = 'reads' | 'overwrites' | 'any';

/**
 * What the system under test should be, as a sequential machine. A history is linearizable if every operation that
 * returned, and any choice of those that did not, can be put in one order that keeps real time (x before y where x
 * returned before y was called) and in which `step` allows each of them. States are values: never change one in place.
 */
export interface Model<State, O extends Operation> {
  readonly name: string;
  /** The state before the first operation. */
  init(): State;
  /**
   * The state after `operation` took effect in `state`; undefined: it cannot have had this outcome there. With an
   * unknown outcome it is asked what the operation does if it takes effect. An operation that definitely did not take
   * effect has no place in the history, or leaves every state as it is.
   */
  step(state: State, operation: O): State | undefined;
  /**
   * Operations of different parts never affect each other (keys of a store): each part is judged by itself. Absent:
   * the history is one part.
   */
  partition?(operation: O): string;
  /** The operation as a clause, for prose: `read#812 (n1) returned "17"`. */
  describe(operation: O): string;
  /** For prose. As JSON where it is absent. */
  describeState?(state: State): string;
  /** The same for equal states. As JSON where it is absent. */
  hash?(state: State): string | number;
  /** Whether states with the same hash are equal. Absent: they are. */
  equal?(a: State, b: State): boolean;
  /** Makes the search faster by orders of magnitude. It is believed: a wrong answer is a wrong verdict. */
  effect?(operation: O): Effect;
}
