import { numberText } from './edn-number.ts';

/** A value of EDN with its place in the text: characters from `from` to before `to`. */
export type Edn = { readonly from: number; readonly to: number } & (
  | { readonly type: 'nil' }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** Integers, decimals, and the ratios that Clojure prints: equal numbers have equal text (`numberText`). */
  | { readonly type: 'number'; readonly text: string }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'character'; readonly text: string }
  /** Without the colon; a namespace stays: `jepsen/type`. */
  | { readonly type: 'keyword'; readonly name: string }
  | { readonly type: 'symbol'; readonly name: string }
  | { readonly type: 'vector' | 'list' | 'set'; readonly items: readonly Edn[] }
  | { readonly type: 'map'; readonly entries: readonly (readonly [Edn, Edn])[] }
  | { readonly type: 'tagged'; readonly tag: string; readonly value: Edn }
);

/** The text is not EDN at `from`. */
export class EdnError extends Error {
  readonly from: number;
  readonly to: number;
  readonly mend: string | null;
  /** The text ended within a value that begins at `from`. */
  readonly cutOff: boolean;

  constructor(
    message: string,
    place: { readonly from: number; readonly to: number; readonly cutOff?: boolean },
    mend: string | null = null,
  ) {
    super(message);
    this.name = 'EdnError';
    this.from = place.from;
    this.to = place.to;
    this.cutOff = place.cutOff === true;
    this.mend = mend;
  }
}

/** Far deeper than a stack trace in an `:error`; keeps a wrong file from exhausting the stack. */
const MOST_DEPTH = 200;

/**
 * Reads EDN (github.com/edn-format/edn) value by value, with places. It is lenient where Clojure prints forms that EDN
 * has no rule for (ratios, `#object[…]`, class names): a form without a value becomes a symbol. Its state is the place
 * of the next value.
 */
export class EdnReader {
  readonly #text: string;
  readonly #end: number;
  #at: number;

  /** Reads characters from `from` to before `to`. */
  constructor(text: string, from = 0, to = text.length) {
    this.#text = text;
    this.#at = from;
    this.#end = to;
  }

  /** Place of the reader: after the last value. */
  get position(): number {
    return this.#at;
  }

  /** The next character after white space, comments and discarded values; '' at the end. */
  peek(): string {
    this.#skipSpace(0);
    return this.#at < this.#end ? this.#text[this.#at]! : '';
  }

  /** Steps over the character that `peek` showed: into a collection, or out of it. */
  step(): void {
    this.#at++;
  }

  /** The next value, or null at the end. @throws EdnError */
  next(): Edn | null {
    this.#skipSpace(0);
    return this.#at >= this.#end ? null : this.#value(0);
  }

  #value(depth: number): Edn {
    const from = this.#at;
    if (depth > MOST_DEPTH) throw new EdnError(`nested more than ${MOST_DEPTH} deep`, { from, to: from + 1 });
    const char = this.#text[from]!;
    switch (char) {
      case '"':
        return this.#string();
      case '[':
        return this.#collection('vector', ']', depth);
      case '(':
        return this.#collection('list', ')', depth);
      case '{':
        return this.#map(from, depth);
      case ']':
      case ')':
      case '}':
        throw new EdnError(`\`${char}\` closes nothing`, { from, to: from + 1 });
      case '\\':
        return this.#character();
      case '#':
        return this.#dispatched(depth);
      case '^':
        // Metadata, which Clojure may print before a value: read and left out.
        this.#at++;
        this.#required(depth + 1, from);
        return this.#required(depth + 1, from);
      default:
        return this.#token();
    }
  }

  /** The next value inside something that began at `opening`. */
  #required(depth: number, opening: number): Edn {
    this.#skipSpace(depth);
    if (this.#at >= this.#end) throw this.#cutOff(opening);
    return this.#value(depth);
  }

  #cutOff(opening: number): EdnError {
    return new EdnError(
      'the text ends before this is closed',
      { from: opening, to: opening + 1, cutOff: true },
      'the file is cut off',
    );
  }

  /** Error for a form that should have continued; at the end of the text, the text may be cut off. */
  #unfinished(message: string, from: number): EdnError {
    return new EdnError(message, { from, to: this.#at, cutOff: this.#at >= this.#end });
  }

  #collection(type: 'vector' | 'list' | 'set', closing: string, depth: number): Edn {
    const from = this.#at++;
    const items = this.#itemsUntil(closing, from, depth);
    return { type, items, from, to: this.#at };
  }

  #itemsUntil(closing: string, opening: number, depth: number): Edn[] {
    const items: Edn[] = [];
    for (;;) {
      this.#skipSpace(depth);
      if (this.#at >= this.#end) throw this.#cutOff(opening);
      if (this.#text[this.#at] === closing) {
        this.#at++;
        return items;
      }
      items.push(this.#value(depth + 1));
    }
  }

  #map(opening: number, depth: number): Edn {
    this.#at++;
    const items = this.#itemsUntil('}', opening, depth);
    if (items.length % 2 === 1) {
      const { from, to } = items.at(-1)!;
      throw new EdnError('a map has a key without a value', { from, to });
    }
    const entries: [Edn, Edn][] = [];
    for (let i = 0; i < items.length; i += 2) entries.push([items[i]!, items[i + 1]!]);
    return { type: 'map', entries, from: opening, to: this.#at };
  }

  /** `#{…}`, `#:ns{…}`, `#tag value`; `##Inf`, and `#"regex"` as Clojure prints it, are symbols. */
  #dispatched(depth: number): Edn {
    const from = this.#at++;
    const char = this.#text[this.#at];
    if (char === '{') {
      this.#at++;
      return { type: 'set', items: this.#itemsUntil('}', from, depth), from, to: this.#at };
    }
    if (char === '#' || char === '"') {
      if (char === '#') this.#at++;
      const { to } = this.#value(depth + 1);
      return { type: 'symbol', name: this.#text.slice(from, to), from, to };
    }
    const tag = this.#word();
    if (tag === '') throw this.#unfinished('`#` without a tag', from);
    const value = this.#required(depth + 1, from);
    if (tag.startsWith(':') && value.type === 'map') return { ...qualified(value, tag.slice(1)), from };
    return { type: 'tagged', tag, value, from, to: this.#at };
  }

  #string(): Edn {
    const from = this.#at++;
    let value = '';
    for (let plainFrom = this.#at; ; this.#at++) {
      if (this.#at >= this.#end) throw this.#cutOff(from);
      const char = this.#text[this.#at];
      if (char === '"') {
        value += this.#text.slice(plainFrom, this.#at++);
        return { type: 'string', value, from, to: this.#at };
      }
      if (char !== '\\') continue;
      value += this.#text.slice(plainFrom, this.#at) + this.#escape(from);
      plainFrom = this.#at + 1;
    }
  }

  /** The character that the escape at the reader's place means; leaves the reader on its last character. */
  #escape(opening: number): string {
    const from = this.#at++;
    const char = this.#at < this.#end ? this.#text[this.#at]! : undefined;
    if (char === undefined) throw this.#cutOff(opening);
    const plain = ESCAPES[char];
    if (plain !== undefined) return plain;
    const hex = char === 'u' ? /^[0-9a-fA-F]{4}$/.exec(this.#text.slice(this.#at + 1, this.#at + 5)) : null;
    if (hex === null && char === 'u' && this.#at + 5 > this.#end) throw this.#cutOff(opening);
    if (hex === null)
      throw new EdnError(`\`\\${char}\` is no escape that a string may have`, { from, to: from + 2 });
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(hex[0], 16));
  }

  #character(): Edn {
    const from = this.#at++;
    if (this.#at >= this.#end) throw this.#cutOff(from);
    this.#at++;
    this.#word();
    return { type: 'character', text: this.#text.slice(from, this.#at), from, to: this.#at };
  }

  #token(): Edn {
    const from = this.#at;
    const word = this.#word();
    const to = this.#at;
    if (word === 'nil') return { type: 'nil', from, to };
    if (word === 'true' || word === 'false') return { type: 'boolean', value: word === 'true', from, to };
    if (word.startsWith(':')) {
      if (word.length === 1) throw this.#unfinished('`:` without a name', from);
      return { type: 'keyword', name: word.slice(1), from, to };
    }
    if (NUMBER.test(word)) {
      const text = numberText(word);
      if (text !== null) return { type: 'number', text, from, to };
      throw new EdnError(`${word} begins with a zero`, { from, to }, 'EDN has no such number');
    }
    if (word === '') throw new EdnError('a character that begins no value', { from, to: from + 1 });
    return { type: 'symbol', name: word, from, to };
  }

  /** Characters up to the next space or delimiter. */
  #word(): string {
    const from = this.#at;
    while (this.#at < this.#end && !endsWord(this.#text.charCodeAt(this.#at))) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  /** Space, commas, comments, and values discarded by `#_`. */
  #skipSpace(depth: number): void {
    for (;;) {
      while (this.#at < this.#end && isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
      const char = this.#text[this.#at];
      if (this.#at >= this.#end) return;
      if (char === ';') {
        const newline = this.#text.indexOf('\n', this.#at);
        this.#at = newline < 0 || newline > this.#end ? this.#end : newline + 1;
      } else if (char === '#' && this.#text[this.#at + 1] === '_') {
        const from = this.#at;
        this.#at += 2;
        if (depth > MOST_DEPTH)
          throw new EdnError(`nested more than ${MOST_DEPTH} deep`, { from, to: from + 2 });
        this.#required(depth + 1, from);
      } else return;
    }
  }
}

/** `#:ns{:a 1}` is `{:ns/a 1}`; a key that has a namespace keeps it, and with the namespace `_` it loses it. */
function qualified(map: Extract<Edn, { type: 'map' }>, namespace: string): Edn {
  const entries = map.entries.map(([key, value]): readonly [Edn, Edn] => {
    if (key.type !== 'keyword' && key.type !== 'symbol') return [key, value];
    const name = key.name.includes('/') ? key.name.replace(/^_\//, '') : `${namespace}/${key.name}`;
    return [{ ...key, name }, value];
  });
  return { ...map, entries };
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '\\': '\\',
  '"': '"',
};
const NUMBER = /^[+-]?(?:0[xX][\dA-Fa-f]+N?|\d+(?:N|\/\d+|(?:\.\d*)?(?:[eE][+-]?\d+)?M?))$/;
/** White space in Clojure, which includes commas. */
const isSpace = (code: number): boolean => code <= 32 || code === 44 || code === 0xfe_ff;
const DELIMITERS: ReadonlySet<number> = new Set(
  ['(', ')', '[', ']', '{', '}', '"', ';', '\\', '^'].map((char) => char.charCodeAt(0)),
);
const endsWord = (code: number): boolean => isSpace(code) || DELIMITERS.has(code);
