import { KIND, NONE } from '../columns.ts';
import type { Sights } from './machine.ts';
import type { RegisterSteps } from './register-steps.ts';

/**
 * Values of a register that a step may still ask for. Known steps ask until they are retired, and unknown CAS as long
 * as their results may be asked for.
 */
export class RegisterSights implements Sights {
  readonly #columns: RegisterSteps;
  readonly #leads: readonly number[];
  readonly #lost: number;
  /** By value: number of steps that ask for it. */
  readonly #askers: Int32Array;
  /**
   * Number of remaining failed CAS that do not say what they found. While there is one, any change of the state may
   * matter.
   */
  #opaque = 0;
  readonly #hasOpaque: boolean;
  /** By value: the expected values of unknown CAS that leave it. */
  readonly #waiting = new Map<number, number[]>();

  constructor(
    columns: RegisterSteps,
    {
      steps,
      leads,
      equivalenceClass,
      lost,
    }: {
      readonly steps: readonly number[];
      readonly leads: readonly number[];
      readonly equivalenceClass: Int32Array;
      readonly lost: number;
    },
  ) {
    const { kind, certain, from } = columns;
    this.#columns = columns;
    this.#leads = leads;
    this.#lost = lost;
    this.#askers = new Int32Array(lost + 1);
    for (const step of steps) {
      if (certain[step] === 1 || kind[step] !== KIND.cas) continue;
      const after = leads[equivalenceClass[step]!]!;
      if (this.#waiting.get(after)?.push(from[step]!) === undefined) this.#waiting.set(after, [from[step]!]);
    }
    for (const step of steps) {
      if (from[step] !== NONE) this.#askers[from[step]!]!++;
      if (kind[step] === KIND.differs) this.#opaque++;
    }
    this.#hasOpaque = this.#opaque > 0;
  }

  retire(step: number): boolean {
    const { kind, from } = this.#columns;
    if (from[step] === NONE) return false;
    const wasLastOpaque = kind[step] === KIND.differs && --this.#opaque === 0;
    return this.#release(from[step]!) || wasLastOpaque;
  }

  merged(state: number): number {
    return state === this.#lost || this.#askers[state] === 0 ? this.#lost : state;
  }

  isIdle(equivalenceClass: number): boolean {
    return this.#opaque === 0 && this.merged(this.#leads[equivalenceClass]!) === this.#lost;
  }

  /** Removes one asker of the value. Returns true if it was the last one. */
  #release(value: number): boolean {
    if (--this.#askers[value]! > 0) return false;
    // The unknown CAS that leave this value are not needed any more. (A ring of them remains, so that fewer states are
    // merged.)
    if (!this.#hasOpaque) for (const needed of this.#waiting.get(value) ?? []) this.#release(needed);
    return true;
  }
}
