/**
 * JSON as Go's encoding/json reads and writes it. Toxiproxy's error bodies carry that library's messages, and clients
 * show them to people: a message that names the offending character is worth more than "bad request".
 */
export type Json = null | boolean | string | GoNumber | readonly Json[] | ReadonlyMap<string, Json>;

/** A number as it was written: an integer field refuses `1.0` and `1e3`. */
export class GoNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The body is not JSON. The message is Go's. */
export class JsonSyntaxError extends Error {}

/** Reads the first value of a text, as Go's Decoder does; it ignores the rest. */
export function parseJson(text: string): Json {
  const parser = new Parser(text);
  parser.skipSpace();
  if (parser.atEnd) throw new JsonSyntaxError('EOF');
  return parser.value();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipSpace(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  value(): Json {
    this.skipSpace();
    const c = this.#peek();
    if (c === '{') return this.#object();
    if (c === '[') return this.#array();
    if (c === '"') return this.#string();
    if (c === '-' || isDigit(c)) return this.#number();
    if (c === 't') return this.#literal('true', true);
    if (c === 'f') return this.#literal('false', false);
    if (c === 'n') return this.#literal('null', null);
    return this.#fail('looking for beginning of value');
  }

  #object(): Json {
    const fields = new Map<string, Json>();
    this.#at++;
    this.skipSpace();
    if (this.#peek() === '}') return this.#close(fields);
    for (;;) {
      this.skipSpace();
      if (this.#peek() !== '"') this.#fail('looking for beginning of object key string');
      const key = this.#string();
      this.skipSpace();
      if (this.#peek() !== ':') this.#fail('after object key');
      this.#at++;
      fields.set(key, this.value());
      this.skipSpace();
      if (this.#peek() === '}') return this.#close(fields);
      if (this.#peek() !== ',') this.#fail('after object key:value pair');
      this.#at++;
    }
  }

  #array(): Json {
    const items: Json[] = [];
    this.#at++;
    this.skipSpace();
    if (this.#peek() === ']') return this.#close(items);
    for (;;) {
      items.push(this.value());
      this.skipSpace();
      if (this.#peek() === ']') return this.#close(items);
      if (this.#peek() !== ',') this.#fail('after array element');
      this.#at++;
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const c = this.#peek();
      if (c === '"') break;
      if (c < ' ') this.#fail('in string literal');
      this.#at++;
      if (c !== '\\') continue;
      if (this.#peek() === 'u') {
        this.#at++;
        for (let i = 0; i < 4; i++, this.#at++) {
          if (!/[0-9a-fA-F]/.test(this.#peek())) this.#fail('in \\u hexadecimal character escape');
        }
      } else if ('bfnrt\\/"'.includes(this.#peek())) this.#at++;
      else this.#fail('in string escape code');
    }
    this.#at++;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #number(): Json {
    const start = this.#at;
    if (this.#peek() === '-') this.#at++;
    if (this.#peek() === '0') this.#at++;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      this.#digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at++;
      if (/[+-]/.test(this.#peek())) this.#at++;
      this.#digits('in exponent of numeric literal');
    }
    return new GoNumber(this.#text.slice(start, this.#at));
  }

  #digits(where: string): void {
    if (!isDigit(this.#peek())) this.#fail(where);
    while (isDigit(this.#text[this.#at] ?? '')) this.#at++;
  }

  #literal(word: string, value: true | false | null): Json {
    for (const expected of word) {
      if (this.#peek() !== expected) this.#fail(`in literal ${word} (expecting ${quote(expected)})`);
      this.#at++;
    }
    return value;
  }

  #close<T>(value: T): T {
    this.#at++;
    return value;
  }

  #peek(): string {
    const c = this.#text[this.#at];
    if (c === undefined) throw new JsonSyntaxError('unexpected EOF');
    return c;
  }

  #fail(where: string): never {
    throw new JsonSyntaxError(`invalid character ${quote(this.#peek())} ${where}`);
  }
}

const isDigit = (c: string): boolean => c >= '0' && c <= '9' && c.length === 1;

function quote(c: string): string {
  if (c === "'") return String.raw`'\''`;
  if (c === '"') return `'"'`;
  return `'${JSON.stringify(c).slice(1, -1)}'`;
}

/** Go escapes the characters that matter in HTML; parsers see no difference, but a text comparison does. */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
