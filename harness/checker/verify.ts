import type { Model, Operation } from './model.ts';

/** Whether an operation must stand in an order, may, or must not because it says nothing. */
export type Bearing = 'must' | 'may' | 'none';

/**
 * Judges a proof of linearizability, independently of how it was found: by the model and the operations alone. `order`
 * names them by position. It must hold every operation with a known outcome and none twice, must not put one behind
 * another that was called only after it had returned, and must be what the model allows. Returns null, or why the
 * order proves nothing. O(n).
 */
export function verifyWitness<State, O extends Operation>(
  { init, step }: Pick<Model<State, O>, 'init' | 'step'>,
  ops: readonly O[],
  order: ArrayLike<number>,
  bearing: (op: O) => Bearing,
): string | null {
  const placed = new Uint8Array(ops.length);
  let latestCall = -Infinity;
  let state = init();
  for (let i = 0; i < order.length; i++) {
    const position = order[i]!;
    const op = ops[position];
    if (op === undefined) return `there is no operation at ${position}`;
    if (placed[position] === 1) return `#${op.id} stands in the order twice`;
    placed[position] = 1;
    const bears = bearing(op);
    if (bears === 'none') return `#${op.id} says nothing, yet it stands in the order`;
    if (bears === 'must' && op.return < latestCall)
      return `#${op.id} had returned before one that stands before it was called`;
    if (op.call > latestCall) latestCall = op.call;
    const after = step(state, op);
    if (after === undefined) return `#${op.id} is not what the model allows in ${JSON.stringify(state)}`;
    state = after;
  }
  for (let i = 0; i < ops.length; i++)
    if (placed[i] === 0 && bearing(ops[i]!) === 'must') return `#${ops[i]!.id} is missing`;
  return null;
}
