import type { MemoryBudget } from './memory-budget.ts';

/** Number of words of a record before its content: hash, length. */
const HEADER = 2;
/**
 * Number of words of the first chunk. Each further chunk has twice as many, up to a limit, but at least the length of
 * one record.
 */
const FIRST_CHUNK_WORDS = 1 << 9;
const CHUNK_BITS = 14;
const CHUNK_WORDS = 1 << CHUNK_BITS;
const FIRST_TABLE = 1 << 8;

/** A set of short lists of 32-bit words. They are compared exactly; the hash only finds the bucket. */
export class ConfigurationSet {
  readonly #budget: MemoryBudget;
  /** Addresses of records plus one; 0 is free. Its length is a power of two. */
  #table: Int32Array<ArrayBuffer>;
  readonly #chunks: Int32Array[] = [];
  /** Number of used words of the last chunk. */
  #used = 0;
  #count = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
    this.#table = budget.words(FIRST_TABLE) ?? new Int32Array(FIRST_TABLE);
  }

  get size(): number {
    return this.#count;
  }

  /**
   * Adds the first `length` words of `words`. Returns false if they were already in the set, or if the budget is spent.
   */
  add(words: Int32Array, length: number): boolean {
    if (2 * this.#count >= this.#table.length && !this.#rehash()) return false;
    let hash = length | 0;
    for (let i = 0; i < length; i++) hash = mix(hash, words[i]!);
    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask)
      if (this.#holds(this.#table[slot]! - 1, hash, words, length)) return false;
    const address = this.#reserve(HEADER + length);
    if (address < 0) return false;
    const chunk = this.#chunks[address >> CHUNK_BITS]!;
    const at = address & (CHUNK_WORDS - 1);
    chunk[at] = hash;
    chunk[at + 1] = length;
    for (let i = 0; i < length; i++) chunk[at + HEADER + i] = words[i]!;
    this.#table[slot] = address + 1;
    this.#count++;
    return true;
  }

  #holds(address: number, hash: number, words: Int32Array, length: number): boolean {
    const chunk = this.#chunks[address >> CHUNK_BITS]!;
    const at = address & (CHUNK_WORDS - 1);
    if (chunk[at] !== hash || chunk[at + 1] !== length) return false;
    for (let i = 0; i < length; i++) if (chunk[at + HEADER + i] !== words[i]) return false;
    return true;
  }

  /** Reserves this number of words and returns their address, or −1 if the budget is spent. */
  #reserve(size: number): number {
    const last = this.#chunks.at(-1);
    if (last === undefined || this.#used + size > last.length) {
      const words = Math.min(CHUNK_WORDS, FIRST_CHUNK_WORDS << Math.min(this.#chunks.length, CHUNK_BITS));
      const chunk = this.#budget.words(Math.max(words, size));
      if (chunk === null) return -1;
      this.#chunks.push(chunk);
      this.#used = 0;
    }
    const address = ((this.#chunks.length - 1) << CHUNK_BITS) | this.#used;
    this.#used += size;
    return address;
  }

  #rehash(): boolean {
    const grown = this.#budget.words(2 * this.#table.length);
    if (grown === null) return false;
    const mask = grown.length - 1;
    for (const entry of this.#table) {
      if (entry === 0) continue;
      const address = entry - 1;
      let slot = this.#chunks[address >> CHUNK_BITS]![address & (CHUNK_WORDS - 1)]! & mask;
      while (grown[slot] !== 0) slot = (slot + 1) & mask;
      grown[slot] = entry;
    }
    this.#budget.release(this.#table);
    this.#table = grown;
    return true;
  }
}

/** A round of MurmurHash3. */
export function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e_2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b87_3593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe654_6b64) | 0;
}
