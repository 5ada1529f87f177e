import type { Op, RegisterValue } from '../history/op.ts';
import { sortByKey } from './stable-sort.ts';
import { type CasFail, casInput, type Step, type StepKind } from './steps.ts';

/** What a step asks and does, as a number; `StepKind` has the meanings. */
export const KIND = { read: 0, differs: 1, write: 2, cas: 3, append: 4, impossible: 5 } as const;
const KIND_NAMES = Object.keys(KIND) as readonly StepKind[];

/** The value that was never written. */
export const NEVER_WRITTEN = 0;
/** Where a step has no such field, or there is no such step. */
export const NONE = -1;

/**
 * What one key's operations ask of the register, a step each, in order of invocation: a column a field. Left out,
 * because they constrain nothing: reads without an answer, and failures that took no effect.
 */
export interface Columns {
  readonly ops: readonly Op[];
  readonly size: number;
  /** Which of `ops`. */
  readonly at: Int32Array;
  readonly kind: Uint8Array;
  /** 1: the outcome is known. */
  readonly certain: Uint8Array;
  /** x precedes y iff ret[x] < call[y]. */
  readonly call: Float64Array;
  /** `Infinity` where the outcome is unknown. */
  readonly ret: Float64Array;
  /** Numbers of values: equal numbers, equal values. What a read or CAS found, what a `differs` did not. */
  readonly from: Int32Array;
  /** What a write or CAS leaves, what an append appends. */
  readonly to: Int32Array;
  readonly values: readonly RegisterValue[];
}

/**
 * @throws Error on an operation that no recorder can have written: a read ok without output, an end before its start.
 */
export function toColumns(ops: readonly Op[], casFail?: CasFail): Columns {
  const most = ops.length;
  const columns = {
    ops,
    size: 0,
    at: new Int32Array(most),
    kind: new Uint8Array(most),
    certain: new Uint8Array(most),
    call: new Float64Array(most),
    ret: new Float64Array(most),
    from: new Int32Array(most).fill(NONE),
    to: new Int32Array(most).fill(NONE),
    values: [null] as RegisterValue[],
  };
  const numbers = new Map<RegisterValue, number>([[null, NEVER_WRITTEN]]);
  const numberOf = (value: RegisterValue): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const number = columns.values.push(value) - 1;
    numbers.set(value, number);
    return number;
  };
  let lastCall = -Infinity;
  let inOrder = true;
  for (let position = 0; position < most; position++) {
    const op = ops[position]!;
    const kind = kindOf(op, casFail);
    if (kind === NONE) continue;
    const i = columns.size++;
    const certain = op.outcome !== 'info';
    const { call } = op;
    const ret = certain ? op.return : Infinity;
    if (!(call <= ret))
      throw new Error(`operation #${op.id} ends at ${ret} ms, before it began at ${call} ms`);
    if (call < lastCall) inOrder = false;
    lastCall = call;
    columns.at[i] = position;
    columns.kind[i] = kind;
    columns.certain[i] = certain ? 1 : 0;
    columns.call[i] = call;
    columns.ret[i] = ret;
    if (kind === KIND.read) columns.from[i] = numberOf(op.output!);
    else if (kind === KIND.write || kind === KIND.append) columns.to[i] = numberOf(op.input as string);
    else {
      const input = op.input as readonly [RegisterValue, string];
      columns.from[i] = numberOf(input[0]);
      if (kind === KIND.cas) columns.to[i] = numberOf(input[1]);
    }
  }
  return inOrder ? columns : inOrderOfCall(columns);
}

/** The kind of step that an operation is; NONE: it constrains nothing. */
function kindOf(op: Op, casFail: CasFail | undefined): number {
  if (op.outcome === 'fail') return op.f === 'cas' ? kindOfFailedCas(op, casFail) : NONE;
  switch (op.f) {
    case 'read':
      if (op.outcome === 'info') return NONE;
      if (op.output === undefined)
        throw new Error(`operation #${op.id} is a read that ended ok, but has no output`);
      return KIND.read;
    case 'write':
    case 'delete':
    case 'append':
      if (typeof op.input !== 'string')
        throw new Error(`operation #${op.id} (${op.f}) has no value as its input`);
      return op.f === 'append' ? KIND.append : KIND.write;
    case 'cas':
      casInput(op);
      return KIND.cas;
    default:
      return op.f satisfies never;
  }
}

/** Of the failures only a CAS mismatch says something about the state. */
function kindOfFailedCas(op: Op, casFail: CasFail | undefined): number {
  const { from } = casInput(op);
  if (casFail === 'nothing') return NONE;
  if (op.output !== undefined) return op.output === from ? KIND.impossible : KIND.read;
  return op.error === 'cas-mismatch' || casFail === 'mismatch' ? KIND.differs : NONE;
}

function inOrderOfCall(columns: Columns): Columns {
  const { size } = columns;
  const order = sortByKey(
    Int32Array.from({ length: size }, (_, i) => i),
    columns.call,
  );
  const sorted = <T extends Uint8Array | Int32Array | Float64Array>(column: T): T => {
    const copy = column.slice() as T;
    for (let i = 0; i < size; i++) copy[i] = column[order[i]!]!;
    return copy;
  };
  return {
    ...columns,
    at: sorted(columns.at),
    kind: sorted(columns.kind),
    certain: sorted(columns.certain),
    call: sorted(columns.call),
    ret: sorted(columns.ret),
    from: sorted(columns.from),
    to: sorted(columns.to),
  };
}

/** A row as an object, for words about it. */
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
