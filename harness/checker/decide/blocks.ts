import { type Columns, NONE } from '../columns.ts';
import { sortByKey } from '../stable-sort.ts';
import type { States } from './states.ts';

/** Two steps whose places are forced, although `late`, whose place is the later one, had ended before `early` began. */
export interface Inversion {
  readonly early: { readonly step: number; readonly state: number };
  readonly late: { readonly step: number; readonly state: number };
}

/**
 * Blocks, one row each: a blind write (or the initial state) with everything that must follow it, in the only possible
 * order.
 */
export interface Blocks {
  readonly size: number;
  /** The state that the block begins with. */
  readonly root: Int32Array;
  /** The earliest end and the latest beginning of its steps. A must come before B iff first[A] < last[B]. */
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** The steps those are of; NONE: the initial state's making, which is before all times. */
  readonly firstStep: Int32Array;
  readonly lastStep: Int32Array;
}

/**
 * Goes along the chain of every state that has no parent. Returns the blocks, or two steps that real time forbids to
 * stand as they must: within a block an order exists iff no step ended before one with an earlier place began. A state
 * is made, then seen: two groups whose order is forced; within a group nothing is. States in a ring are in no block.
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
 * The blocks in order of min(first, last); at a tie those that are not forward (first < last) come before those that
 * are. Both `conflictingPair` and `orderOf` rest on this one sort.
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
 * Why pairs are enough. Let A be the block with the least `first` on a shortest cycle of "must precede", and P the one
 * before A on it. Every block Y of the cycle is preceded by some X of it: first(X) < last(Y), and first(A) ≤ first(X),
 * so A must precede Y; so A must precede P, and P precedes A: a pair.
 *
 * Why one pass in the order of `sortBlocks` finds one. A pair needs first(A) < last(B) and first(B) < last(A). Call a
 * block forward if first < last. Were both blocks not forward, last(B) ≤ first(B) < last(A) ≤ first(A) < last(B). Both
 * forward: the open intervals (first, last) overlap, so in order of `first`, which is theirs here, two neighbours do.
 * One forward: last(B) ≤ first(B), so both lie within (first(A), last(A)); the forward intervals being disjoint up to
 * here, only the last one that begins before last(B), which is B's key, can hold them: at a tie B comes first.
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
 * Returns two blocks of a conflict: the one that came back, and the one that shows best that it cannot have come back.
 * The latter is preferably one that a step saw, and next one whose write ran wholly within the time of the former; of
 * several, it is the latest.
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

/** The older of two blocks is the initial one, or the one whose write had ended; else the one that lasts longer. */
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
 * An order of all steps, given that no two blocks conflict: the blocks as sorted, each in its forced order. Let A have
 * to precede B: first(A) < last(B), and not first(B) < last(A). Then min(B) ≥ min(A), since first(B) ≥ last(A) and
 * last(B) > first(A). If they are equal, last(B) > min(A) leaves first(B) = min(A), so B is forward, and min(A) =
 * first(B) ≥ last(A) makes A not forward: at a tie those that are not forward go first.
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
