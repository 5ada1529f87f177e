import type { RegisterValue } from '../history/op.ts';
import type { Step } from './steps.ts';

/**
 * A state that the register must have held: what made it, the state that this was made from (null: any, it
 * was a blind write), who saw it, and what turned it into the next one where that depended on it.
 */
export interface StateNode {
  /** null: the initial state, never written. */
  readonly producer: Step | null;
  readonly value: RegisterValue;
  parent: StateNode | null;
  readonly readers: Step[];
  next: StateNode | null;
}

/**
 * A blind write (or the initial state) with everything that follows it by force, in the only order it can
 * have.
 */
export interface Block {
  readonly nodes: readonly StateNode[];
  /**
   * The step that ends first, and the one that begins last; null: the initial state, which is before all
   * times.
   */
  readonly firstEnd: Step | null;
  readonly lastBegin: Step | null;
  /** firstEnd's end and lastBegin's beginning. A must come before B iff A.f < B.s. */
  readonly f: number;
  readonly s: number;
}

/**
 * Two steps whose places are forced, though `late`, whose place is behind, had ended before `early` began.
 */
export interface Inversion {
  readonly early: { readonly step: Step; readonly node: StateNode };
  readonly late: { readonly step: Step; readonly node: StateNode };
}

/** Goes along a root's chain: the block, or two of its steps that real time forbids to stand as they must. */
export function buildBlock(root: StateNode): Block | Inversion {
  const nodes: StateNode[] = [];
  let firstEnd: Step | null = null;
  let lastBegin: Step | null = null;
  let lastBeginNode = root;
  let f = Infinity;
  let s = -Infinity;
  for (let node: StateNode | null = root; node !== null; node = node.next) {
    nodes.push(node);
    // Two groups whose order is forced (a state is made, then seen); within a group nothing is.
    for (const group of [node.producer === null ? [] : [node.producer], node.readers]) {
      const behind = s;
      const from = lastBegin;
      const fromNode = lastBeginNode;
      for (const step of group) {
        if (step.ret < behind) return { early: { step: from!, node: fromNode }, late: { step, node } };
        if (step.ret < f) [f, firstEnd] = [step.ret, step];
        if (step.call > s) [s, lastBegin, lastBeginNode] = [step.call, step, node];
      }
    }
  }
  if (root.producer === null) [f, firstEnd] = [-Infinity, null];
  return { nodes, firstEnd, lastBegin, f, s };
}

/**
 * Two blocks that must each precede the other, or null if there are none; then the blocks can be ordered.
 *
 * Why pairs are enough. Let A be the block with the least f on a shortest cycle of "must precede", and P the
 * one before A on it. Every block Y of the cycle is preceded by some X of it: f(X) < s(Y), and f(A) ≤ f(X),
 * so A must precede Y; so A must precede P, and P precedes A: a pair.
 *
 * Why this finds one in O(n log n). Call a block forward if f < s. A pair needs f(A) < s(B) and f(B) < s(A).
 * Were both blocks not forward, s(B) ≤ f(B) < s(A) ≤ f(A) < s(B). Both forward: the open intervals (f, s)
 * overlap, so in order of f two neighbours do. One forward: s(B) ≤ f(B), so both lie within (f(A), s(A)); the
 * forward intervals being disjoint by now, only the last one that begins before s(B) can hold them.
 */
export function conflictingPair(blocks: readonly Block[]): readonly [Block, Block] | null {
  const forward = blocks.filter((block) => block.f < block.s).sort((a, b) => a.f - b.f);
  for (let i = 1; i < forward.length; i++) {
    if (forward[i]!.f < forward[i - 1]!.s) return [forward[i - 1]!, forward[i]!];
  }
  for (const block of blocks) {
    if (block.f < block.s) continue;
    let low = 0;
    let high = forward.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (forward[middle]!.f < block.s) low = middle + 1;
      else high = middle;
    }
    const around = forward[low - 1];
    if (around !== undefined && block.f < around.s) return [around, block];
  }
  return null;
}

/**
 * An order of all steps, given that no two blocks conflict: by min(f, s). Let A have to precede B: f(A) <
 * s(B), and not f(B) < s(A). Then min(B) ≥ min(A), since f(B) ≥ s(A) and s(B) > f(A). If they are equal, s(B)
 * > min(A) leaves f(B) = min(A), so B is forward, and min(A) = f(B) ≥ s(A) makes A not forward: at a tie
 * those that are not forward go first.
 */
export function orderBlocks(blocks: readonly Block[]): Step[] {
  const least = (block: Block): number => Math.min(block.f, block.s);
  const sorted = [...blocks].sort(
    (a, b) => compare(least(a), least(b)) || Number(a.f < a.s) - Number(b.f < b.s),
  );
  const order: Step[] = [];
  for (const block of sorted) {
    for (const node of block.nodes) {
      if (node.producer !== null) order.push(node.producer);
      order.push(...node.readers.sort((a, b) => a.call - b.call));
    }
  }
  return order;
}

/** Not by difference: two infinite times would make it NaN. */
const compare = (a: number, b: number): number => Number(a > b) - Number(a < b);
