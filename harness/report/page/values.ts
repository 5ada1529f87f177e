import { clipped } from '../format.ts';
import type { Op, RegisterValue } from '../../history/op.ts';

const LONGEST_IN_PICTURE = 22;

/** `"v17"`, clipped; `∅` for a key that was never written. */
export const shown = (value: RegisterValue | undefined, limit = LONGEST_IN_PICTURE): string =>
  value === undefined ? '?' : value === null ? '∅' : clipped(value, limit);

/** An operation's input and output: `read → v17`, `cas v17 ⇒ v18`, `write v19`. */
export function said(op: Op, limit = LONGEST_IN_PICTURE): string {
  const input = Array.isArray(op.input) ? null : (op.input as RegisterValue);
  switch (op.f) {
    case 'read':
      return op.outcome === 'ok' ? `read → ${shown(op.output, limit)}` : 'read';
    case 'cas': {
      const [from, to] = op.input as readonly [RegisterValue, string];
      const found = op.output === undefined ? '' : ` (found ${shown(op.output, limit)})`;
      return `cas ${shown(from, limit)} ⇒ ${shown(to, limit)}${found}`;
    }
    case 'write':
    case 'append':
    case 'delete':
      return `${op.f} ${shown(input, limit)}`;
    default:
      return op.f satisfies never;
  }
}

/** The register after `op` has taken effect on `state`. A failed operation changes nothing. */
export function applied(state: RegisterValue, op: Op): RegisterValue {
  if (op.outcome === 'fail') return state;
  switch (op.f) {
    case 'read':
      return state;
    case 'write':
    case 'delete':
      return op.input as RegisterValue;
    case 'cas':
      return (op.input as readonly [RegisterValue, string])[1];
    case 'append':
      return `${state ?? ''}${op.input as string}`;
    default:
      return op.f satisfies never;
  }
}

/** The reason why `op` cannot take effect on `state`; null if it can. */
export function refusal(state: RegisterValue, op: Op): string | null {
  if (op.f === 'read' && op.outcome === 'ok' && (op.output ?? null) !== state) {
    return `it returned ${shown(op.output)}, the register holds ${shown(state)}`;
  }
  if (op.f === 'cas' && op.outcome !== 'fail') {
    const from = (op.input as readonly [RegisterValue, string])[0];
    if (from !== state) return `it needs ${shown(from)}, the register holds ${shown(state)}`;
  }
  if (op.f === 'cas' && op.outcome === 'fail' && op.output !== undefined && op.output !== state) {
    return `it found ${shown(op.output)}, the register holds ${shown(state)}`;
  }
  return null;
}
