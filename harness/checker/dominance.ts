import type { Allotments } from './allotments.ts';
import { mix } from './configuration-set.ts';
import type { Configurations } from './configurations.ts';
import type { OpenSteps } from './open-steps.ts';

/** A configuration is compared with at most so many others that it could be dominated by. */
const MAX_COMPARED = 64;

/** Where a configuration's parts stand (`FrontierSearch`). */
export interface Layout {
  readonly state: number;
  readonly allotment: number;
  readonly taken: number;
  readonly hidden: number;
  readonly length: number;
}

/**
 * Of configurations drops those that another one stands for. A stands for B if all that can follow B can follow A,
 * which is so if they have the same state and
 * - A has used of no pool of unknown steps more: what is unused may be left out;
 * - of every read taken in B: it is taken in A. What is taken needs no place any more, and a read does nothing else;
 * - of every blind write, A may count it as hidden by now: then it may still take effect, and need not; or it is the
 *   same in both; or nobody can see its value (`idle`), and then to have it behind one is all that counts;
 * - every other open step is taken in both or in neither.
 */
export class Dominance {
  readonly #layout: Layout;
  readonly #open: OpenSteps;
  readonly #allotments: Allotments;
  /** Slots of blind writes that nobody can see. */
  readonly idle: Int32Array;

  constructor(layout: Layout, open: OpenSteps, allotments: Allotments) {
    this.#layout = layout;
    this.#open = open;
    this.#allotments = allotments;
    this.idle = new Int32Array(open.words);
  }

  /** Adds those of `all` to `kept`, which is empty, that none of the others is known to stand for. */
  prune(all: Configurations, kept: Configurations): void {
    const rows: Int32Array[] = [];
    const dropped = new Uint8Array(all.count);
    const buckets = new Map<number, number[]>();
    for (let number = 0; number < all.count; number++) {
      const row = new Int32Array(this.#layout.length);
      all.read(number, row);
      rows.push(row);
      const hash = this.#hash(row);
      const bucket = buckets.get(hash);
      if (bucket === undefined) {
        buckets.set(hash, [number]);
        continue;
      }
      for (let i = Math.max(0, bucket.length - MAX_COMPARED); i < bucket.length; i++) {
        const other = bucket[i]!;
        if (dropped[other] === 1) continue;
        if (this.#standsFor(rows[other]!, row)) {
          dropped[number] = 1;
          break;
        }
        if (this.#standsFor(row, rows[other]!)) dropped[other] = 1;
      }
      if (dropped[number] === 0) bucket.push(number);
    }
    for (const [number, row] of rows.entries()) if (dropped[number] === 0) kept.add(row);
  }

  /** Of what must be the same in both. */
  #hash(row: Int32Array): number {
    const { state, taken } = this.#layout;
    let hash = mix(0, row[state]!);
    for (let i = 0; i < this.#open.words; i++)
      hash = mix(hash, row[taken + i]! & ~this.#open.reads[i]! & ~this.#open.overwrites[i]!);
    return hash;
  }

  #standsFor(a: Int32Array, b: Int32Array): boolean {
    const { state, allotment, taken, hidden } = this.#layout;
    if (a[state] !== b[state]) return false;
    for (let i = 0; i < this.#open.words; i++) {
      const reads = this.#open.reads[i]!;
      const writes = this.#open.overwrites[i]!;
      const takenA = a[taken + i]!;
      const takenB = b[taken + i]!;
      const differ = takenA ^ takenB;
      // Taken or hidden is all one for a write that nobody can see.
      const behindA = a[hidden + i]! | (takenA & this.idle[i]!);
      const behindB = b[hidden + i]! | (takenB & this.idle[i]!);
      const wrongReads = takenB & ~takenA & reads;
      const wrongWrites = writes & ~behindA & (behindB | differ);
      if ((wrongReads | wrongWrites | (differ & ~reads & ~writes)) !== 0) return false;
    }
    return this.#allotments.isWithin(a[allotment]!, b[allotment]!);
  }
}
