import type { ImportedHistory } from '../../history/formats/history.ts';
import type { Op, RegisterValue } from '../../history/op.ts';
import type { Violation } from '../../result.ts';

/**
 * A hint where the first reads of a key with a violation returned one value that nothing had begun to write by then:
 * most likely keys hold it at first. Null: there is no such key.
 */
export function initialHint(
  { ops, initial }: ImportedHistory,
  violations: readonly Violation[],
): string | null {
  for (const { key } of violations) {
    const value = firstValue(
      ops.filter((op) => op.key === key),
      initial,
    );
    if (value === undefined) continue;
    const told = value === null ? 'nil' : value;
    return `The first read of key ${key} returned ${told} before any operation wrote it. If keys hold ${told} at first: --initial ${quoted(told)}.`;
  }
  return null;
}

/** The value that a key showed before it was written, if that is not `initial`. */
function firstValue(ops: readonly Op[], initial: RegisterValue): RegisterValue | undefined {
  const shown = ops.flatMap((op) => {
    if (op.f === 'read') return op.outcome === 'ok' ? [{ op, value: op.output ?? null }] : [];
    const isCas = op.f === 'cas' && op.outcome === 'ok';
    return isCas ? [{ op, value: (op.input as readonly [RegisterValue, RegisterValue])[0] }] : [];
  });
  const first = shown.reduce<(typeof shown)[number] | undefined>(
    (earliest, each) => (earliest === undefined || each.op.return < earliest.op.return ? each : earliest),
    undefined,
  );
  if (first === undefined || first.value === initial) return undefined;
  const { op, value } = first;
  const isWritten = ops.some((other) => other !== op && other.call <= op.return && leaves(other, value));
  return isWritten || ops.some(({ f }) => f === 'append') ? undefined : value;
}

function leaves({ f, input }: Op, value: RegisterValue): boolean {
  if (f === 'read') return false;
  return (Array.isArray(input) ? (input as readonly RegisterValue[])[1] : input) === value;
}

/** The value as one argument of a shell. */
const quoted = (value: string): string =>
  /^[\w.:+-]+$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
