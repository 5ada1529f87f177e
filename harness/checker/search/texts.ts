import { KIND, NEVER_WRITTEN } from '../columns.ts';
import { ILLEGAL } from './machine.ts';
import type { RegisterSteps } from './register-steps.ts';

/**
 * The states of a register with appends. Values that are asked for have the numbers of these values, their prefixes
 * have further numbers, and all others are `lost`.
 */
export class Texts {
  readonly #values: RegisterSteps['values'];
  readonly #lost: number;
  /** Values that are asked for, sorted. */
  readonly #asked: readonly string[];
  readonly #numbers = new Map<string, number>();
  /** Text by state. */
  readonly #texts = new Map<number, string>();
  /** State after an append, by state and token. */
  readonly #after = new Map<number, number>();
  /**
   * The longest value that was read, if only appends change the state; then every state is a prefix of it or continues
   * it. Else null.
   */
  readonly #longest: string | null;
  #next: number;

  constructor({ kind, from, values, valueCount }: RegisterSteps, rows: Int32Array, asked: Uint8Array) {
    this.#values = values;
    this.#lost = valueCount;
    this.#next = valueCount + 1;
    const texts: string[] = [];
    for (const [number, text] of values.entries()) {
      if (text === null || number === NEVER_WRITTEN) this.#texts.set(number, text ?? '');
      if (text !== null && number === NEVER_WRITTEN) this.#numbers.set(text, number);
      if (asked[number] === 0 || text === null) continue;
      texts.push(text);
      this.#numbers.set(text, number);
      this.#texts.set(number, text);
    }
    this.#asked = texts.sort((a, b) => (a < b ? -1 : 1));
    let longest: string | null = null;
    if (rows.every((row) => kind[row] !== KIND.write && kind[row] !== KIND.cas)) {
      for (const row of rows) {
        const text = kind[row] === KIND.read ? values[from[row]!]! : null;
        if (text !== null && (longest === null || text.length > longest.length)) longest = text;
      }
    }
    this.#longest = longest;
  }

  /** The state with this value. */
  stateOf(value: number): number {
    const text = this.#values[value]!;
    return text === null ? value : this.#numberOf(text);
  }

  /** True if a text that a step depends on contains this token. */
  isSomewhere(token: number): boolean {
    const text = this.#values[token]!;
    return text === null || this.#asked.some((asked) => asked.includes(text));
  }

  /** The state after an append to `state`. */
  appended(state: number, token: number): number {
    if (state === this.#lost) return state;
    const key = state * this.#values.length + token;
    let after = this.#after.get(key);
    if (after === undefined) {
      after = this.#append(this.#texts.get(state)! + this.#values[token]!);
      this.#after.set(key, after);
    }
    return after;
  }

  #append(text: string): number {
    const longest = this.#longest;
    if (longest !== null && !longest.startsWith(text) && !text.startsWith(longest)) return ILLEGAL;
    return this.#numberOf(text);
  }

  #numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (!this.#beginsSomething(text)) return this.#lost;
    const number = this.#next++;
    this.#numbers.set(text, number);
    this.#texts.set(number, text);
    return number;
  }

  #beginsSomething(text: string): boolean {
    let low = 0;
    let high = this.#asked.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#asked[middle]! < text) low = middle + 1;
      else high = middle;
    }
    return this.#asked[low]?.startsWith(text) ?? false;
  }
}
