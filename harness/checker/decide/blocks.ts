import { type Columns, NONE } from '../columns.ts';
import { sortByKey } from '../stable-sort.ts';
import type { States } from './states.ts';

/** Two steps whose order is forced: `early` before `late`. Yet `late` had ended before `early` began. */
export interface Inversion {
  readonly early: { readonly step: number; readonly state: number };
  readonly late: { readonly step: number; readonly state: number };
}

/**
 * Blocks, one row each. A block is a blind write (or the initial state) with everything that must directly follow it,
 * in the only possible order.
 */
export interface Blocks {
  readonly size: number;
  /** The first state of the block. */
  readonly root: Int32Array;
  /** The earliest end and the latest beginning of its steps. A must come before B iff first[A] < last[B]. */
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** The steps that have these times. NONE stands for the creation of the initial state, which is before all times. */
  readonly firstStep: Int32Array;
  readonly lastStep: Int32Array;
}

/**
 * Follows the chain of every state without a parent. Returns the blocks, or two steps whose forced order contradicts
 * real time: a block has an order iff no step ended before the beginning of a step that must come earlier. A state is
 * first made and then seen, so these two groups have a forced order; steps of one group have none. States in a ring are
 * in no block.
 */
export function buildBlocks(
  columns: Columns,
  states: States,
): { readonly blocks: Blocks; readonly ring: number } | Inversion {
  const { call, ret } = columns;
  const { initial, made, parent, heir, firstReader, nextReader } = states;
  const most = states.count;
  const blocks = {
    size: 0,
    root: new Int32Array(most),
    first: new Float64Array(most),
    last: new Float64Array(most),
    firstStep: new Int32Array(most),
    lastStep: new Int32Array(most),
  };
  const inBlock = new Uint8Array(initial + 1);
  let placed = 0;
  for (let root = 0; root <= initial; root++) {
    if (made[root] === 0 || parent[root] !== NONE) continue;
    let first = Infinity;
    let firstStep = NONE;
    let last = -Infinity;
    let lastStep = NONE;
    let lastState = root;
    for (let state = root; state !== NONE; state = heir[state]!) {
      inBlock[state] = 1;
      placed++;
      if (state !== initial) {
        if (ret[state]! < last)
          return { early: { step: lastStep, state: lastState }, late: { step: state, state } };
        if (ret[state]! < first || firstStep === NONE) {
          first = ret[state]!;
          firstStep = state;
        }
        if (call[state]! > last) {
          last = call[state]!;
          lastStep = state;
          lastState = state;
        }
      }
      const before = last;
      const beforeStep = lastStep;
      const beforeState = lastState;
      for (let reader = firstReader[state]!; reader !== NONE; reader = nextReader[reader]!) {
        if (ret[reader]! < before)
          return { early: { step: beforeStep, state: beforeState }, late: { step: reader, state } };
        if (ret[reader]! < first) {
          first = ret[reader]!;
          firstStep = reader;
        }
        if (call[reader]! > last) {
          last = call[reader]!;
          lastStep = reader;
          lastState = state;
        }
      }
    }
    if (root === initial) {
      first = -Infinity;
      firstStep = NONE;
    }
    const block = blocks.size++;
    blocks.root[block] = root;
    blocks.first[block] = first;
    blocks.last[block] = last;
    blocks.firstStep[block] = firstStep;
    blocks.lastStep[block] = lastStep;
  }
  const ring =
    placed === states.count ? NONE : made.findIndex((is, state) => is === 1 && inBlock[state] === 0);
  return { blocks, ring };
}

/**
 * The blocks in order of min(first, last). A block is forward if first < last; at a tie, blocks that are not forward
 * come first. `conflictingPair` and `orderOf` both depend on this order.
 */
export function sortBlocks({ size, first, last }: Blocks): Int32Array {
  const least = new Float64Array(size);
  const sorted = new Int32Array(size);
  let backward = 0;
  for (let i = 0; i < size; i++) {
    least[i] = Math.min(first[i]!, last[i]!);
    if (first[i]! >= last[i]!) sorted[backward++] = i;
  }
  // The sort is stable: this puts the backward ones first at a tie.
  for (let i = 0, at = backward; i < size; i++) if (first[i]! < last[i]!) sorted[at++] = i;
  return sortByKey(sorted, least);
}

/**
 * Two blocks that must each precede the other, or null if there are none; then the blocks can be ordered.
 *
 * Why pairs are enough. On a cycle of "must precede", let A be the block with the least `first`, and P the block before
 * A. For every block Y of the cycle some block X of the cycle must precede Y, so first(X) < last(Y). Because first(A) ≤
 * first(X), A must precede Y, too. So A must precede P, and P must precede A: a pair.
 *
 * Why one pass in the order of `sortBlocks` finds a pair. A and B are a pair iff first(A) < last(B) and first(B) <
 * last(A). If neither is forward, last(B) ≤ first(B) < last(A) ≤ first(A) < last(B), a contradiction. If both are
 * forward, the open intervals (first, last) overlap. The forward blocks are in order of `first` here, so two neighbours
 * of them overlap. If only A is forward, last(B) ≤ first(B), so both times lie within (first(A), last(A)). The forward
 * intervals up to this point are disjoint, so only the last one that begins before last(B), which is the sort key of B,
 * can contain both times. At a tie, B comes first.
 */
export function conflictingPair(
  { first, last }: Blocks,
  sorted: Int32Array,
): readonly [number, number] | null {
  let forward = NONE;
  for (const block of sorted) {
    if (forward !== NONE && first[block]! < last[forward]!) return [forward, block];
    if (first[block]! < last[block]!) forward = block;
  }
  return null;
}

/**
 * Returns two blocks of a conflict: `back`, whose value was shown again, and `over`, which shows best that `back` had
 * been replaced. `over` is preferably a block that a step saw, or else one whose write ran completely within the time
 * of `back`. If there are several, it is the latest.
 */
export function tellingPair(
  columns: Columns,
  { initial, heir, firstReader }: States,
  blocks: Blocks,
  [a, b]: readonly [number, number],
): readonly [number, number] {
  const { call, ret } = columns;
  const { size, root, first, last } = blocks;
  const [back, other] = cameBack(columns, initial, blocks, [a, b]) ? [a, b] : [b, a];
  let best = other;
  let bestMerit = -1;
  for (let block = 0; block < size; block++) {
    const conflicts = first[back]! < last[block]! && first[block]! < last[back]!;
    if (block === back || root[block] === initial || !conflicts) continue;
    const start = root[block]!;
    const seen = firstReader[start] !== NONE || heir[start] !== NONE;
    const within = first[back]! < call[start]! && ret[start]! < last[back]!;
    const merit = 2 * Number(seen) + Number(within);
    if (merit < bestMerit || (merit === bestMerit && first[block]! < first[best]!)) continue;
    [best, bestMerit] = [block, merit];
  }
  return [back, best];
}

/**
 * True if the first block is the older one: it is the initial one, its write had ended before the other's began, or it
 * lasts longer.
 */
function cameBack(
  { call, ret }: Columns,
  initial: number,
  { root, last }: Blocks,
  [a, b]: readonly [number, number],
): boolean {
  const [x, y] = [root[a]!, root[b]!];
  if (x === initial || y === initial) return x === initial;
  if (ret[x]! < call[y]!) return true;
  if (ret[y]! < call[x]!) return false;
  return last[a]! >= last[b]!;
}

/**
 * Returns an order of all steps if no two blocks conflict: the blocks as sorted, each with its steps in their forced
 * order. Proof: let A be a block that must precede B, so first(A) < last(B), but not first(B) < last(A). Let min be the
 * smaller one of first and last. Then min(B) ≥ min(A), because first(B) ≥ last(A) and last(B) > first(A). If they are
 * equal, first(B) = min(A), because last(B) > first(A) ≥ min(A). So B is forward, while last(A) ≤ first(B) = min(A), so
 * A is not. At a tie, blocks that are not forward come first.
 */
export function orderOf({ root }: Blocks, sorted: Int32Array, states: States): Int32Array {
  const { initial, heir, firstReader, nextReader } = states;
  const order = new Int32Array(initial);
  let length = 0;
  for (const block of sorted) {
    for (let state = root[block]!; state !== NONE; state = heir[state]!) {
      if (state !== initial) order[length++] = state;
      for (let reader = firstReader[state]!; reader !== NONE; reader = nextReader[reader]!)
        order[length++] = reader;
    }
  }
  return order.subarray(0, length);
}
