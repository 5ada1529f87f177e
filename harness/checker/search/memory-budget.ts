const BYTES_A_WORD = 4;

/**
 * Counts the memory of a search before it is allocated, so that the search stays within a limit even while an array
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

  /** An array of zeros, or null if it is not within the limit. */
  words(length: number): Int32Array<ArrayBuffer> | null {
    return this.take(length * BYTES_A_WORD) ? new Int32Array(length) : null;
  }

  /**
   * Frees the memory of the array at once instead of at the next garbage collection. The array cannot be used any more.
   */
  release(array: Int32Array<ArrayBuffer>): void {
    this.#used -= array.length * BYTES_A_WORD;
    array.buffer.transfer(0);
  }

  /** A longer array with the same content. Null if it is not within the limit; the old one is then kept. */
  grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> | null {
    const larger = this.words(length);
    if (larger === null) return null;
    larger.set(array);
    this.release(array);
    return larger;
  }

  /** Counts memory that is not an array. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) {
      this.isSpent = true;
      return false;
    }
    this.#used += bytes;
    return true;
  }
}

/** Minimum memory for searches in bytes, even if the rest of the process leaves less. */
const MIN_SEARCH_BYTES = 16 * 1_048_576;
const BYTES_A_MIB = 1_048_576;

/** Memory for searches, so that the process stays within this limit. */
export const searchBytes = (memoryMb: number): number =>
  Math.max(MIN_SEARCH_BYTES, memoryMb * BYTES_A_MIB - process.memoryUsage.rss());
