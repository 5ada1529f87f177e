const BYTES_A_WORD = 4;

/**
 * Counts the memory of a search before it is allocated, so that the search stays within a limit, also while an array
 * grows.
 */
export class MemoryBudget {
  readonly #limit: number;
  #used = 0;
  /** True if memory was refused. From then on the search is incomplete. */
  isSpent = false;

  constructor(bytes: number) {
    this.#limit = bytes;
  }

  /** An array of zeros, or null. */
  words(length: number): Int32Array<ArrayBuffer> | null {
    return this.take(length * BYTES_A_WORD) ? new Int32Array(length) : null;
  }

  /** The array is of no use then: its memory is given back at once, not when garbage is collected. */
  release(array: Int32Array<ArrayBuffer>): void {
    this.#used -= array.length * BYTES_A_WORD;
    array.buffer.transfer(0);
  }

  /** The array with more room, its content kept; null: not within the limit, and the old one is still held. */
  grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> | null {
    const larger = this.words(length);
    if (larger === null) return null;
    larger.set(array);
    this.release(array);
    return larger;
  }

  /** For memory that is not an array. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) {
      this.isSpent = true;
      return false;
    }
    this.#used += bytes;
    return true;
  }
}

/** Minimum memory for searches in bytes; else they get the part that the rest of the process leaves. */
const MIN_SEARCH_BYTES = 16 * 1_048_576;
const BYTES_A_MIB = 1_048_576;

/** Memory for searches, so that the process stays within this limit. */
export const searchBytes = (memoryMb: number): number =>
  Math.max(MIN_SEARCH_BYTES, memoryMb * BYTES_A_MIB - process.memoryUsage.rss());
