import type { MemoryBudget } from './memory-budget.ts';

/** Minimum number of marks for a compaction. */
const FIRST_COMPACTION = 1 << 16;
const NO_MARK = -1;
/** Number of marks between two pauses. */
const MARKS_PER_PAUSE = 1 << 14;
/** New number of a mark that is kept but has no number yet. */
const KEPT = 0;

/**
 * The ways to all configurations of a frontier, as marks that each point to the previous one. Configurations share the
 * beginnings of their ways. Marks that no configuration needs are removed from time to time.
 */
export class Trail {
  readonly #budget: MemoryBudget;
  #before: Int32Array<ArrayBuffer>;
  #entry: Int32Array<ArrayBuffer>;
  #size = 0;
  #compactAt = FIRST_COMPACTION;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
    this.#before = budget.words(64) ?? new Int32Array(64);
    this.#entry = budget.words(64) ?? new Int32Array(64);
  }

  static readonly start = NO_MARK;

  get wantsCompaction(): boolean {
    return this.#size >= this.#compactAt;
  }

  add(before: number, entry: number): number {
    if (this.#size === this.#before.length) {
      const length = 2 * this.#size;
      this.#before = this.#budget.grown(this.#before, length) ?? this.#before;
      this.#entry = this.#budget.grown(this.#entry, length) ?? this.#entry;
      if (this.#budget.isSpent) return before;
    }
    this.#before[this.#size] = before;
    this.#entry[this.#size] = entry;
    return this.#size++;
  }

  /** The entries on the way to a mark, first to last. */
  way(mark: number): number[] {
    const entries: number[] = [];
    for (let at = mark; at !== NO_MARK; at = this.#before[at]!) entries.push(this.#entry[at]!);
    return entries.reverse();
  }

  /**
   * Keeps only the ways to these marks, with pauses. Returns the new marks by the old ones, which the caller must
   * release, or null if the memory is not sufficient.
   */
  *compact(marks: Iterable<number>): Generator<void, Int32Array<ArrayBuffer> | null> {
    const renamed = this.#budget.words(this.#size)?.fill(NO_MARK);
    if (renamed === undefined) return null;
    let gone = 0;
    for (const mark of marks) {
      for (let at = mark; at !== NO_MARK && renamed[at] === NO_MARK; at = this.#before[at]!) {
        renamed[at] = KEPT;
        if (++gone % MARKS_PER_PAUSE === 0) yield;
      }
    }
    // A mark points to a lower one, which already has its new number.
    let size = 0;
    for (let at = 0; at < this.#size; at++) {
      if (at % MARKS_PER_PAUSE === 0) yield;
      if (renamed[at] === NO_MARK) continue;
      const before = this.#before[at]!;
      this.#before[size] = before === NO_MARK ? NO_MARK : renamed[before]!;
      this.#entry[size] = this.#entry[at]!;
      renamed[at] = size++;
    }
    this.#size = size;
    this.#compactAt = Math.max(FIRST_COMPACTION, 2 * size);
    return renamed;
  }
}
