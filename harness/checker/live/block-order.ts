import { type Block, firstAtLeast } from './block.ts';

/**
 * The blocks of a key in order of f. It detects two blocks that must each precede the other; A must precede B iff A.f <
 * B.s (`blocks.ts`). Times increase, so a block is added at the end, its f is final (except for `merge`), and only a
 * block whose s has increased can be in a new conflict.
 *
 * If the s of A has just increased, its rivals are the blocks B with B.f < A.s and B.s > A.f. For the blocks before A
 * the greatest s is stored (`#most`). The blocks after A up to A.s are examined one by one. If there is no conflict,
 * each of them began before A.f and ended after it, so there are at most as many as there were open operations at A.f.
 * So it takes O(log n + open operations).
 */
export class BlockOrder {
  /** The blocks by place; null if the block was merged into another one. */
  readonly #blocks: (Block | null)[] = [];
  /** By place: f of the block, in increasing order. */
  readonly #firsts: number[] = [];
  /** By place: the greatest s of the blocks up to it, in increasing order. */
  readonly #most: number[] = [];

  get size(): number {
    return this.#blocks.length;
  }

  /** The remembered blocks, in order of f. */
  *[Symbol.iterator](): Generator<Block> {
    for (const block of this.#blocks) if (block !== null) yield block;
  }

  /**
   * Adds a new block, none of whose operations has ended before now. It is in no conflict, because no operation began
   * after now.
   */
  open(block: Block): void {
    block.slot = this.#blocks.length;
    this.#blocks.push(block);
    this.#firsts.push(block.f);
    this.#most.push(Math.max(block.s, this.#most.at(-1) ?? -Infinity));
  }

  /**
   * Merges a loose block into `block`, of which it turned out to be the last state. `block` takes the place of the
   * loose one if that comes first. The known part of the loose block's s stays valid, because the merged block begins
   * no earlier.
   */
  merge(block: Block, loose: Block): void {
    const later = loose.f < block.f ? block : loose;
    this.#blocks[loose.slot] = null;
    if (later === block) {
      this.#blocks[block.slot] = null;
      block.slot = loose.slot;
      block.f = loose.f;
      block.firstEnd = loose.firstEnd;
      this.#blocks[block.slot] = block;
    }
    while (this.#blocks.at(-1) === null) {
      this.#blocks.pop();
      this.#firsts.pop();
      this.#most.pop();
    }
  }

  /** Must be called for a block that has received operations. Returns a block in conflict with it, or null. */
  rival(block: Block): Block | null {
    const known = firstAtLeast(this.#firsts, block.s);
    const before = Math.min(block.slot, known);
    if (before > 0 && this.#most[before - 1]! > block.f) return this.#before(before, block.f);
    for (let i = block.slot + 1; i < known; i++) {
      const other = this.#blocks[i]!;
      if (other !== null && other.s > block.f) return other;
    }
    for (let i = block.slot; i < this.#most.length && this.#most[i]! < block.s; i++) this.#most[i] = block.s;
    return null;
  }

  /**
   * Forgets the blocks that no legal operation can use any more if it is open at `horizon` or begins later: the blocks
   * with f < B.s for a block B that was known by then, because such an operation would bring them into conflict with B.
   * They exclude nothing that B does not exclude: without a conflict, their s is at most B.f, and every block that is
   * kept ended after that. A loose block cannot be such a B, because it may still turn out to belong to the other
   * block, or both may belong to a third one.
   */
  forget(horizon: number): readonly Block[] {
    const settled = firstAtLeast(this.#firsts, horizon);
    let first: Block | null = null;
    let most = -Infinity;
    let second = -Infinity;
    for (let i = 0; i < settled; i++) {
      const block = this.#blocks[i]!;
      if (block === null || block.loose) continue;
      if (block.s > most) [first, most, second] = [block, block.s, most];
      else if (block.s > second) second = block.s;
    }
    const gone: Block[] = [];
    const kept: Block[] = [];
    for (const block of this) (block.f < (block === first ? second : most) ? gone : kept).push(block);
    this.clear();
    for (const block of kept) this.open(block);
    return gone;
  }

  clear(): void {
    this.#blocks.length = 0;
    this.#firsts.length = 0;
    this.#most.length = 0;
  }

  /** The last block of the first `places` ones with s > `time`. */
  #before(places: number, time: number): Block | null {
    for (let i = places - 1; i >= 0; i--) {
      const block = this.#blocks[i]!;
      if (block !== null && block.s > time) return block;
    }
    return null;
  }
}
