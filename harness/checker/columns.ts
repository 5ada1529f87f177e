import type { Op, RegisterValue } from '../history/op.ts';
import type { Step, StepKind } from './steps.ts';

/** Kinds of steps, as numbers; `StepKind` has the meanings. */
export const KIND = { read: 0, differs: 1, write: 2, cas: 3, append: 4, impossible: 5 } as const;
const KIND_NAMES = Object.keys(KIND) as readonly StepKind[];

/** Number of the initial value of a key, which is null unless the history defines another one. */
export const NEVER_WRITTEN = 0;
/** Stands for a missing field or a missing step. */
export const NONE = -1;

/**
 * The operations of one key as the register sees them: one row per step in invocation order, one typed array per field.
 * Reads without an answer and failures without an effect are left out, because they constrain nothing.
 */
export interface Columns {
  /** Operations of the whole history. */
  readonly ops: readonly Op[];
  readonly size: number;
  /** Position of the operation in `ops`. */
  readonly at: Int32Array;
  /** `Op.id` */
  readonly id: Float64Array;
  readonly kind: Uint8Array;
  /** 1 if the outcome is known, else 0. */
  readonly certain: Uint8Array;
  /** x precedes y iff ret[x] < call[y]. */
  readonly call: Float64Array;
  /** `Infinity` if the outcome is unknown. */
  readonly ret: Float64Array;
  /**
   * Number of the value that a read or CAS found, or that a `differs` did not find. Equal numbers mean equal values.
   */
  readonly from: Int32Array;
  /** Number of the value that a write or CAS leaves, or that an append appends. */
  readonly to: Int32Array;
  readonly values: readonly RegisterValue[];
}

/** A row as an object, for texts about the step. */
export function stepAt(columns: Columns, i: number): Step {
  const from = columns.from[i]!;
  const to = columns.to[i]!;
  return {
    op: columns.ops[columns.at[i]!]!,
    kind: KIND_NAMES[columns.kind[i]!]!,
    from: from === NONE ? null : columns.values[from]!,
    to: to === NONE ? null : columns.values[to]!,
    call: columns.call[i]!,
    ret: columns.ret[i]!,
    certain: columns.certain[i] === 1,
  };
}

/** New columns with these rows, in this order. */
export function selectRows(columns: Columns, rows: Int32Array): Columns {
  const pick = <T extends Uint8Array | Int32Array | Float64Array>(column: T): T => {
    const picked = column.slice(0, rows.length) as T;
    for (let i = 0; i < rows.length; i++) picked[i] = column[rows[i]!]!;
    return picked;
  };
  return {
    ops: columns.ops,
    size: rows.length,
    at: pick(columns.at),
    id: pick(columns.id),
    kind: pick(columns.kind),
    certain: pick(columns.certain),
    call: pick(columns.call),
    ret: pick(columns.ret),
    from: pick(columns.from),
    to: pick(columns.to),
    values: columns.values,
  };
}
