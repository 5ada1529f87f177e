import { type Op, type OpFunction, provesMismatch, type RegisterValue } from '../history/op.ts';
import { type Columns, KIND, NEVER_WRITTEN, NONE, selectRows } from './columns.ts';
import { sortByKey } from './stable-sort.ts';
import { type CasFail, casInput } from './steps.ts';

/** The operations of one key. */
export interface Part {
  readonly key: string;
  /** All of them, as positions in the history. */
  readonly positions: Int32Array;
  /** The kinds of their operations. */
  readonly columns: Columns;
  /** The reason why an operation is invalid (a read ok without output, an end before its start), or null. */
  readonly flaw: string | null;
}

/** A history with its parts. */
export interface PartedHistory {
  readonly ops: readonly Op[];
  /** Meaning of a failed CAS. */
  readonly casFail: CasFail | undefined;
  /** The value of a key that was never written. */
  readonly initial: RegisterValue;
  /** The kinds of operations on any key. */
  readonly functions: ReadonlySet<OpFunction>;
  /** The parts in order of their number of operations, then of their first call. */
  readonly parts: readonly Part[];
}

/**
 * Separates the operations of a history by key and turns them into numbers. The reader of a history calls it while the
 * operation is still in the processor's cache: a second pass over all operations would wait for memory at each one,
 * which takes longer than checking them.
 */
export class PartsBuilder {
  readonly #casFail: CasFail | undefined;
  readonly #drafts = new Map<string, PartColumns>();
  readonly #functions = new Set<OpFunction>();
  readonly #counts: ReadonlyMap<string, number>;
  readonly #initial: RegisterValue;

  /** `counts` is the number of operations per key, if known, so that columns need not grow. */
  constructor(
    casFail?: CasFail,
    initial: RegisterValue = null,
    counts: ReadonlyMap<string, number> = new Map(),
  ) {
    this.#casFail = casFail;
    this.#initial = initial;
    this.#counts = counts;
  }

  /** Adds the operation at `position` of the history. Each must be added once, in any order. */
  add(op: Op, position: number): void {
    let draft = this.#drafts.get(op.key);
    if (draft === undefined) {
      draft = new PartColumns(op.key, this.#initial, this.#counts.get(op.key) ?? FIRST_CAPACITY);
      this.#drafts.set(op.key, draft);
    }
    this.#functions.add(op.f);
    addOperation(draft, op, position, this.#casFail);
  }

  /** Returns the parts; `ops` is the history of the positions. The builder must not be used afterwards. */
  finish(ops: readonly Op[]): PartedHistory {
    const parts = Array.from(this.#drafts.values(), (draft) => finished(draft, ops));
    this.#drafts.clear();
    parts.sort((a, b) => a.positions.length - b.positions.length || a.positions[0]! - b.positions[0]!);
    return { ops, casFail: this.#casFail, initial: this.#initial, functions: this.#functions, parts };
  }
}

/** Separates a list of operations into its parts. */
export function partedHistory(
  ops: readonly Op[],
  casFail?: CasFail,
  initial: RegisterValue = null,
): PartedHistory {
  const counts = new Map<string, number>();
  for (let position = 0; position < ops.length; position++) {
    const { key } = ops[position]!;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const builder = new PartsBuilder(casFail, initial, counts);
  for (let position = 0; position < ops.length; position++) builder.add(ops[position]!, position);
  return builder.finish(ops);
}

export const toParts = (ops: readonly Op[], casFail?: CasFail, initial?: RegisterValue): readonly Part[] =>
  partedHistory(ops, casFail, initial).parts;

const FIRST_CAPACITY = 64;

/** A part to which operations are being added; the columns are longer than their content. */
class PartColumns {
  readonly key: string;
  readonly numbers: Map<RegisterValue, number>;
  readonly values: RegisterValue[];
  flaw: string | null = null;
  positions: Int32Array;
  operations = 0;
  /** True as long as the positions are in increasing order. */
  isRising = true;
  size = 0;
  at: Int32Array;
  id: Float64Array;
  kind: Uint8Array;
  certain: Uint8Array;
  call: Float64Array;
  ret: Float64Array;
  from: Int32Array;
  to: Int32Array;

  constructor(key: string, initial: RegisterValue, capacity: number) {
    this.key = key;
    this.numbers = new Map([[initial, NEVER_WRITTEN]]);
    this.values = [initial];
    this.positions = new Int32Array(capacity);
    this.at = new Int32Array(capacity);
    this.id = new Float64Array(capacity);
    this.kind = new Uint8Array(capacity);
    this.certain = new Uint8Array(capacity);
    this.call = new Float64Array(capacity);
    this.ret = new Float64Array(capacity);
    this.from = new Int32Array(capacity);
    this.to = new Int32Array(capacity);
  }

  addPosition(position: number): void {
    const { operations } = this;
    if (operations === this.positions.length) this.positions = doubled(this.positions);
    if (operations > 0 && position < this.positions[operations - 1]!) this.isRising = false;
    this.positions[operations] = position;
    this.operations++;
  }

  /** Adds a row; returns its number. */
  addRow(): number {
    if (this.size === this.at.length) {
      this.at = doubled(this.at);
      this.id = doubled(this.id);
      this.kind = doubled(this.kind);
      this.certain = doubled(this.certain);
      this.call = doubled(this.call);
      this.ret = doubled(this.ret);
      this.from = doubled(this.from);
      this.to = doubled(this.to);
    }
    return this.size++;
  }
}

function doubled<Column extends Uint8Array | Int32Array | Float64Array>(column: Column): Column {
  const longer = new (column.constructor as new (length: number) => Column)(2 * column.length);
  longer.set(column);
  return longer;
}

const NO_STEP = -1;

function addOperation(part: PartColumns, op: Op, position: number, casFail: CasFail | undefined): void {
  part.addPosition(position);
  const kind = kindOf(op, casFail, part);
  if (kind === NO_STEP) return;
  const i = part.addRow();
  const certain = op.outcome !== 'info';
  const { call } = op;
  const ret = certain ? op.return : Infinity;
  if (!(call <= ret)) part.flaw ??= `operation #${op.id} ends at ${ret} ms, before it began at ${call} ms`;
  part.at[i] = position;
  part.id[i] = op.id;
  part.kind[i] = kind;
  part.certain[i] = certain ? 1 : 0;
  part.call[i] = call;
  part.ret[i] = ret;
  let from = NONE;
  let to = NONE;
  if (kind === KIND.read) from = numberOf(part, op.output!);
  else if (kind === KIND.write || kind === KIND.append) to = numberOf(part, op.input as RegisterValue);
  else {
    const input = op.input as readonly [RegisterValue, RegisterValue];
    from = numberOf(part, input[0]);
    if (kind === KIND.cas) to = numberOf(part, input[1]);
  }
  part.from[i] = from;
  part.to[i] = to;
}

function numberOf({ numbers, values }: PartColumns, value: RegisterValue): number {
  const known = numbers.get(value);
  if (known !== undefined) return known;
  const number = values.push(value) - 1;
  numbers.set(value, number);
  return number;
}

/** The kind of step that an operation is, or NO_STEP. */
function kindOf(op: Op, casFail: CasFail | undefined, part: PartColumns): number {
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
      if (op.input === null && op.f !== 'append') return KIND.write;
      part.flaw ??= `operation #${op.id} (${op.f}) has no value as its input`;
      return NO_STEP;
    case 'cas':
      if (Array.isArray(op.input)) return op.outcome === 'fail' ? kindOfFailedCas(op, casFail) : KIND.cas;
      part.flaw ??= `operation #${op.id} is a cas, but its input is not [from, to]`;
      return NO_STEP;
    default:
      // Only an untyped caller can pass such a function, because no model has it.
      op.f satisfies never;
      return NO_STEP;
  }
}

/** Of the failures, only a CAS mismatch constrains the state. */
function kindOfFailedCas(op: Op, casFail: CasFail | undefined): number {
  if (op.output !== undefined) return op.output === casInput(op).from ? KIND.impossible : KIND.read;
  return provesMismatch(op.error) || casFail === 'mismatch' ? KIND.differs : NO_STEP;
}

/** Sorts the operations by call; those with the same call stay in the order of the history. */
function finished(draft: PartColumns, ops: readonly Op[]): Part {
  const { key, size, operations, values, flaw, isRising } = draft;
  const positions = draft.positions.subarray(0, operations);
  if (!isRising) positions.sort();
  const { at, id, kind, certain, call, ret, from, to } = draft;
  let columns: Columns = { ops, size, at, id, kind, certain, call, ret, from, to, values };
  if (!isRising) columns = sortedBy(columns, Float64Array.from(at.subarray(0, size)));
  if (!rises(columns.call, size)) columns = sortedBy(columns, columns.call);
  return { key, positions, columns, flaw };
}

function rises(times: Float64Array, size: number): boolean {
  for (let i = 1; i < size; i++) if (times[i]! < times[i - 1]!) return false;
  return true;
}

const sortedBy = (columns: Columns, keys: Float64Array): Columns =>
  selectRows(
    columns,
    sortByKey(
      Int32Array.from({ length: columns.size }, (_, i) => i),
      keys,
    ),
  );
