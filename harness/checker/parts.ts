import type { Op, RegisterValue } from '../history/op.ts';
import { type Columns, KIND, NEVER_WRITTEN, NONE, selectRows } from './columns.ts';
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
 * A history apart by keys, those with the fewest operations first. Goes over the operations in the order they lie in
 * memory, twice; from then on they are numbers. (To go over them key by key is to wait for memory at every operation,
 * which takes four times as long as all the rest.)
 */
export function toParts(ops: readonly Op[], casFail?: CasFail): Part[] {
  const { keys, keyOf } = survey(ops);
  const drafts = Array.from(keys, ([key, { count }]) => draft(key, count, ops));
  for (let position = 0; position < ops.length; position++)
    addOperation(drafts[keyOf[position]!]!, ops[position]!, position, casFail);
  return drafts.map(finished).sort((a, b) => a.positions.length - b.positions.length);
}

/** A part while its operations are added. */
interface Draft {
  readonly key: string;
  readonly columns: { -readonly [Name in keyof Columns]: Columns[Name] };
  readonly numbers: Map<RegisterValue, number>;
  readonly values: RegisterValue[];
  readonly positions: Int32Array;
  operations: number;
  inOrder: boolean;
  flaw: string | null;
}

/** The keys in order of appearance, how many operations each has, and which of them each operation is of. */
function survey(ops: readonly Op[]): {
  readonly keys: ReadonlyMap<string, { count: number }>;
  readonly keyOf: Int32Array;
} {
  const keys = new Map<string, { readonly number: number; count: number }>();
  const keyOf = new Int32Array(ops.length);
  for (let i = 0; i < ops.length; i++) {
    const { key } = ops[i]!;
    let of = keys.get(key);
    if (of === undefined) keys.set(key, (of = { number: keys.size, count: 0 }));
    of.count++;
    keyOf[i] = of.number;
  }
  return { keys, keyOf };
}

function draft(key: string, operations: number, ops: readonly Op[]): Draft {
  const values: RegisterValue[] = [null];
  return {
    key,
    columns: {
      ops,
      size: 0,
      at: new Int32Array(operations),
      id: new Float64Array(operations),
      kind: new Uint8Array(operations),
      certain: new Uint8Array(operations),
      call: new Float64Array(operations),
      ret: new Float64Array(operations),
      from: new Int32Array(operations),
      to: new Int32Array(operations),
      values,
    },
    numbers: new Map([[null, NEVER_WRITTEN]]),
    values,
    positions: new Int32Array(operations),
    operations: 0,
    inOrder: true,
    flaw: null,
  };
}

const NO_STEP = -1;

function addOperation(part: Draft, op: Op, position: number, casFail: CasFail | undefined): void {
  part.positions[part.operations++] = position;
  const kind = kindOf(op, casFail, part);
  if (kind === NO_STEP) return;
  const { columns } = part;
  const i = columns.size++;
  const certain = op.outcome !== 'info';
  const { call } = op;
  const ret = certain ? op.return : Infinity;
  if (!(call <= ret)) part.flaw ??= `operation #${op.id} ends at ${ret} ms, before it began at ${call} ms`;
  if (i > 0 && call < columns.call[i - 1]!) part.inOrder = false;
  columns.at[i] = position;
  columns.id[i] = op.id;
  columns.kind[i] = kind;
  columns.certain[i] = certain ? 1 : 0;
  columns.call[i] = call;
  columns.ret[i] = ret;
  let from = NONE;
  let to = NONE;
  if (kind === KIND.read) from = numberOf(part, op.output!);
  else if (kind === KIND.write || kind === KIND.append) to = numberOf(part, op.input as string);
  else {
    const input = op.input as readonly [RegisterValue, string];
    from = numberOf(part, input[0]);
    if (kind === KIND.cas) to = numberOf(part, input[1]);
  }
  columns.from[i] = from;
  columns.to[i] = to;
}

function numberOf({ numbers, values }: Draft, value: RegisterValue): number {
  const known = numbers.get(value);
  if (known !== undefined) return known;
  const number = values.push(value) - 1;
  numbers.set(value, number);
  return number;
}

/** The kind of step that an operation is, or NO_STEP. */
function kindOf(op: Op, casFail: CasFail | undefined, part: Draft): number {
  if (op.outcome === 'fail' && (op.f !== 'cas' || casFail === 'nothing')) return NO_STEP;
  switch (op.f) {
    case 'read':
      if (op.outcome === 'info') return NO_STEP;
      if (op.output !== undefined) return KIND.read;
      part.flaw ??= `operation #${op.id} is a read that ended ok, but has no output`;
      return NO_STEP;
    case 'write':
    case 'delete':
    case 'append':
      if (typeof op.input === 'string') return op.f === 'append' ? KIND.append : KIND.write;
      part.flaw ??= `operation #${op.id} (${op.f}) has no value as its input`;
      return NO_STEP;
    case 'cas':
      if (Array.isArray(op.input)) return op.outcome === 'fail' ? kindOfFailedCas(op, casFail) : KIND.cas;
      part.flaw ??= `operation #${op.id} is a cas, but its input is not [from, to]`;
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

const finished = ({ key, columns, positions, inOrder, flaw }: Draft): Part => ({
  key,
  positions,
  columns: inOrder ? columns : inOrderOfCall(columns),
  flaw,
});

const inOrderOfCall = (columns: Columns): Columns =>
  selectRows(
    columns,
    sortByKey(
      Int32Array.from({ length: columns.size }, (_, i) => i),
      columns.call,
    ),
  );
