import type { Model, Operation } from './model.ts';

/**
 * Place of an operation in the order that proves its part linearizable. `must`: it must be in the order. `may`: it may
 * be in the order or not. `none`: it must not be in the order, because it constrains nothing.
 */
export type Bearing = 'must' | 'may' | 'none';

type Spec<State, O extends Operation> = Pick<Model<State, O>, 'init' | 'step'>;

/** A part of a history, and an order that claims to prove it linearizable, both as positions in the history. */
export interface Proof {
  readonly positions: Int32Array;
  readonly order: Int32Array;
}

/**
 * Checks proofs with nothing but the model and the operations, independently of how they were found. An order must
 * contain every operation of its part with a known outcome, and none twice. If x returned before y was called, the
 * order must not put x after y. And the model must allow it. Returns, for each proof, null or the reason why it proves
 * nothing. O(n).
 *
 * It walks through all parts at the same time, so that it visits operations in about the order of their addresses in
 * memory: key by key it would take three times as long. It yields from time to time, so that the caller can give others
 * a turn.
 */
export function* verifyWitnesses<State, O extends Operation>(
  model: Spec<State, O>,
  ops: readonly O[],
  proofs: readonly Proof[],
  bearing: (op: O) => Bearing,
): Generator<void, (string | null)[]> {
  /**
   * For each operation: number (from 1) of the proof of its part; 0 if it is in no part or has been visited.
   */
  const owner = new Int32Array(ops.length);
  for (const [i, { positions }] of proofs.entries())
    for (const position of positions) owner[position] = i + 1;
  const walks = proofs.map((proof, i) => new Walk(model, proof.order, i + 1));
  for (let end = STRIDE; end < ops.length + STRIDE; end += STRIDE) {
    for (const walk of walks) walk.goOn(ops, owner, bearing, end);
    yield;
  }
  for (let position = 0; position < ops.length; position++) {
    if (owner[position] === 0) continue;
    const walk = walks[owner[position]! - 1]!;
    if (walk.flaw === null && bearing(ops[position]!) === 'must')
      walk.flaw = `#${ops[position]!.id} is missing`;
  }
  return walks.map(({ flaw }) => flaw);
}

/** The walk along one order, with its position. */
class Walk<State, O extends Operation> {
  readonly #step: Spec<State, O>['step'];
  readonly #order: Int32Array;
  readonly #owner: number;
  #at = 0;
  #latestCall = -Infinity;
  #state: State;
  flaw: string | null = null;

  constructor({ init, step }: Spec<State, O>, order: Int32Array, owner: number) {
    this.#step = step;
    this.#order = order;
    this.#owner = owner;
    this.#state = init();
  }

  /** Walks up to an operation after `end`. It is a tight loop, because it visits every operation. */
  goOn(ops: readonly O[], owner: Int32Array, bearing: (op: O) => Bearing, end: number): void {
    if (this.flaw !== null) return;
    const order = this.#order;
    const step = this.#step;
    let at = this.#at;
    let latestCall = this.#latestCall;
    let state = this.#state;
    for (; at < order.length && order[at]! < end; at++) {
      const position = order[at]!;
      const op = ops[position]!;
      const bears = owner[position] === this.#owner ? bearing(op) : 'other';
      owner[position] = 0;
      const isLate = bears === 'must' && op.return < latestCall;
      const after = isLate || bears === 'none' || bears === 'other' ? undefined : step(state, op);
      if (after === undefined) {
        const name = bears === 'other' ? `the operation at ${position}` : `#${op.id}`;
        this.flaw = `${name} ${flawOf(bears, isLate ? null : JSON.stringify(state))}`;
        return;
      }
      if (op.call > latestCall) latestCall = op.call;
      state = after;
    }
    this.#at = at;
    this.#latestCall = latestCall;
    this.#state = state;
  }
}

/**
 * The reason why the operation is not allowed at its place in the order. `state` is the state of the model before it;
 * null if the operation is late.
 */
function flawOf(bears: Bearing | 'other', state: string | null): string {
  if (bears === 'other') return 'is of another part, or is twice in the order';
  if (bears === 'none') return 'constrains nothing, but is in the order';
  if (state === null) return 'had returned before the call of an operation that the order puts before it';
  return `is not what the model allows in ${state}`;
}

/** Number of operations that the walks advance per turn. */
const STRIDE = 2_048;
