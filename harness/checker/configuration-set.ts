/**
 * Words of an arena record before its bitset: hash, state, first word of the window, length of the window.
 */
const HEADER = 4;
const FULL_WORD = 0xffff_ffff;

/**
 * The configurations that the search has been in: a state and the set of steps taken, compared exactly (the
 * hash only finds the bucket). Of the known steps' bits only the window between the full words and the empty
 * words is kept, so that a long history costs a few words a configuration instead of n/32.
 */
export class ConfigurationSet {
  readonly #certainWords: number;
  readonly #memoryBytes: number;
  /** Offsets into the arena plus one; 0 is free. Its length is a power of two. */
  #table = new Int32Array(1 << 10);
  #arena = new Int32Array(1 << 14);
  #used = 0;
  #count = 0;
  /** Growing on would pass the memory limit. */
  full = false;

  constructor(options: { certainWords: number; memoryBytes: number }) {
    this.#certainWords = options.certainWords;
    this.#memoryBytes = options.memoryBytes;
  }

  /**
   * False when this configuration was there before. `taken`: the known steps' words, then the unknown ones'.
   */
  add(state: number, taken: Uint32Array): boolean {
    let first = 0;
    while (first < this.#certainWords && taken[first] === FULL_WORD) first++;
    let end = this.#certainWords;
    while (end > first && taken[end - 1] === 0) end--;
    const windowWords = end - first;
    const unknownWords = taken.length - this.#certainWords;
    const size = HEADER + windowWords + unknownWords;
    if (!this.#reserve(size)) return true;

    const at = this.#used;
    const arena = this.#arena;
    arena[at + 1] = state;
    arena[at + 2] = first;
    arena[at + 3] = windowWords;
    for (let i = 0; i < windowWords; i++) arena[at + HEADER + i] = taken[first + i]!;
    for (let i = 0; i < unknownWords; i++)
      arena[at + HEADER + windowWords + i] = taken[this.#certainWords + i]!;
    let hash = 0x811c_9dc5 | 0;
    for (let i = 1; i < size; i++) hash = mix(hash, arena[at + i]!);
    arena[at] = hash;

    const mask = this.#table.length - 1;
    let slot = hash & mask;
    for (; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#same(this.#table[slot]! - 1, at, size)) return false;
    }
    this.#table[slot] = at + 1;
    this.#used += size;
    this.#count++;
    return true;
  }

  /**
   * Equal up to `size` means equal: the window's length stands within, and the unknown words are of one
   * length in a search.
   */
  #same(a: number, b: number, size: number): boolean {
    const arena = this.#arena;
    for (let i = 0; i < size; i++) if (arena[a + i] !== arena[b + i]) return false;
    return true;
  }

  #reserve(size: number): boolean {
    if (this.#used + size > this.#arena.length) {
      if ((2 * this.#arena.length + this.#table.length) * 4 > this.#memoryBytes) {
        this.full = true;
        return false;
      }
      const grown = new Int32Array(2 * this.#arena.length);
      grown.set(this.#arena);
      this.#arena = grown;
    }
    if (2 * this.#count >= this.#table.length) this.#rehash();
    return true;
  }

  #rehash(): void {
    const grown = new Int32Array(2 * this.#table.length);
    const mask = grown.length - 1;
    for (const entry of this.#table) {
      if (entry === 0) continue;
      let slot = this.#arena[entry - 1]! & mask;
      while (grown[slot] !== 0) slot = (slot + 1) & mask;
      grown[slot] = entry;
    }
    this.#table = grown;
  }
}

/** A round of MurmurHash3. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e_2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b87_3593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe654_6b64) | 0;
}
