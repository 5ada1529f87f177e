import { type Edn, EdnError } from './edn.ts';
import { numberText } from './edn-number.ts';

/** Maximum nesting. It is far deeper than any value, and keeps a wrong file from overflowing the stack. */
const MOST_DEPTH = 200;
/** A token after white space: a bracket, a separator, a string, a number or a word. */
const TOKEN =
  /[ \t\n\r]*(?:([{}[\]:,])|("(?:[ !#-[\]-\uFFFF]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)\b))/y;

/** The rest of a text that ends within a string, a number or a word, or before it. */
const CUT_TOKEN = /^(?:"(?:[^"\\\n]|\\.)*\\?|[-+.\w]*)$/;

/** Reads JSON values with places, as values of EDN: `null` is nil, an array is a vector. */
export class JsonReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, from = 0) {
    this.#text = text;
    this.#at = from;
  }

  /** The next character that is not white space; '' at the end. */
  peek(): string {
    return this.#text.charAt(this.#skipSpace());
  }

  /** Skips a bracket or separator and returns true, if it is next. */
  step(char: string): boolean {
    const at = this.#skipSpace();
    if (this.#text.charAt(at) !== char) return false;
    this.#at = at + 1;
    return true;
  }

  /** @throws EdnError */
  next(depth = 0): Edn {
    const { text, from, to } = this.#read();
    if (depth > MOST_DEPTH) throw new EdnError(`nested more than ${MOST_DEPTH} deep`, { from, to });
    const place = { from, to };
    if (text === '[') {
      const items = this.#listUntil(']', from, () => this.next(depth + 1));
      return { type: 'vector', items, from, to: this.#at };
    }
    if (text === '{') {
      const entries = this.#listUntil('}', from, () => this.#entry(depth));
      return { type: 'map', entries, from, to: this.#at };
    }
    if (text.startsWith('"')) return { type: 'string', value: JSON.parse(text) as string, ...place };
    if (text === 'null') return { type: 'nil', ...place };
    if (text === 'true' || text === 'false') return { type: 'boolean', value: text === 'true', ...place };
    if (!/^[-\d]/.test(text)) throw new EdnError('not JSON from here on', place);
    return { type: 'number', text: jsonNumber(text), ...place };
  }

  #entry(depth: number): readonly [Edn, Edn] {
    const key = this.next(depth + 1);
    if (key.type !== 'string') throw new EdnError('the name of a field is not a string', key);
    if (!this.step(':')) throw this.#flaw();
    return [key, this.next(depth + 1)];
  }

  #listUntil<T>(closing: string, opening: number, read: () => T): T[] {
    const items: T[] = [];
    if (this.step(closing)) return items;
    for (;;) {
      if (this.peek() === '') throw cutOff(opening);
      items.push(read());
      if (this.step(closing)) return items;
      if (this.peek() === '') throw cutOff(opening);
      if (!this.step(',')) throw this.#flaw();
    }
  }

  #read(): { readonly text: string; readonly from: number; readonly to: number } {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null) throw this.#flaw();
    const text = match[1] ?? match[2] ?? match[3]!;
    this.#at = TOKEN.lastIndex;
    return { text, from: this.#at - text.length, to: this.#at };
  }

  #flaw(): EdnError {
    const from = this.#skipSpace();
    return CUT_TOKEN.test(this.#text.slice(from))
      ? cutOff(from)
      : new EdnError('not JSON from here on', { from, to: from + 1 });
  }

  #skipSpace(): number {
    let at = this.#at;
    while (at < this.#text.length && ' \t\n\r'.includes(this.#text[at]!)) at++;
    return at;
  }
}

const cutOff = (from: number): EdnError =>
  new EdnError(
    'the text ends before this is closed',
    { from, to: from + 1, cutOff: true },
    'the file is cut off',
  );

/** Text of a number. JSON has one kind of number, so 1 and 1.0 are equal. Integers keep all their digits. */
function jsonNumber(text: string): string {
  if (/^-?\d+$/.test(text)) return numberText(text)!;
  const number = Number(text);
  return Number.isInteger(number) ? BigInt(number).toString() : numberText(text)!;
}
