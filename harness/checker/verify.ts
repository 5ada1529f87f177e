import type { Model, Operation } from './model.ts';

/** Whether an operation must stand in an order, may, or must not because it says nothing. */
export type Bearing = 'must' | 'may' | 'none';

type Spec<State, O extends Operation> = Pick<Model<State, O>, 'init' | 'step'>;

/** A part of a history, and an order that is said to prove it linearizable: both as positions in the history. */
export interface Proof {
  readonly positions: Int32Array;
  readonly order: Int32Array;
}

/**
 * Judges proofs, independently of how they were found: by the model and the operations alone. An order must hold every
 * operation of its part with a known outcome and none twice, must not put one behind another that was called only after
 * it had returned, and must be what the model allows. Returns for each null, or why it proves nothing. O(n).
 *
 * It goes through all parts side by side, so that it comes upon operations about where they lie in memory: key after
 * key takes three times as long. It yields now and then, for others to have a turn.
 */
export function* verifyWitnesses<State, O extends Operation>(
  model: Spec<State, O>,
  ops: readonly O[],
  proofs: readonly Proof[],
  bearing: (op: O) => Bearing,
): Generator<void, (string | null)[]> {
  /** Which proof's part an operation is of, from 1; 0: none's, or it has been met. */
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

/** The walk along one order: how far it has got. */
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

  /** Up to an operation that lies behind `end`. */
  goOn(ops: readonly O[], owner: Int32Array, bearing: (op: O) => Bearing, end: number): void {
    const order = this.#order;
    while (this.#at < order.length && order[this.#at]! < end && this.flaw === null) {
      const position = order[this.#at++]!;
      if (owner[position] === this.#owner) this.flaw = this.#place(ops[position]!, bearing(ops[position]!));
      else this.flaw = `the operation at ${position} is of another part, or stands in the order twice`;
      owner[position] = 0;
    }
  }

  #place(op: O, bears: Bearing): string | null {
    if (bears === 'none') return `#${op.id} says nothing, yet it stands in the order`;
    const { call } = op;
    if (bears === 'must' && op.return < this.#latestCall)
      return `#${op.id} had returned before one that stands before it was called`;
    if (call > this.#latestCall) this.#latestCall = call;
    const after = this.#step(this.#state, op);
    if (after === undefined)
      return `#${op.id} is not what the model allows in ${JSON.stringify(this.#state)}`;
    this.#state = after;
    return null;
  }
}

/** How many operations further the walks go in a turn. */
const STRIDE = 2_048;
