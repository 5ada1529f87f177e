import type { Op, RegisterValue } from '../../history/op.ts';

/** Maximum number of operations, because a set of them is a word of bits. */
const MOST_OPERATIONS = 31;

/**
 * The definition itself, for histories of up to about 16 operations of one key: it tries every order that real time
 * allows, and every subset of the operations with unknown outcomes; only states that have already led to no order are
 * not tried again. It is the oracle for the tests of the checker and shares no code with it.
 */
export function isLinearizableByDefinition(ops: readonly Op[]): boolean {
  const asked = ops.filter((op) => !isSilent(op));
  if (asked.length > MOST_OPERATIONS)
    throw new Error(`${asked.length} operations are too many to try every order`);
  const deadEnds = new Set<string>();
  const canFinish = (taken: number, state: RegisterValue): boolean => {
    const left = asked.filter((_, i) => (taken & (1 << i)) === 0);
    if (left.every((op) => op.outcome === 'info')) return true;
    const here = `${taken} ${JSON.stringify(state)}`;
    if (deadEnds.has(here)) return false;
    const finishes = asked.some((op, i) => {
      if ((taken & (1 << i)) !== 0) return false;
      if (left.some((other) => other.outcome !== 'info' && other.return < op.call)) return false;
      return effect(op, state).some((next) => canFinish(taken | (1 << i), next));
    });
    if (!finishes) deadEnds.add(here);
    return finishes;
  };
  return canFinish(0, null);
}

/** True if the operation has no effect and does not constrain the state. */
const isSilent = (op: Op): boolean =>
  op.outcome === 'fail' && !(op.f === 'cas' && (op.output !== undefined || op.error === 'cas-mismatch'));

/**
 * The states to which the operation can lead: one, or none if its answer does not fit. An unknown CAS may also have
 * failed, but then it can be left out.
 */
function effect(op: Op, state: RegisterValue): readonly RegisterValue[] {
  if (op.f === 'read') return op.outcome === 'info' || op.output === state ? [state] : [];
  if (op.f === 'append') return [(state === null ? '' : state) + String(op.input)];
  if (op.f === 'cas') {
    const [from, to] = op.input as readonly [RegisterValue, string];
    if (op.outcome === 'fail')
      return state !== from && (op.output === undefined || op.output === state) ? [state] : [];
    return state === from ? [to] : [];
  }
  return [op.input as string];
}
