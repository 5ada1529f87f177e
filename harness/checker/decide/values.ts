import { type Columns, KIND, NEVER_WRITTEN, NONE } from '../columns.ts';

/**
 * Origin of a value: the step that wrote its beginning (NONE if the key was never written), then the steps that
 * appended the rest, in order.
 */
export interface Origin {
  readonly base: number;
  readonly appends: readonly number[];
}

export type Traced =
  | { readonly type: 'origin'; readonly origin: Origin }
  | { readonly type: 'nowhere' }
  /** The value can only be explained by an append that took effect more than once. */
  | { readonly type: 'repeats'; readonly token: number }
  | { readonly type: 'ambiguous'; readonly reason: string };

/** Maximum number of steps for dividing a value; after that it counts as ambiguous. */
const MAX_LOOKS = 2_000_000;
const NOWHERE: Traced = { type: 'nowhere' };

/**
 * The origin of each value of a key. Without appends, it is the one step that leaves the value. With appends, a value
 * is divided into a written beginning and appended tokens. This is its origin only if there is no other way to divide
 * it. Two steps that leave the same value matter only if another step depends on this value.
 */
export class Values {
  readonly #columns: Columns;
  /** By value: the step whose write or CAS leaves it, or NONE. */
  readonly #base: Int32Array;
  /** By value: another such step, or NONE. */
  readonly #twin: Int32Array;
  /** Divides values; null if there are no appends. */
  readonly #parser: Parser | null;
  /** The reason why no value with appended tokens can be divided; null if this is possible. */
  readonly #parserReason: string | null;

  constructor(columns: Columns) {
    this.#columns = columns;
    const { size, kind, to, values } = columns;
    this.#base = new Int32Array(values.length).fill(NONE);
    this.#twin = new Int32Array(values.length).fill(NONE);
    const appends: number[] = [];
    for (let i = 0; i < size; i++) {
      if (kind[i] === KIND.append) appends.push(i);
      if (kind[i] !== KIND.write && kind[i] !== KIND.cas) continue;
      const value = to[i]!;
      if (this.#base[value] === NONE) this.#base[value] = i;
      else this.#twin[value] = i;
    }
    this.#parserReason = appends.length === 0 ? null : this.#unparsable();
    this.#parser = appends.length === 0 ? null : new Parser(columns, this.#base, appends);
  }

  /** True if values consist of tokens, so that `baseOf` does not give their origin. */
  get areParsed(): boolean {
    return this.#parser !== null;
  }

  /** The step that leaves this value; NONE if no step does. */
  baseOf(value: number): number {
    return this.#base[value]!;
  }

  /** The reason why the writer of the value is not clear, or null. */
  ambiguity(value: number): string | null {
    const twin = this.#twin[value]!;
    return twin === NONE
      ? null
      : `${this.#name(this.#base[value]!)} and ${this.#name(twin)} leave the same value`;
  }

  /** The reason why an append may leave the state unchanged, or null. */
  emptyAppend(): string | null {
    const { size, kind, to, values } = this.#columns;
    const nothing = values.indexOf('');
    if (nothing < 0) return null;
    for (let i = 0; i < size; i++)
      if (kind[i] === KIND.append && to[i] === nothing) return `${this.#name(i)} appends nothing`;
    return null;
  }

  /** The reason why the register may have had the initial value more than once, or null. */
  initialAmbiguity(): string | null {
    const base = this.#base[NEVER_WRITTEN]!;
    return base === NONE ? null : `${this.#name(base)} leaves the initial value of the key`;
  }

  trace(value: number): Traced {
    if (value === NEVER_WRITTEN) {
      const reason = this.initialAmbiguity();
      if (reason !== null) return { type: 'ambiguous', reason };
      return { type: 'origin', origin: { base: NONE, appends: [] } };
    }
    if (this.#parser === null) {
      const base = this.#base[value]!;
      if (base === NONE) return NOWHERE;
      return this.#unlessTwin(base) ?? { type: 'origin', origin: { base, appends: [] } };
    }
    if (this.#parserReason !== null) return { type: 'ambiguous', reason: this.#parserReason };
    const text = this.#columns.values[value]!;
    if (text === null) return NOWHERE;
    const traced = this.#parser.parse(text);
    if (traced.type !== 'origin' || traced.origin.base === NONE) return traced;
    return this.#unlessTwin(traced.origin.base) ?? traced;
  }

  /**
   * Returns the reason why values cannot be divided, or null. Tokens can be appended to nothing or to the initial
   * value, so both must be empty and must not occur again later.
   */
  #unparsable(): string | null {
    const { values } = this.#columns;
    if ((values[NEVER_WRITTEN] ?? '') !== '')
      return 'the key had an initial value, to which others are appended';
    const nothing = values.indexOf(null);
    const base = nothing < 0 ? NONE : this.#base[nothing]!;
    if (base !== NONE) return `${this.#name(base)} leaves nothing, to which others are appended`;
    return this.initialAmbiguity();
  }

  #unlessTwin(base: number): Traced | null {
    const reason = this.ambiguity(this.#columns.to[base]!);
    return reason === null ? null : { type: 'ambiguous', reason };
  }

  #name(step: number): string {
    return `#${this.#columns.ops[this.#columns.at[step]!]!.id}`;
  }
}

/** Splits values into tokens. Consecutive values with the same beginning (as in a growing list) share the work. */
class Parser {
  readonly #columns: Columns;
  readonly #bases = new Map<string, number>();
  readonly #tokens = new Map<string, number>();
  /** Tokens that more than one step appends. */
  readonly #twins = new Map<number, number>();
  readonly #tokenLengths: readonly number[];
  readonly #baseLengths: ReadonlySet<number>;
  /** The value that was parsed last. */
  #text = '';
  /** By position: number of ways that lead there (0, 1, or 2 for more), and the last step of one of them. */
  #ways = new Uint8Array(64);
  #last = new Int32Array(64);
  /** By step: the number of the walk that last met it. */
  readonly #met: Int32Array;
  #walks = 0;

  constructor(columns: Columns, base: Int32Array, appends: readonly number[]) {
    this.#columns = columns;
    const { to, values } = columns;
    for (const [value, step] of base.entries()) {
      const text = values[value]!;
      if (step !== NONE && text !== null) this.#bases.set(text, step);
    }
    for (const step of appends) {
      const token = values[to[step]!]!;
      const twin = this.#tokens.get(token);
      if (twin === undefined) this.#tokens.set(token, step);
      else this.#twins.set(twin, step);
    }
    this.#tokenLengths = [...new Set([...this.#tokens.keys()].map((token) => token.length))];
    this.#baseLengths = new Set([...this.#bases.keys()].map((text) => text.length));
    this.#met = new Int32Array(columns.size);
    this.#begin();
  }

  parse(value: string): Traced {
    if (!this.#readOn(value)) return this.#tooManyWays(value);
    // The empty value is not "never written", although both are at position 0, so only a base can leave it.
    if (value === '') {
      const base = this.#bases.get('');
      return base === undefined ? NOWHERE : { type: 'origin', origin: { base, appends: [] } };
    }
    const ways = this.#ways[value.length]!;
    return ways === 0 ? NOWHERE : ways === 1 ? this.#walkBack(value) : this.#tooManyWays(value);
  }

  /** Fills in position 0, which is reached by "never written" and by an empty base. */
  #begin(): void {
    this.#last[0] = this.#bases.get('') ?? NONE;
    this.#ways[0] = this.#last[0] === NONE ? 1 : 2;
  }

  /**
   * Fills in the positions of the value after the part that it shares with the last one. Returns false if this takes
   * too long.
   */
  #readOn(value: string): boolean {
    if (value.length >= this.#ways.length) this.#grow(2 * value.length);
    const from = 1 + sharedLength(this.#text, value);
    this.#text = value;
    let looks = 0;
    for (let end = from; end <= value.length; end++) {
      const base = this.#baseLengths.has(end) ? this.#bases.get(value.slice(0, end)) : undefined;
      let ways = base === undefined ? 0 : 1;
      let last = base ?? NONE;
      for (const length of this.#tokenLengths) {
        const before = length <= end ? this.#ways[end - length]! : 0;
        if (before === 0) continue;
        if (++looks > MAX_LOOKS) {
          this.#text = value.slice(0, end - 1);
          return false;
        }
        const token = this.#tokens.get(value.slice(end - length, end));
        if (token === undefined) continue;
        ways = Math.min(2, ways + before);
        last = token;
      }
      this.#ways[end] = ways;
      this.#last[end] = last;
    }
    return true;
  }

  #walkBack(value: string): Traced {
    const { kind, to, values } = this.#columns;
    const walk = ++this.#walks;
    const appends: number[] = [];
    let end = value.length;
    let step = this.#last[end]!;
    for (; step !== NONE && kind[step] === KIND.append; step = this.#last[end]!) {
      const twin = this.#twins.get(step);
      if (twin !== undefined)
        return { type: 'ambiguous', reason: `${this.#name(step)} and ${this.#name(twin)} append the same` };
      if (this.#met[step] === walk) return { type: 'repeats', token: step };
      this.#met[step] = walk;
      appends.push(step);
      end -= values[to[step]!]!.length;
    }
    return { type: 'origin', origin: { base: step, appends: appends.reverse() } };
  }

  #grow(length: number): void {
    const [ways, last] = [new Uint8Array(length), new Int32Array(length)];
    ways.set(this.#ways);
    last.set(this.#last);
    [this.#ways, this.#last] = [ways, last];
  }

  #tooManyWays(value: string): Traced {
    const shown = value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value;
    return { type: 'ambiguous', reason: `${JSON.stringify(shown)} can be composed in more than one way` };
  }

  #name(step: number): string {
    return `#${this.#columns.ops[this.#columns.at[step]!]!.id}`;
  }
}
const MAX_SHOWN = 60;

/** Length of the common beginning of two texts. */
function sharedLength(a: string, b: string): number {
  if (b.startsWith(a)) return a.length;
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
