import type { Blocks } from './blocks.ts';
import { type Columns, KIND, NONE } from '../columns.ts';
import type { States } from './states.ts';

/**
 * Numbers of two blocks. A node wrote `older` and showed it again, although a block `newer` of another node had
 * replaced it: `older` had been seen (or made) before the write of `newer` began, and `newer` had been seen (or made)
 * before the node showed `older` again. Each of the two blocks must precede the other, so no order exists.
 */
export interface Ignored {
  readonly older: number;
  readonly newer: number;
}

/** Maximum number of nodes that are examined for a split brain, because each node costs time. */
const MOST_NODES = 16;
/** Number of reads after a fork that are examined. */
const MOST_READS = 1_000;
/**
 * Maximum time between two stale reads that count as one event, in ms. Two nodes that led at different times may each
 * have one.
 */
const MOST_APART_MS = 1_000;

/**
 * Finds two nodes that each ignored a write of the other at about the same time, so both acted as leader. If only one
 * did, it is a stale read.
 */
export function splitBrain(columns: Columns, blocks: Blocks): readonly [Ignored, Ignored] | null {
  const { first, last } = blocks;
  const shown = shownAgain(columns, blocks);
  // Two leaders are two nodes. With one node there can only be a stale read, for which the writers of the blocks do not
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

/** Blocks that their own writer showed last, after a block with a later write had been seen. */
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

/** Time between two blocks, in ms; 0 or negative if they overlap. */
const apartMs = ({ first, last }: Blocks, a: number, b: number): number =>
  Math.max(first[a]! - last[b]!, first[b]! - last[a]!);

/** The blocks that a node wrote. Finds the block that was seen first of those whose write began after a given time. */
class Written {
  readonly #columns: Columns;
  readonly #blocks: Blocks;
  /** All blocks, in order of the beginnings of their writes. */
  readonly #all: number[] = [];
  /** By block: the block that is seen first of this one and all later ones. */
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

/** Reads that show two appends which each came directly after the same state. */
export interface ForkSights {
  /** True if some read shows both. */
  readonly bothShown: boolean;
  /**
   * Two reads by the nodes of the two appends. Each shows the append of its own node without the other one, which had
   * already taken effect: both nodes continued alone.
   */
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
