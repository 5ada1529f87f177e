import type { Op } from '../history/op.ts';
import type { Violation } from '../result.ts';
import { printable } from '../printable.ts';
import { said } from './page/values.ts';

/** Maximum number of operations that are drawn; of a larger window, those around the one that fits nowhere. */
const MOST_OPS = 24;

/** The operations of a violation, in order of time. */
export function operationsOf(
  violation: Violation,
  all: readonly Op[],
): { readonly ops: readonly Op[]; readonly total: number } {
  const ids = new Set([...(violation.opIds ?? []), ...(violation.linearizedIds ?? []), violation.stuckId]);
  const ops = all.filter((op) => ids.has(op.id)).sort((a, b) => a.call - b.call || a.id - b.id);
  const stuck = ops.findIndex((op) => op.id === violation.stuckId);
  const last = Math.min(ops.length, (stuck < 0 ? ops.length : stuck) + MOST_OPS / 4);
  return { ops: ops.slice(Math.max(0, last - MOST_OPS), last), total: ops.length };
}

/** Maximum number of columns for the description of an operation, left of its bar; the bar gets the rest. */
const WIDEST_SAID = 34;
const LEAST_BAR_COLUMNS = 24;
const MOST_BAR_COLUMNS = 96;

/**
 * The operations of a violation as bars over time in ASCII, one line per operation in order of invocation:
 *
 *     p1 #0 write a   [1]
 *     p1 #1 write b       [2--]
 *     p2 #2 read a               [X]
 *
 * The order in time is exact, distances are not: every moment has its own column if there are enough columns. A number
 * is the position in the longest order that works; X is an operation that fits nowhere after it; the bar of an unknown
 * outcome has an open end (>).
 */
export function asciiCloseUp(
  ops: readonly Op[],
  violation: Violation,
  width: number,
  processNames: ReadonlyMap<number, string> = new Map(),
): readonly string[] {
  const rows = ops.toSorted((a, b) => a.call - b.call || a.id - b.id);
  const labels = rows.map((op) => {
    const process = processNames.get(op.process) ?? `p${op.process}`;
    return `${printable(process)} #${op.id} ${printable(said(op))}`.slice(0, WIDEST_SAID);
  });
  const labelColumns = Math.max(0, ...labels.map((label) => label.length));
  const columns = Math.min(MOST_BAR_COLUMNS, Math.max(LEAST_BAR_COLUMNS, width - labelColumns - 2));
  const at = columnsOf(rows, columns);
  return rows.map((op, i) => {
    const from = at(op.call);
    const to = op.outcome === 'info' ? columns - 1 : at(op.return);
    const mark = markOf(op.id, violation);
    return `${labels[i]!.padEnd(labelColumns)}  ${' '.repeat(from)}${bar(to - from + 1, mark, op.outcome)}`.trimEnd();
  });
}

/** Spreads the moments over the columns, in order. Two moments share a column only if there are too few columns. */
function columnsOf(ops: readonly Op[], columns: number): (moment: number) => number {
  const moments = [
    ...new Set(ops.flatMap((op) => (op.outcome === 'info' ? [op.call] : [op.call, op.return]))),
  ];
  moments.sort((a, b) => a - b);
  const place = new Map(moments.map((moment, i) => [moment, i]));
  // The last column is reserved for open ends.
  const step = Math.max(1, Math.min(6, Math.floor((columns - 2) / Math.max(1, moments.length - 1))));
  const last = Math.max(1, moments.length - 1);
  return (moment) => {
    const i = place.get(moment)!;
    return step * last <= columns - 2 ? step * i : Math.round((i * (columns - 2)) / last);
  };
}

/** The legend below a close-up. */
export const CLOSE_UP_LEGEND: readonly string[] = [
  'Numbers: the longest order that works; X: fits nowhere after it; >: unknown, never ended.',
  'Order in time is exact, distances are not.',
];

function markOf(id: number, { linearizedIds, stuckId }: Violation): string {
  if (id === stuckId) return 'X';
  const order = linearizedIds?.indexOf(id) ?? -1;
  return order < 0 ? '?' : String(order + 1);
}

function bar(length: number, mark: string, outcome: Op['outcome']): string {
  const close = outcome === 'info' ? '>' : ']';
  const fill = outcome === 'fail' ? '~' : '-';
  const inside = Math.max(mark.length, length - 2);
  return `[${mark.padEnd(inside, fill)}${close}`;
}
