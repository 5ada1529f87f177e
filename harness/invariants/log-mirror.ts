/**
 * Number of entries that are kept (up to twice as many between two cleanups). This is enough for minutes at thousands
 * of entries per second, and takes 16 MB. Older entries cannot be compared any more.
 */
const KEPT_ENTRIES = 1 << 20;
const FIRST_ROOM = 1 << 10;

/** Terms and digests by log index, over one range without gaps, [first, last]. */
export class LogMirror {
  #first: number;
  #length = 0;
  #terms = new Uint32Array(FIRST_ROOM);
  #digests = new Uint32Array(FIRST_ROOM);

  /** `first` is the index that the next entry will have. */
  constructor(first = 1) {
    this.#first = first;
  }

  get first(): number {
    return this.#first;
  }

  /** Last index of the range; first − 1 if it is empty. */
  get last(): number {
    return this.#first + this.#length - 1;
  }

  has(index: number): boolean {
    return index >= this.#first && index <= this.last;
  }

  /** Term at an index of the range; `digestAt` gives the digest. */
  termAt(index: number): number {
    return this.#terms[index - this.#first]!;
  }

  digestAt(index: number): number {
    return this.#digests[index - this.#first]!;
  }

  /**
   * Puts an entry at `index`: it replaces the entry there, or follows the last one. If there is a gap, all earlier
   * entries are removed.
   */
  put(index: number, term: number, digest: number): void {
    if (index < this.#first) return;
    if (index > this.last + 1) {
      this.#first = index;
      this.#length = 0;
    }
    const at = index - this.#first;
    if (at === this.#terms.length) this.#makeRoom();
    const slot = index - this.#first;
    this.#terms[slot] = term;
    this.#digests[slot] = digest;
    this.#length = Math.max(this.#length, slot + 1);
  }

  /** Removes the entries from `index` on. */
  truncateFrom(index: number): void {
    this.#length = Math.max(0, Math.min(this.#length, index - this.#first));
  }

  #makeRoom(): void {
    if (this.#length >= 2 * KEPT_ENTRIES) {
      const gone = this.#length - KEPT_ENTRIES;
      this.#terms.copyWithin(0, gone);
      this.#digests.copyWithin(0, gone);
      this.#first += gone;
      this.#length -= gone;
      return;
    }
    const grow = (old: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(2 * old.length);
      grown.set(old);
      return grown;
    };
    this.#terms = grow(this.#terms);
    this.#digests = grow(this.#digests);
  }
}
