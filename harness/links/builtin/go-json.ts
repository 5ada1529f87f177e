/**
 * JSON as Go's encoding/json reads and writes it. Toxiproxy's error bodies contain that library's messages and clients
 * show them to users: a message that names the wrong character helps more than "bad request".
 */
export type Json = null | boolean | string | GoNumber | readonly Json[] | ReadonlyMap<string, Json>;

/** A number as it was written, because an integer field refuses `1.0` and `1e3`. */
export class GoNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The body is not JSON. The message is Go's. */
export class JsonSyntaxError extends Error {}

/**
 * Reads the first value of a text and ignores the rest, as Go's Decoder does. `text` has the bytes of the body, one
 * character per byte, because Go names the byte at which the JSON is wrong.
 */
export function parseJson(text: string): Json {
  const parser = new Parser(text);
  parser.skipSpace();
  if (parser.atEnd) throw new JsonSyntaxError('EOF');
  return parser.value();
}

/** Maximum depth of nesting, as in Go. */
const MAX_DEPTH = 10_000;

interface OpenObject {
  readonly fields: Map<string, Json>;
  /** Key of the value that is being read. */
  key: string;
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

  /** Reads a value without recursion, because Go reads values that are nested deeper than the stack allows here. */
  value(): Json {
    const open: (Json[] | OpenObject)[] = [];
    for (;;) {
      let value = this.#scalarOrOpening(open);
      while (value !== undefined) {
        const parent = open.at(-1);
        if (parent === undefined) return value;
        if (Array.isArray(parent)) parent.push(value);
        else parent.fields.set(parent.key, value);
        value = this.#after(parent);
        if (value !== undefined) open.pop();
      }
    }
  }

  /**
   * Reads a scalar; or opens an array or an object and returns undefined, and then the caller must read its first part.
   */
  #scalarOrOpening(open: (Json[] | OpenObject)[]): Json | undefined {
    this.skipSpace();
    const c = this.#peek();
    if (c === '"') return this.#string();
    if (c === '-' || isDigit(c)) return this.#number();
    if (c === 't') return this.#literal('true', true);
    if (c === 'f') return this.#literal('false', false);
    if (c === 'n') return this.#literal('null', null);
    if (c !== '{' && c !== '[') return this.#fail('looking for beginning of value');
    if (open.length === MAX_DEPTH) this.#fail('exceeded max depth');
    this.#at++;
    this.skipSpace();
    if (c === '[') {
      if (this.#peek() === ']') return this.#close([]);
      open.push([]);
      return undefined;
    }
    if (this.#peek() === '}') return this.#close(new Map<string, Json>());
    open.push({ fields: new Map(), key: this.#key() });
    return undefined;
  }

  /** Continues after a part: at the next part, or after the end of the parent, which is then returned. */
  #after(parent: Json[] | OpenObject): Json | undefined {
    this.skipSpace();
    const c = this.#peek();
    if (Array.isArray(parent)) {
      if (c === ']') return this.#close(parent);
      if (c !== ',') this.#fail('after array element');
      this.#at++;
      return undefined;
    }
    if (c === '}') return this.#close(parent.fields);
    if (c !== ',') this.#fail('after object key:value pair');
    this.#at++;
    this.skipSpace();
    parent.key = this.#key();
    return undefined;
  }

  #key(): string {
    if (this.#peek() !== '"') this.#fail('looking for beginning of object key string');
    const key = this.#string();
    this.skipSpace();
    if (this.#peek() !== ':') this.#fail('after object key');
    this.#at++;
    return key;
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
    const text = Buffer.from(this.#text.slice(start, this.#at), 'latin1').toString();
    // Go replaces half of a surrogate pair by the replacement character.
    return (JSON.parse(text) as string).toWellFormed();
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

const ESCAPES: Readonly<Record<string, string>> = {
  "'": String.raw`\'`,
  '"': '"',
  '\\': String.raw`\\`,
  '\u0007': String.raw`\a`,
  '\b': String.raw`\b`,
  '\f': String.raw`\f`,
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
  '\v': String.raw`\v`,
};

/** A byte in Go's quotes; Go treats it as the character with that number. */
function quote(c: string): string {
  const code = c.charCodeAt(0);
  const hex = (digits: number): string => code.toString(16).padStart(digits, '0');
  const shown =
    code < 0x20 || code === 0x7f
      ? String.raw`\x${hex(2)}`
      : (code >= 0x80 && code <= 0xa0) || code === 0xad
        ? String.raw`\u${hex(4)}`
        : c;
  return `'${ESCAPES[c] ?? shown}'`;
}

/**
 * JSON text as Go writes it. Go escapes the characters with a meaning in HTML; this matters for a comparison of texts,
 * not for parsers. A bigint is written with all its digits, and minus zero with its sign.
 */
export function encodeJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'bigint' || Object.is(each, -0)
      ? rawJson(typeof each === 'bigint' ? String(each) : '-0')
      : each,
  ).replaceAll(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `JSON.rawJSON`, which exists in Node.js but not in the types of TypeScript. */
const rawJson = (text: string): unknown =>
  (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
