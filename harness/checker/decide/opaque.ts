import { type Columns, KIND, NEVER_WRITTEN, NONE } from '../columns.ts';
import { sortByKey } from '../stable-sort.ts';
import type { States } from './states.ts';

/**
 * Inserts the failed CAS that do not report the value they found into an order of all other steps. Gaps count from 0
 * (before the first step). Real time decides which gaps such a step may take: after every step that returned before its
 * call, and before every step that was called after its return. The failed CAS are inserted in order of return. Each
 * takes the first gap that real time and the earlier insertions allow and whose value differs from its `from`. No other
 * placement in this order puts any of them earlier.
 *
 * If there is no such gap, a helper may change the value of a gap: an unknown blind write that no step saw, and whose
 * value no failed CAS expects. It is placed directly before another blind write or at the end, because no other step
 * can see it there.
 *
 * Returns null if they cannot be placed in this way. This proves nothing, because another order might exist. O(n log
 * n).
 */
export function placeOpaque(columns: Columns, states: States, order: Int32Array): Int32Array | null {
  const { kind, certain, call, ret, from, to, size } = columns;
  if (states.values.areParsed) return null;
  const opaque: number[] = [];
  const spare: number[] = [];
  for (let i = 0; i < size; i++) {
    if (kind[i] === KIND.differs) opaque.push(i);
    if (kind[i] === KIND.write && certain[i] === 0 && states.made[i] === 0) spare.push(i);
  }
  opaque.sort((a, b) => ret[a]! - ret[b]!);
  const expected = new Set(opaque.map((step) => from[step]!));
  const helpers = spare.filter((step) => !expected.has(to[step]!));
  const bounds = new Bounds(columns, order);
  const values = valuesAtGaps(columns, order);
  const placed: Placed[] = [];
  /** The helper in each gap that has one. */
  const helped = new Map<number, number>();
  /** By placed step, in order of return: the latest gap of the steps up to it. */
  const latest: number[] = [];

  for (const step of opaque) {
    const before = countBelow(placed, call[step]!, (each) => ret[each.step]!);
    const low = Math.max(bounds.low(call[step]!), before === 0 ? 0 : latest[before - 1]!);
    const high = bounds.high(ret[step]!);
    let gap = low;
    while (gap <= high && values.at[gap] === from[step] && !helped.has(gap)) gap = next(gap);
    if (gap > high) {
      // The value is `from` in the gaps `low` to `high`. A helper can only be placed after the last of them: directly
      // before the step that changes the value, or at the end.
      gap = values.changes[low]! - 1;
      const isBoundary = gap === order.length || kind[order[gap]!] === KIND.write;
      const helper = gap > high || !isBoundary ? NONE : takeHelper(gap, step);
      if (helper === NONE) return null;
      helped.set(gap, helper);
    }
    placed.push({ step, gap, isHelped: helped.has(gap) });
    latest.push(Math.max(gap, latest.at(-1) ?? 0));
  }
  return merged(order, placed, helped);

  /** After a gap with the wrong value: the next gap that has another value or a helper. */
  function next(gap: number): number {
    const change = values.changes[gap]!;
    const boundary = change - 1;
    return boundary > gap && helped.has(boundary) ? boundary : change;
  }

  /** Takes the helper that was called last of those that fit into the gap, because earlier ones fit into more gaps. */
  function takeHelper(gap: number, step: number): number {
    const at = helpers.findLastIndex(
      (helper) =>
        call[helper]! <= ret[step]! && bounds.low(call[helper]!) <= gap && isBehindPlaced(helper, gap),
    );
    return at < 0 ? NONE : helpers.splice(at, 1)[0]!;
  }

  /** True if every placed step that returned before the helper's call comes before it. */
  function isBehindPlaced(helper: number, gap: number): boolean {
    const before = countBelow(placed, call[helper]!, (each) => ret[each.step]!);
    return before === 0 || latest[before - 1]! <= gap;
  }
}

interface Placed {
  readonly step: number;
  readonly gap: number;
  /** True if it comes after the helper in its gap. */
  readonly isHelped: boolean;
}

/** By gap: its value, and the next gap with another value (or the number after the last gap). */
function valuesAtGaps(
  { kind, to }: Columns,
  order: Int32Array,
): { readonly at: Int32Array; readonly changes: Int32Array } {
  const at = new Int32Array(order.length + 1);
  at[0] = NEVER_WRITTEN;
  for (const [i, step] of order.entries())
    at[i + 1] = kind[step] === KIND.write || kind[step] === KIND.cas ? to[step]! : at[i]!;
  const changes = new Int32Array(order.length + 1);
  changes[order.length] = order.length + 1;
  for (let gap = order.length - 1; gap >= 0; gap--)
    changes[gap] = at[gap] === at[gap + 1] ? changes[gap + 1]! : gap + 1;
  return { at, changes };
}

/** The first and the last gap of an order that real time allows for a step. */
class Bounds {
  readonly #returns: Float64Array;
  /** By position among the returns: the first gap after all returns up to it. */
  readonly #behind: Int32Array;
  readonly #calls: Float64Array;
  /** By position among the calls: the last gap before all calls from it on. */
  readonly #before: Int32Array;

  constructor({ call, ret }: Columns, order: Int32Array) {
    const size = order.length;
    const times = (column: Float64Array): Float64Array => Float64Array.from(order, (step) => column[step]!);
    const sorted = (keys: Float64Array): Int32Array =>
      sortByKey(
        Int32Array.from(keys, (_, i) => i),
        keys,
      );
    const [returns, calls] = [times(ret), times(call)];
    const [byReturn, byCall] = [sorted(returns), sorted(calls)];
    this.#returns = Float64Array.from(byReturn, (i) => returns[i]!);
    this.#calls = Float64Array.from(byCall, (i) => calls[i]!);
    this.#behind = new Int32Array(size);
    this.#before = new Int32Array(size);
    for (let i = 0, most = 0; i < size; i++) this.#behind[i] = most = Math.max(most, byReturn[i]! + 1);
    for (let i = size - 1, least = size; i >= 0; i--) this.#before[i] = least = Math.min(least, byCall[i]!);
  }

  low(call: number): number {
    const count = countBelow(this.#returns, call, (time) => time);
    return count === 0 ? 0 : this.#behind[count - 1]!;
  }

  high(ret: number): number {
    const size = this.#calls.length;
    let low = 0;
    for (let high = size; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#calls[middle]! <= ret) low = middle + 1;
      else high = middle;
    }
    return low === size ? size : this.#before[low]!;
  }
}

/** Number of items whose time is below `time`; the items are sorted by their times. */
function countBelow<Item>(items: ArrayLike<Item>, time: number, timeOf: (item: Item) => number): number {
  let low = 0;
  for (let high = items.length; low < high;) {
    const middle = (low + high) >> 1;
    if (timeOf(items[middle]!) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Merges the order with the placed steps. Each gap has steps, then its helper, then the steps that need the helper. */
function merged(
  order: Int32Array,
  placed: readonly Placed[],
  helped: ReadonlyMap<number, number>,
): Int32Array {
  const byGap = Map.groupBy(placed, ({ gap }) => gap);
  const all: number[] = [];
  for (let gap = 0; gap <= order.length; gap++) {
    const here = byGap.get(gap) ?? [];
    all.push(...here.filter(({ isHelped }) => !isHelped).map(({ step }) => step));
    if (helped.has(gap)) all.push(helped.get(gap)!);
    all.push(...here.filter(({ isHelped }) => isHelped).map(({ step }) => step));
    if (gap < order.length) all.push(order[gap]!);
  }
  return Int32Array.from(all);
}
