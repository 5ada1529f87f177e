import { mix } from './configuration-set.ts';
import type { MemoryBudget } from './memory-budget.ts';

const FIRST_ROWS = 16;
const FIRST_TABLE = 64;
/** Number of rows between two pauses. */
const ROWS_PER_PAUSE = 1_024;

/**
 * A list of configurations of equal length, in words, without duplicates: the last word (the way to the configuration)
 * does not count in the comparison. The list is emptied and filled many times.
 */
export class Configurations {
  readonly #budget: MemoryBudget;
  readonly #stride: number;
  #data: Int32Array<ArrayBuffer>;
  /** Rows plus one; 0 is free. Its length is a power of two. */
  #table: Int32Array<ArrayBuffer>;
  #count = 0;

  constructor(budget: MemoryBudget, stride: number) {
    this.#budget = budget;
    this.#stride = stride;
    this.#data = budget.words(FIRST_ROWS * stride) ?? new Int32Array(FIRST_ROWS * stride);
    this.#table = budget.words(FIRST_TABLE) ?? new Int32Array(FIRST_TABLE);
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#table.fill(0);
  }

  read(row: number, into: Int32Array): void {
    const at = row * this.#stride;
    for (let i = 0; i < this.#stride; i++) into[i] = this.#data[at + i]!;
  }

  /** Adds a configuration. Returns false if it was already in the list, or if the budget is spent. */
  add(configuration: Int32Array): boolean {
    if (2 * this.#count >= this.#table.length && !this.#rehash()) return false;
    const slot = this.#slotOf(configuration, 0);
    if (this.#table[slot] !== 0) return false;
    if ((this.#count + 1) * this.#stride > this.#data.length) {
      const grown = this.#budget.grown(this.#data, 2 * this.#data.length);
      if (grown === null) return false;
      this.#data = grown;
    }
    this.#data.set(configuration, this.#count * this.#stride);
    this.#table[slot] = ++this.#count;
    return true;
  }

  /** All rows, one after another. */
  get words(): Int32Array {
    return this.#data;
  }

  /** The last words of the rows. */
  *lastWords(): Generator<number> {
    for (let row = 1; row <= this.#count; row++) yield this.#data[row * this.#stride - 1]!;
  }

  /** Changes all rows, with pauses. After that, nothing may be added until `clear`. */
  *change(change: (row: Int32Array) => void): Generator<void, void> {
    for (let number = 0; number < this.#count; number++) {
      if (number % ROWS_PER_PAUSE === ROWS_PER_PAUSE - 1) yield;
      change(this.#data.subarray(number * this.#stride, (number + 1) * this.#stride));
    }
  }

  /** Its slot in the table, or the free slot for it. */
  #slotOf(words: Int32Array, at: number): number {
    const length = this.#stride - 1;
    const mask = this.#table.length - 1;
    let hash = 0;
    for (let i = 0; i < length; i++) hash = mix(hash, words[at + i]!);
    let slot = hash & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const other = (this.#table[slot]! - 1) * this.#stride;
      let i = 0;
      while (i < length && this.#data[other + i] === words[at + i]) i++;
      if (i === length) break;
    }
    return slot;
  }

  #rehash(): boolean {
    const grown = this.#budget.words(2 * this.#table.length);
    if (grown === null) return false;
    this.#budget.release(this.#table);
    this.#table = grown;
    for (let row = 0; row < this.#count; row++)
      this.#table[this.#slotOf(this.#data, row * this.#stride)] = row + 1;
    return true;
  }
}
