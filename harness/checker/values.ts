import type { RegisterValue } from '../history/op.ts';
import type { Step } from './steps.ts';

/**
 * How a value came to be: what wrote its beginning (null: the key was never written), then what appended the
 * rest, in order.
 */
export interface Origin {
  readonly base: Step | null;
  readonly appends: readonly Step[];
}

export type Traced =
  | { readonly type: 'origin'; readonly origin: Origin }
  | { readonly type: 'nowhere' }
  /** Only an append that took effect more than once explains it. */
  | { readonly type: 'repeats'; readonly token: Step }
  | { readonly type: 'ambiguous' };

/** No step: the position is the beginning. */
const NONE = -1;
/** A parse gives up on a value after so many looks, as ambiguous. */
const MAX_LOOKS = 2_000_000;

/**
 * Where each value of a key must have come from, given that every write, CAS and append of it has a value of
 * its own. With appends a value is taken apart into a written beginning and appended tokens; the answer is an
 * origin only if it is the only one.
 */
export class Values {
  readonly #steps: readonly Step[];
  /** By what they leave or append: the number of the step. */
  readonly #bases = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  readonly #baseLengths: readonly number[];
  readonly #tokenLengths: readonly number[];
  /** Why values do not tell their writers apart, or null if they do. */
  readonly ambiguity: string | null;

  constructor(steps: readonly Step[]) {
    let ambiguity: string | null = null;
    this.#steps = steps;
    for (const [number, step] of steps.entries()) {
      if (step.to === null) continue;
      const map = step.kind === 'append' ? this.#tokens : this.#bases;
      const twin = map.get(step.to);
      if (twin !== undefined) ambiguity ??= `#${steps[twin]!.op.id} and #${step.op.id} leave the same value`;
      if (step.kind === 'append' && step.to === '') ambiguity ??= `#${step.op.id} appends nothing`;
      if (step.kind === 'cas' && step.from === step.to) ambiguity ??= `#${step.op.id} sets a value to itself`;
      map.set(step.to, number);
    }
    this.ambiguity = ambiguity;
    this.#baseLengths = [...new Set([...this.#bases.keys()].map((base) => base.length))];
    this.#tokenLengths = [...new Set([...this.#tokens.keys()].map((token) => token.length))];
  }

  trace(value: RegisterValue): Traced {
    if (value === null) return { type: 'origin', origin: { base: null, appends: [] } };
    if (this.#tokens.size > 0) return this.#parse(value);
    const base = this.#bases.get(value);
    if (base === undefined) return { type: 'nowhere' };
    return { type: 'origin', origin: { base: this.#steps[base]!, appends: [] } };
  }

  /**
   * Counts the ways to reach each position of the value (0, 1, many) and remembers the last step of the one
   * way. A base ends the first part; position 0 is reached by "never written".
   */
  #parse(value: string): Traced {
    const ways = new Uint8Array(value.length + 1);
    const last = new Int32Array(value.length + 1).fill(NONE);
    ways[0] = 1;
    for (const length of this.#baseLengths) {
      const step = length <= value.length ? this.#bases.get(value.slice(0, length)) : undefined;
      if (step === undefined) continue;
      ways[length] = Math.min(2, ways[length]! + 1);
      last[length] = step;
    }
    let looks = 0;
    for (let at = 0; at < value.length; at++) {
      if (ways[at] === 0) continue;
      for (const length of this.#tokenLengths) {
        if (at + length > value.length) continue;
        if (++looks > MAX_LOOKS) return { type: 'ambiguous' };
        const token = this.#tokens.get(value.slice(at, at + length));
        if (token === undefined) continue;
        ways[at + length] = Math.min(2, ways[at + length]! + ways[at]!);
        last[at + length] = token;
      }
    }
    // The empty value is not "never written", whatever position 0 says: only a base or nothing leaves it.
    if (value === '')
      return ways[0] === 2
        ? { type: 'origin', origin: { base: this.#steps[last[0]!]!, appends: [] } }
        : { type: 'nowhere' };
    if (ways[value.length] === 0) return { type: 'nowhere' };
    if (ways[value.length] === 2) return { type: 'ambiguous' };
    return this.#walkBack(value, last);
  }

  #walkBack(value: string, last: Int32Array): Traced {
    const appends: Step[] = [];
    const used = new Set<Step>();
    let at = value.length;
    let step = this.#steps[last[at]!];
    for (; step?.kind === 'append'; step = this.#steps[last[at]!]) {
      if (used.has(step)) return { type: 'repeats', token: step };
      used.add(step);
      appends.push(step);
      at -= step.to!.length;
    }
    return { type: 'origin', origin: { base: step ?? null, appends: appends.reverse() } };
  }
}
