import type { Allotments } from './allotments.ts';
import { mix } from './configuration-set.ts';
import type { Configurations } from './configurations.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { has, type OpenSteps, put } from './open-steps.ts';

/** Maximum number of other configurations that one is compared with. */
const MAX_COMPARED = 64;
/** Number of rows between two pauses. */
const ROWS_PER_PAUSE = 32;

/** Places of a configuration's parts (`FrontierSearch`). */
export interface Layout {
  readonly state: number;
  readonly allotment: number;
  readonly taken: number;
  readonly hidden: number;
  readonly length: number;
}

/**
 * Drops configurations that another one covers. A covers B if everything that can follow B can also follow A. This is
 * the case if they have the same state and
 * - A has not used more steps of any pool of unknown steps than B, because unused steps may be left out;
 * - every read that is taken in B is also taken in A: a taken step needs no other place, and a read has no other
 *   effect;
 * - every blind write is hidden in A, so that it may still take effect but need not; or its status (taken, hidden or
 *   neither) is the same in both; or no step can see its value (`idle`) and A has taken it;
 * - every other open step is taken in both or in neither.
 */
export class Dominance {
  readonly #layout: Layout;
  readonly #open: OpenSteps;
  readonly #allotments: Allotments;
  readonly #budget: MemoryBudget;
  /** The slots of blind writes whose values cannot be read any more. */
  readonly idle: Int32Array;

  constructor(layout: Layout, open: OpenSteps, allotments: Allotments, budget: MemoryBudget) {
    this.#layout = layout;
    this.#open = open;
    this.#allotments = allotments;
    this.#budget = budget;
    this.idle = new Int32Array(open.words);
  }

  /**
   * Adds the configurations of `all` that are not known to be covered by another one to `kept`, which must be empty.
   * Pauses from time to time. If the memory is not sufficient, `kept` must not be used.
   */
  *prune(all: Configurations, kept: Configurations): Generator<void, void> {
    const { count, words } = all;
    const { length } = this.#layout;
    const heads = this.#budget.words(2 ** Math.ceil(Math.log2(count + 1)));
    /** By row: the row before it in its bucket, plus one; 0 if there is none. */
    const before = this.#budget.words(count);
    const dropped = this.#budget.words((count + 31) >> 5);
    for (let number = 0; number < count && !this.#budget.isSpent; number++) {
      if (number % ROWS_PER_PAUSE === ROWS_PER_PAUSE - 1) yield;
      const bucket = this.#hash(words, number * length) & (heads!.length - 1);
      let compared = 0;
      for (let next = heads![bucket]!; next !== 0 && compared < MAX_COMPARED; next = before![next - 1]!) {
        compared++;
        const other = next - 1;
        if (has(dropped!, 0, other)) continue;
        if (this.#standsFor(words, other * length, number * length)) {
          put(dropped!, 0, number);
          break;
        }
        if (this.#standsFor(words, number * length, other * length)) put(dropped!, 0, other);
      }
      if (has(dropped!, 0, number)) continue;
      before![number] = heads![bucket]!;
      heads![bucket] = number + 1;
    }
    const row = new Int32Array(length);
    for (let number = 0; number < count && !this.#budget.isSpent; number++) {
      if (number % ROWS_PER_PAUSE === ROWS_PER_PAUSE - 1) yield;
      if (has(dropped!, 0, number)) continue;
      all.read(number, row);
      kept.add(row);
    }
    for (const array of [heads, before, dropped]) if (array !== null) this.#budget.release(array);
  }

  /** Hash of the parts that must be equal in both. */
  #hash(words: Int32Array, at: number): number {
    const { state, taken } = this.#layout;
    let hash = mix(0, words[at + state]!);
    for (let i = 0; i < this.#open.words; i++)
      hash = mix(hash, words[at + taken + i]! & ~this.#open.reads[i]! & ~this.#open.overwrites[i]!);
    return hash;
  }

  /** True if row `a` covers row `b`; both are given by their first word. */
  #standsFor(words: Int32Array, a: number, b: number): boolean {
    const { state, allotment, taken, hidden } = this.#layout;
    if (words[a + state] !== words[b + state]) return false;
    for (let i = 0; i < this.#open.words; i++) {
      const reads = this.#open.reads[i]!;
      const writes = this.#open.overwrites[i]!;
      const takenA = words[a + taken + i]!;
      const takenB = words[b + taken + i]!;
      const differ = takenA ^ takenB;
      // For a write whose value cannot be read any more, taken and hidden mean the same.
      const behindA = words[a + hidden + i]! | (takenA & this.idle[i]!);
      const behindB = words[b + hidden + i]! | (takenB & this.idle[i]!);
      const wrongReads = takenB & ~takenA & reads;
      const wrongWrites = writes & ~behindA & (behindB | differ);
      if ((wrongReads | wrongWrites | (differ & ~reads & ~writes)) !== 0) return false;
    }
    return this.#allotments.isWithin(words[a + allotment]!, words[b + allotment]!);
  }
}
