import type { Model, Operation } from './model.ts';

/** Whether an operation must stand in an order, may, or must not because it says nothing. */
export type Bearing = 'must' | 'may' | 'none';

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
  { init, step }: Pick<Model<State, O>, 'init' | 'step'>,
  ops: readonly O[],
  proofs: readonly Proof[],
  bearing: (op: O) => Bearing,
): Generator<void, (string | null)[]> {
  /** Which proof's part an operation is of, from 1; 0: none's, or it has been met. */
  const owner = new Int32Array(ops.length);
  for (const [i, { positions }] of proofs.entries())
    for (const position of positions) owner[position] = i + 1;
  const walks = proofs.map((proof, i) => ({
    ...proof,
    owner: i + 1,
    at: 0,
    latestCall: -Infinity,
    state: init(),
    flaw: null as string | null,
  }));
  for (let end = STRIDE; end < ops.length + STRIDE; end += STRIDE) {
    for (const walk of walks) advance(walk, end);
    yield;
  }
  for (const [position, of] of owner.entries()) {
    const walk = walks[of - 1];
    if (walk?.flaw === null && bearing(ops[position]!) === 'must')
      walk.flaw = `#${ops[position]!.id} is missing`;
  }
  return walks.map(({ flaw }) => flaw);

  /** Goes on along the order up to an operation that lies behind `end`. */
  function advance(walk: (typeof walks)[number], end: number): void {
    const { order } = walk;
    while (walk.at < order.length && order[walk.at]! < end && walk.flaw === null) {
      const position = order[walk.at++]!;
      walk.flaw = place(walk, position);
    }
  }

  function place(walk: (typeof walks)[number], position: number): string | null {
    if (owner[position] !== walk.owner) return `position ${position} is not of this part, or stands twice`;
    owner[position] = 0;
    const op = ops[position]!;
    const bears = bearing(op);
    if (bears === 'none') return `#${op.id} says nothing, yet it stands in the order`;
    if (bears === 'must' && op.return < walk.latestCall)
      return `#${op.id} had returned before one that stands before it was called`;
    if (op.call > walk.latestCall) walk.latestCall = op.call;
    const after = step(walk.state, op);
    if (after === undefined) return `#${op.id} is not what the model allows in ${JSON.stringify(walk.state)}`;
    walk.state = after;
    return null;
  }
}

/** How many operations further the walks go in a turn. */
const STRIDE = 2_048;
