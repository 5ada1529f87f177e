import type { Blocks } from './blocks.ts';
import { type Columns, KIND, NONE } from '../columns.ts';
import type { States } from './states.ts';

/**
 * A block that a node wrote and showed again, although it had been replaced by one that another node wrote: `older`
 * had been seen (or made) before the write of `newer` began, and `newer` before that node showed `older` again. Numbers
 * of blocks. As with any two blocks that must each precede the other no order allows that.
 */
export interface Ignored {
  readonly older: number;
  readonly newer: number;
}

/** Maximum number of nodes for the question whether two of them diverged, because it costs a look at each. */
const MOST_NODES = 16;
/** Number of reads after a fork that are examined. */
const MOST_READS = 1_000;
/** Two nodes that led in turns may each be caught with a stale read; at most so far apart it is one event. */
const MOST_APART_MS = 1_000;

/**
 * Two nodes that each ignored a write of the other, about the same time: both acted as the leader. One of the two alone
 * is a stale read.
 */
export function splitBrain(columns: Columns, blocks: Blocks): readonly [Ignored, Ignored] | null {
  const { first, last } = blocks;
  const shown = shownAgain(columns, blocks);
  // Two leaders that ignored each other are two nodes. For a stale read alone, the writer of each block does not
  // matter.
  if (new Set(shown.map(({ node }) => node)).size < 2) return null;
  const written = blocksByNode(columns, blocks);
  if (written.size > MOST_NODES) return null;
  const latest = new Map<string, Ignored>();
  for (const { older, node } of shown) {
    for (const [otherNode, others] of written) {
      const newer = otherNode === node ? NONE : others.firstSeenAfter(first[older]!);
      if (newer === NONE || !(first[newer]! < last[older]!)) continue;
      const side = { older, newer };
      const mirror = latest.get(`${otherNode} ${node}`);
      if (mirror !== undefined && apartMs(blocks, mirror.older, older) <= MOST_APART_MS)
        return [mirror, side];
      latest.set(`${node} ${otherNode}`, side);
    }
  }
  return null;
}

/** The blocks that the node which wrote them showed last, after a block whose write came after theirs had been seen. */
function shownAgain(
  columns: Columns,
  blocks: Blocks,
): readonly { readonly older: number; readonly node: string }[] {
  const { kind } = columns;
  const { size, root, first, last, lastStep } = blocks;
  const all = new Written(columns, blocks);
  for (let block = 0; block < size; block++) if (root[block] !== columns.size) all.add(block);
  const shown: { older: number; node: string }[] = [];
  for (let older = 0; older < size; older++) {
    const step = lastStep[older]!;
    if (root[older] === columns.size || step === NONE || kind[step] !== KIND.read) continue;
    const newer = all.firstSeenAfter(first[older]!);
    if (newer === NONE || !(first[newer]! < last[older]!)) continue;
    const node = nodeOf(columns, root[older]!);
    if (nodeOf(columns, step) === node) shown.push({ older, node });
  }
  return shown;
}

/** Time between two blocks, in ms. It is 0 or negative if they overlap. */
const apartMs = ({ first, last }: Blocks, a: number, b: number): number =>
  Math.max(first[a]! - last[b]!, first[b]! - last[a]!);

/** The blocks that a node wrote, to find the one that is seen first among those whose write began after a time. */
class Written {
  readonly #columns: Columns;
  readonly #blocks: Blocks;
  /** In order of their writes' beginnings. */
  readonly #all: number[] = [];
  /** Per block: the one that is seen first of it and all later ones. */
  #firstSeen: number[] | null = null;

  constructor(columns: Columns, blocks: Blocks) {
    this.#columns = columns;
    this.#blocks = blocks;
  }

  add(block: number): void {
    this.#all.push(block);
  }

  firstSeenAfter(time: number): number {
    const { first, root } = this.#blocks;
    if (this.#firstSeen === null) {
      let least = NONE;
      this.#firstSeen = this.#all
        .toReversed()
        .map((block) => (least = least === NONE || first[block]! < first[least]! ? block : least))
        .toReversed();
    }
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#columns.call[root[this.#all[middle]!]!]! > time) high = middle;
      else low = middle + 1;
    }
    return this.#firstSeen[low] ?? NONE;
  }
}

function blocksByNode(columns: Columns, blocks: Blocks): ReadonlyMap<string, Written> {
  const written = new Map<string, Written>();
  for (let block = 0; block < blocks.size; block++) {
    const row = blocks.root[block]!;
    if (row === columns.size) continue;
    const node = nodeOf(columns, row);
    let ofNode = written.get(node);
    if (ofNode === undefined) written.set(node, (ofNode = new Written(columns, blocks)));
    ofNode.add(block);
  }
  return written;
}

const nodeOf = ({ ops, at }: Columns, row: number): string => ops[at[row]!]!.node;

/** The reads about two appends that each came directly after the same state. */
export interface ForkSights {
  /** Some read shows both. */
  readonly bothShown: boolean;
  /** Reads by the nodes that took the appends, each without the other's, though that one was there: both went on. */
  readonly apart: readonly [number, number] | null;
}

export function sightsOfFork(
  columns: Columns,
  { values }: States,
  [a, b]: readonly [number, number],
): ForkSights {
  const { kind, from, call, ret, size } = columns;
  const ofA: number[] = [];
  const ofB: number[] = [];
  let looks = MOST_READS;
  for (let row = Math.min(a, b) + 1; row < size && looks > 0; row++) {
    if (kind[row] !== KIND.read) continue;
    looks--;
    const traced = values.trace(from[row]!);
    if (traced.type !== 'origin') continue;
    const [hasA, hasB] = [a, b].map((append) => traced.origin.appends.includes(append));
    if (hasA && hasB) return { bothShown: true, apart: null };
    if (hasA) ofA.push(row);
    if (hasB) ofB.push(row);
  }
  const without = (
    own: number,
    reads: readonly number[],
    other: number,
    others: readonly number[],
  ): number => {
    const there = others.reduce((end, read) => Math.min(end, ret[read]!), ret[other]!);
    const node = nodeOf(columns, own);
    return reads.find((read) => call[read]! > there && nodeOf(columns, read) === node) ?? NONE;
  };
  const apart = [without(a, ofA, b, ofB), without(b, ofB, a, ofA)] as const;
  const areTwo = nodeOf(columns, a) !== nodeOf(columns, b) && !apart.includes(NONE);
  return { bothShown: false, apart: areTwo ? apart : null };
}
