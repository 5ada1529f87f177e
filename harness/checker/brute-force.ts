import type { Op, RegisterValue } from '../history/op.ts';

/**
 * The definition itself, for histories of about ten operations of one key: tries every order that real time
 * allows, and every choice of which operations with unknown outcomes took effect. The oracle that the checker
 * is tested against; it shares no code with it.
 */
export function isLinearizableByDefinition(ops: readonly Op[]): boolean {
  const left = ops.filter((op) => !isSilent(op));
  return canFinish(left, null);
}

function canFinish(left: readonly Op[], state: RegisterValue): boolean {
  if (left.every((op) => op.outcome === 'info')) return true;
  return left.some((op) => {
    if (left.some((other) => other.outcome !== 'info' && other.return < op.call)) return false;
    const after = effect(op, state);
    return after.some((next) =>
      canFinish(
        left.filter((other) => other !== op),
        next,
      ),
    );
  });
}

/** No effect and nothing said about the state. */
const isSilent = (op: Op): boolean =>
  op.outcome === 'fail' && !(op.f === 'cas' && (op.output !== undefined || op.error === 'cas-mismatch'));

/**
 * The states that the operation can lead to: one, or none if what it said does not fit. An unknown CAS may
 * also have missed, but then it may as well be left out.
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
