import { NONE } from '../columns.ts';
import { NATURE } from './machine.ts';
import type { Problem } from './problem.ts';

/**
 * The known steps that have been called and have not returned. While a step is open it has a slot, which is a bit in
 * the sets of a configuration.
 */
export class OpenSteps {
  readonly #problem: Problem;
  /** Number of words of a set of slots. */
  readonly words: number;
  /** By slot: its step, or NONE. */
  readonly step: Int32Array;
  /** Sets of the open steps that never change the state; `overwrites` has the blind writes. */
  readonly reads: Int32Array;
  readonly overwrites: Int32Array;
  /** Slots of open steps, in order of return. */
  readonly #byReturn: number[] = [];
  readonly #slots = new Map<number, number>();
  /** By class: the last round in which a step of it was offered. */
  readonly #offered: Int32Array;
  #round = 0;

  constructor(problem: Problem, events: Int32Array) {
    this.#problem = problem;
    const slots = mostOpen(problem, events);
    this.words = (slots + 31) >> 5;
    this.step = new Int32Array(slots).fill(NONE);
    this.reads = new Int32Array(this.words);
    this.overwrites = new Int32Array(this.words);
    const { equivalenceClass } = problem.machine;
    this.#offered = new Int32Array(
      1 + problem.steps.reduce((most, step) => Math.max(most, equivalenceClass[step]!), 0),
    );
  }

  get count(): number {
    return this.#byReturn.length;
  }

  slotOf(step: number): number {
    return this.#slots.get(step)!;
  }

  add(step: number): number {
    const { machine, ret } = this.#problem;
    const slot = this.step.indexOf(NONE);
    this.step[slot] = step;
    this.#slots.set(step, slot);
    const later = this.#byReturn.findIndex((other) => ret[this.step[other]!]! > ret[step]!);
    this.#byReturn.splice(later < 0 ? this.#byReturn.length : later, 0, slot);
    if (machine.nature[step] === NATURE.reads) this.reads[slot >> 5]! |= bit(slot);
    if (machine.nature[step] === NATURE.overwrites) this.overwrites[slot >> 5]! |= bit(slot);
    return slot;
  }

  remove(step: number): void {
    const slot = this.slotOf(step);
    this.#slots.delete(step);
    this.step[slot] = NONE;
    this.#byReturn.splice(this.#byReturn.indexOf(slot), 1);
    this.reads[slot >> 5]! &= ~bit(slot);
    this.overwrites[slot >> 5]! &= ~bit(slot);
  }

  /**
   * Slots of the steps that change the state and are not in the set; of each class only the step that returns first.
   */
  *changing(row: Int32Array, set: number): Generator<number> {
    const { nature, equivalenceClass } = this.#problem.machine;
    this.#round++;
    for (const slot of this.#byReturn) {
      const step = this.step[slot]!;
      if (nature[step] === NATURE.reads || has(row, set, slot)) continue;
      if (this.#offered[equivalenceClass[step]!] === this.#round) continue;
      this.#offered[equivalenceClass[step]!] = this.#round;
      yield slot;
    }
  }

  /** True if the current round of `changing` has offered a step of this class. */
  wasOffered(equivalenceClass: number): boolean {
    return this.#offered[equivalenceClass] === this.#round;
  }
}

const bit = (slot: number): number => 1 << (slot & 31);
/** True if the set of slots that begins at word `set` of the row contains the slot. */
export const has = (row: Int32Array, set: number, slot: number): boolean =>
  (row[set + (slot >> 5)]! & bit(slot)) !== 0;
export const put = (row: Int32Array, set: number, slot: number): void => {
  row[set + (slot >> 5)]! |= bit(slot);
};
export const drop = (row: Int32Array, set: number, slot: number): void => {
  row[set + (slot >> 5)]! &= ~bit(slot);
};

function mostOpen({ steps, certain }: Problem, events: Int32Array): number {
  let open = 0;
  let most = 0;
  for (const event of events) {
    if (certain[steps[event >> 1]!] === 0) continue;
    open += (event & 1) === 1 ? -1 : 1;
    most = Math.max(most, open);
  }
  return most;
}
