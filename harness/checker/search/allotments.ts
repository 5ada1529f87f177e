import type { MemoryBudget } from './memory-budget.ts';

/** Approximate memory of an allotment in addition to its list, in bytes. */
const ENTRY_BYTES = 200;

/**
 * An allotment is the number of steps that an order has used of each pool of unknown steps. Equal allotments have the
 * same number, so that a configuration needs one word for it. Number 0 is the empty allotment.
 */
export class Allotments {
  readonly #budget: MemoryBudget;
  /** By allotment: its pools in increasing order, each followed by its number of steps: pool, count, pool, count… */
  readonly #lists: Int32Array[] = [new Int32Array(0)];
  readonly #numbers = new Map<string, number>([['', 0]]);
  /** By allotment and pool: the allotment with one more step of the pool. */
  readonly #more: Map<number, number>[] = [new Map()];

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  used(allotment: number, pool: number): number {
    const list = this.#lists[allotment]!;
    for (let i = 0; i < list.length; i += 2) if (list[i] === pool) return list[i + 1]!;
    return 0;
  }

  withOneMore(allotment: number, pool: number): number {
    const known = this.#more[allotment]!.get(pool);
    if (known !== undefined) return known;
    const list = [...this.#lists[allotment]!];
    let at = 0;
    while (at < list.length && list[at]! < pool) at += 2;
    if (list[at] === pool) list[at + 1]!++;
    else list.splice(at, 0, pool, 1);
    const more = this.#numberOf(list);
    this.#more[allotment]!.set(pool, more);
    return more;
  }

  /** The allotment without the pools that are not needed any more. */
  without(allotment: number, isIdle: (pool: number) => boolean): number {
    const list = this.#lists[allotment]!;
    const kept: number[] = [];
    for (let i = 0; i < list.length; i += 2) if (!isIdle(list[i]!)) kept.push(list[i]!, list[i + 1]!);
    return kept.length === list.length ? allotment : this.#numberOf(kept);
  }

  /** True if `a` does not use more steps of any pool than `b`. */
  isWithin(a: number, b: number): boolean {
    if (a === b || a === 0) return true;
    const [less, more] = [this.#lists[a]!, this.#lists[b]!];
    let at = 0;
    for (let i = 0; i < less.length; i += 2) {
      while (at < more.length && more[at]! < less[i]!) at += 2;
      if (more[at] !== less[i] || more[at + 1]! < less[i + 1]!) return false;
    }
    return true;
  }

  #numberOf(list: readonly number[]): number {
    const key = list.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#budget.take(ENTRY_BYTES + 8 * list.length);
    this.#numbers.set(key, this.#lists.length);
    this.#more.push(new Map());
    return this.#lists.push(Int32Array.from(list)) - 1;
  }
}
