import { NATURE } from './machine.ts';
import type { Problem } from './problem.ts';

/**
 * The steps of a problem with an unknown outcome that could change the state, by class. A pool is used in order of
 * call, so that the number of used steps says which ones.
 */
export class UnknownPools {
  /** By pool its steps, by time of call. */
  readonly steps: readonly (readonly number[])[];
  /** By pool its class. */
  readonly equivalenceClass: readonly number[];
  /** By pool: number of its steps that were taken. */
  readonly used: Int32Array;
  /** `used`, packed: a field of bits a pool, just wide enough. */
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

  /** The step that the pool would give next, or undefined. */
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
