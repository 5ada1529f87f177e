import type { Op, RegisterValue } from '../history/op.ts';
import { type Columns, KIND, NEVER_WRITTEN, NONE } from './columns.ts';
import { sortByKey } from './stable-sort.ts';
import { type CasFail, casInput } from './steps.ts';

/** One key's operations. */
export interface Part {
  readonly key: string;
  /** All of them, as positions in the history. */
  readonly positions: Int32Array;
  /** What they ask of the register. */
  readonly columns: Columns;
  /** One of them cannot have been recorded so: a read ok without output, an end before its start. Else null. */
  readonly flaw: string | null;
}

/**
 * A history apart by keys, those with the fewest operations first. One pass over the operations in the order they lie
 * in memory: from then on they are numbers. (A pass for each key waits for memory at every operation, which takes four
 * times as long as all the rest.)
 */
export function toParts(ops: readonly Op[], casFail?: CasFail): Part[] {
  const keys = new Map<string, Key>();
  const rows = readRows(ops, keys, casFail);
  const parts = [...keys.values()].map((key) => ({ key, fill: emptyPart(ops, key) }));
  const fills = parts.map(({ fill }) => fill);
  for (let position = 0; position < ops.length; position++)
    addRow(fills[rows.key[position]!]!, rows, position);
  return parts
    .map(({ key, fill }) => finished(key, fill))
    .sort((a, b) => a.positions.length - b.positions.length);
}

interface Key {
  readonly name: string;
  /** Counts keys in order of appearance. */
  readonly number: number;
  readonly numberOf: Map<RegisterValue, number>;
  readonly values: RegisterValue[];
  operations: number;
  steps: number;
  flaw: string | null;
}

/** A row an operation, of whatever key. */
interface Rows {
  readonly key: Int32Array;
  readonly id: Float64Array;
  /** NO_STEP: it constrains nothing. */
  readonly kind: Uint8Array;
  readonly certain: Uint8Array;
  readonly call: Float64Array;
  readonly ret: Float64Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
}
const NO_STEP = 255;

function readRows(ops: readonly Op[], keys: Map<string, Key>, casFail: CasFail | undefined): Rows {
  const size = ops.length;
  const rows: Rows = {
    key: new Int32Array(size),
    id: new Float64Array(size),
    kind: new Uint8Array(size),
    certain: new Uint8Array(size),
    call: new Float64Array(size),
    ret: new Float64Array(size),
    from: new Int32Array(size),
    to: new Int32Array(size),
  };
  for (let i = 0; i < size; i++) {
    const op = ops[i]!;
    let key = keys.get(op.key);
    if (key === undefined) keys.set(op.key, (key = newKey(op.key, keys.size)));
    rows.key[i] = key.number;
    rows.id[i] = op.id;
    key.operations++;
    const kind = kindOf(op, casFail, key);
    rows.kind[i] = kind;
    if (kind === NO_STEP) continue;
    key.steps++;
    const certain = op.outcome !== 'info';
    const { call } = op;
    const ret = certain ? op.return : Infinity;
    if (!(call <= ret)) key.flaw ??= `operation #${op.id} ends at ${ret} ms, before it began at ${call} ms`;
    rows.certain[i] = certain ? 1 : 0;
    rows.call[i] = call;
    rows.ret[i] = ret;
    rows.from[i] = NONE;
    rows.to[i] = NONE;
    if (kind === KIND.read) rows.from[i] = numberOf(key, op.output!);
    else if (kind === KIND.write || kind === KIND.append) rows.to[i] = numberOf(key, op.input as string);
    else {
      const input = op.input as readonly [RegisterValue, string];
      rows.from[i] = numberOf(key, input[0]);
      if (kind === KIND.cas) rows.to[i] = numberOf(key, input[1]);
    }
  }
  return rows;
}

const newKey = (name: string, number: number): Key => ({
  name,
  number,
  numberOf: new Map([[null, NEVER_WRITTEN]]),
  values: [null],
  operations: 0,
  steps: 0,
  flaw: null,
});

function numberOf({ numberOf, values }: Key, value: RegisterValue): number {
  const known = numberOf.get(value);
  if (known !== undefined) return known;
  const number = values.push(value) - 1;
  numberOf.set(value, number);
  return number;
}

/** The kind of step that an operation is, or NO_STEP. */
function kindOf(op: Op, casFail: CasFail | undefined, key: Key): number {
  if (op.outcome === 'fail' && (op.f !== 'cas' || casFail === 'nothing')) return NO_STEP;
  switch (op.f) {
    case 'read':
      if (op.outcome === 'info') return NO_STEP;
      if (op.output !== undefined) return KIND.read;
      key.flaw ??= `operation #${op.id} is a read that ended ok, but has no output`;
      return NO_STEP;
    case 'write':
    case 'delete':
    case 'append':
      if (typeof op.input === 'string') return op.f === 'append' ? KIND.append : KIND.write;
      key.flaw ??= `operation #${op.id} (${op.f}) has no value as its input`;
      return NO_STEP;
    case 'cas':
      if (Array.isArray(op.input)) return op.outcome === 'fail' ? kindOfFailedCas(op, casFail) : KIND.cas;
      key.flaw ??= `operation #${op.id} is a cas, but its input is not [from, to]`;
      return NO_STEP;
    default:
      return op.f satisfies never;
  }
}

/** Of the failures only a CAS mismatch says something about the state. */
function kindOfFailedCas(op: Op, casFail: CasFail | undefined): number {
  if (op.output !== undefined) return op.output === casInput(op).from ? KIND.impossible : KIND.read;
  return op.error === 'cas-mismatch' || casFail === 'mismatch' ? KIND.differs : NO_STEP;
}

/** A part while its rows are added. */
interface Fill {
  readonly columns: { -readonly [Name in keyof Columns]: Columns[Name] };
  readonly positions: Int32Array;
  operations: number;
  inOrder: boolean;
}

const emptyPart = (ops: readonly Op[], { operations, steps, values }: Key): Fill => ({
  columns: {
    ops,
    size: 0,
    at: new Int32Array(steps),
    id: new Float64Array(steps),
    kind: new Uint8Array(steps),
    certain: new Uint8Array(steps),
    call: new Float64Array(steps),
    ret: new Float64Array(steps),
    from: new Int32Array(steps),
    to: new Int32Array(steps),
    values,
  },
  positions: new Int32Array(operations),
  operations: 0,
  inOrder: true,
});

function addRow(part: Fill, rows: Rows, position: number): void {
  part.positions[part.operations++] = position;
  const kind = rows.kind[position]!;
  if (kind === NO_STEP) return;
  const { columns } = part;
  const i = columns.size++;
  const call = rows.call[position]!;
  if (i > 0 && call < columns.call[i - 1]!) part.inOrder = false;
  columns.at[i] = position;
  columns.id[i] = rows.id[position]!;
  columns.kind[i] = kind;
  columns.certain[i] = rows.certain[position]!;
  columns.call[i] = call;
  columns.ret[i] = rows.ret[position]!;
  columns.from[i] = rows.from[position]!;
  columns.to[i] = rows.to[position]!;
}

const finished = ({ name, flaw }: Key, { columns, positions, inOrder }: Fill): Part => ({
  key: name,
  positions,
  columns: inOrder ? columns : inOrderOfCall(columns),
  flaw,
});

function inOrderOfCall(columns: Columns): Columns {
  const order = sortByKey(
    Int32Array.from({ length: columns.size }, (_, i) => i),
    columns.call,
  );
  const sorted = <T extends Uint8Array | Int32Array | Float64Array>(column: T): T => {
    const copy = column.slice() as T;
    for (let i = 0; i < order.length; i++) copy[i] = column[order[i]!]!;
    return copy;
  };
  return {
    ...columns,
    at: sorted(columns.at),
    id: sorted(columns.id),
    kind: sorted(columns.kind),
    certain: sorted(columns.certain),
    call: sorted(columns.call),
    ret: sorted(columns.ret),
    from: sorted(columns.from),
    to: sorted(columns.to),
  };
}
