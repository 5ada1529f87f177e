import { NATURE } from './machine.ts';
import type { Problem } from './problem.ts';

/**
 * The steps with an unknown outcome that can change the state, in one pool per class. The steps of a pool are used in
 * order of call, so that their number says which ones were used.
 */
export class UnknownPools {
  /** By pool: its steps, in order of call. */
  readonly steps: readonly (readonly number[])[];
  /** By pool: its class. */
  readonly equivalenceClass: readonly number[];
  /** By pool: number of its steps that have been used. */
  readonly used: Int32Array;
  /** `used` in packed form: each pool has a bit field that is just wide enough. */
  readonly packed: Int32Array;
  readonly #word: Int32Array;
  readonly #unit: Int32Array;

  constructor({ machine, steps, certain }: Problem) {
    const pools = new Map<number, number[]>();
    for (const step of steps) {
      if (certain[step] === 1 || machine.nature[step] === NATURE.reads) continue;
      const pool = pools.get(machine.equivalenceClass[step]!);
      if (pool === undefined) pools.set(machine.equivalenceClass[step]!, [step]);
      else pool.push(step);
    }
    this.equivalenceClass = [...pools.keys()];
    this.steps = [...pools.values()];
    this.used = new Int32Array(this.steps.length);
    this.#word = new Int32Array(this.steps.length);
    this.#unit = new Int32Array(this.steps.length);
    let word = 0;
    let bit = 0;
    for (const [pool, { length }] of this.steps.entries()) {
      const width = 32 - Math.clz32(length);
      if (bit + width > 32) [word, bit] = [word + 1, 0];
      this.#word[pool] = word;
      this.#unit[pool] = 1 << bit;
      bit += width;
    }
    this.packed = new Int32Array(this.steps.length === 0 ? 0 : word + 1);
  }

  /** The next step of the pool, or undefined. */
  next(pool: number): number | undefined {
    return this.steps[pool]![this.used[pool]!];
  }

  take(pool: number): number {
    this.packed[this.#word[pool]!]! += this.#unit[pool]!;
    return this.steps[pool]![this.used[pool]!++]!;
  }

  giveBack(pool: number): void {
    this.packed[this.#word[pool]!]! -= this.#unit[pool]!;
    this.used[pool]!--;
  }
}
