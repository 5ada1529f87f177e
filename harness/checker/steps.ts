import type { Op, RegisterValue } from '../history/op.ts';

/**
 * Kind of an operation in the register model. Each kind requires a state and leaves a state:
 * - `read`: the state is `from`; unchanged. A failed CAS that says what it found is one of these.
 * - `differs`: the state is not `from`; unchanged (a failed CAS that does not say what it found).
 * - `write` (and delete, which writes its tombstone): any state; leaves `to`.
 * - `cas`: the state is `from`; leaves `to`.
 * - `append`: any state; leaves the state followed by `to` (never written counts as empty).
 * - `impossible`: no state allows it (a CAS that failed because it found its own `from`).
 */
export type StepKind = 'read' | 'differs' | 'write' | 'cas' | 'append' | 'impossible';

/**
 * Meaning of a failed CAS that does not report the value that it found. `mismatch`: the value was not its `from`
 * (Porcupine's etcd model). `nothing`: it did not happen, for any reason; then a failed CAS that reports the value
 * proves nothing either (Jepsen). If undefined, it means `mismatch` if the error proves it (`provesMismatch`), else
 * `nothing`.
 */
export type CasFail = 'mismatch' | 'nothing';

export interface Step {
  readonly op: Op;
  readonly kind: StepKind;
  readonly from: RegisterValue;
  readonly to: RegisterValue;
  /**
   * Time of the call in ms. The operation took effect at one moment within [call, ret]; x precedes y iff x.ret <
   * y.call.
   */
  readonly call: number;
  /**
   * Time of the return in ms. `Infinity` if the outcome is unknown: it may take effect at any time after `call`, or
   * never.
   */
  readonly ret: number;
  /** False if the outcome is unknown. */
  readonly certain: boolean;
}

export function casInput(op: Op): { from: RegisterValue; to: RegisterValue } {
  if (!Array.isArray(op.input))
    throw new Error(`operation #${op.id} is a cas, but its input is not [from, to]`);
  const input = op.input as readonly [RegisterValue, RegisterValue];
  return { from: input[0], to: input[1] };
}
