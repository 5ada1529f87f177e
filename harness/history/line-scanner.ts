import type { HistoryLine, RegisterValue } from './op.ts';

const QUOTE = 34;
const COMMA = 44;
const ZERO = 48;
const OPENING = 91;
const BACKSLASH = 92;
const CLOSING = 93;
const LOWER_N = 110;
const CLOSING_BRACE = 125;
const FIRST_PRINTABLE = 32;
const FIRST_NOT_ASCII = 128;
/** Numbers with more digits may not be exact. */
const MOST_DIGITS = 15;
/** Number of remembered strings; a power of two. */
const REMEMBERED = 1_024;

const BEFORE = Object.fromEntries(
  [
    ['index', '{"index":'],
    ['id', ',"id":'],
    ['process', ',"process":'],
    ['type', ',"type":'],
    ['f', ',"f":'],
    ['key', ',"key":'],
    ['value', ',"value":'],
    ['time', ',"time":'],
    ['node', ',"node":'],
    ['found', ',"found":'],
    ['error', ',"error":'],
    ['attempts', ',"attempts":'],
    ['null', 'null'],
  ].map(([name, text]) => [name!, Buffer.from(text!)]),
) as Record<keyof HistoryLine | 'null', Buffer>;

/**
 * Reads lines of a `history.jsonl` from bytes if they have exactly the form in which the recorder writes them. This is
 * much faster than `JSON.parse`, and names that occur often share one string. It reports no mistakes: `decodeLine`
 * reads all other lines.
 */
export class LineScanner {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #isGood = true;
  readonly #remembered: string[] = Array.from({ length: REMEMBERED }, () => '');

  /**
   * Reads the line from `from` to before `to`, without its newline; null if it is not in this form. The bytes must be
   * UTF-8.
   */
  scan(bytes: Buffer, from: number, to: number): HistoryLine | null {
    this.#bytes = bytes;
    this.#at = from;
    this.#isGood = true;
    const index = this.#skip(BEFORE.index) ? this.#count() : this.#fail(0);
    const id = this.#skip(BEFORE.id) ? this.#count() : this.#fail(0);
    const process = this.#skip(BEFORE.process) ? this.#count() : this.#fail(0);
    const type = this.#skip(BEFORE.type) ? this.#name() : this.#fail('');
    const f = this.#skip(BEFORE.f) ? this.#name() : this.#fail('');
    const key = this.#skip(BEFORE.key) ? this.#name() : this.#fail('');
    const value = this.#skip(BEFORE.value) ? this.#value() : this.#fail(null);
    const time = this.#skip(BEFORE.time) ? this.#count() : this.#fail(0);
    const node = this.#skip(BEFORE.node) ? this.#name() : this.#fail('');
    if (!this.#isGood || !isType(type) || !fits(f, value)) return null;
    const found = this.#skip(BEFORE.found) ? this.#registerValue() : undefined;
    const error = this.#skip(BEFORE.error) ? this.#name() : undefined;
    const attempts = this.#skip(BEFORE.attempts) ? this.#count() : undefined;
    if (!this.#isGood || bytes[this.#at] !== CLOSING_BRACE || this.#at + 1 !== to) return null;
    const line = { index, id, process, type, f, key, value, time, node };
    if (found === undefined && error === undefined)
      return (attempts === undefined ? line : { ...line, attempts }) as HistoryLine;
    return {
      ...line,
      ...(found === undefined ? {} : { found }),
      ...(error === undefined ? {} : { error }),
      ...(attempts === undefined ? {} : { attempts }),
    } as HistoryLine;
  }

  #fail<T>(value: T): T {
    this.#isGood = false;
    return value;
  }

  /** Skips the text and returns true, if the text is next. */
  #skip(text: Buffer): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
    this.#at = at + text.length;
    return true;
  }

  #count(): number {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let count = 0;
    for (; bytes[at]! >= ZERO && bytes[at]! <= ZERO + 9; at++) count = 10 * count + bytes[at]! - ZERO;
    this.#at = at;
    const digits = at - from;
    if (digits === 0 || digits > MOST_DIGITS || (digits > 1 && bytes[from] === ZERO)) return this.#fail(0);
    return count;
  }

  #value(): HistoryLine['value'] {
    if (this.#bytes[this.#at] !== OPENING) return this.#registerValue();
    this.#at++;
    const from = this.#registerValue();
    if (this.#bytes[this.#at++] !== COMMA) return this.#fail(null);
    const to = this.#registerValue();
    if (this.#bytes[this.#at++] !== CLOSING) return this.#fail(null);
    return [from, to];
  }

  #registerValue(): RegisterValue {
    if (this.#bytes[this.#at] === LOWER_N) return this.#skip(BEFORE.null) ? null : this.#fail(null);
    const end = this.#endOfString();
    if (end < 0) return null;
    const from = this.#at + 1;
    this.#at = end + 1;
    return this.#isAscii
      ? this.#bytes.toString('latin1', from, end)
      : this.#bytes.toString('utf8', from, end);
  }

  /** Reads a string that is likely to occur again. */
  #name(): string {
    const end = this.#endOfString();
    if (end < 0) return '';
    const bytes = this.#bytes;
    const from = this.#at + 1;
    this.#at = end + 1;
    if (!this.#isAscii) return bytes.toString('utf8', from, end);
    let hash = 0;
    for (let at = from; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    const slot = hash & (REMEMBERED - 1);
    const known = this.#remembered[slot]!;
    let same = known.length === end - from;
    for (let i = 0; same && i < known.length; i++) same = known.charCodeAt(i) === bytes[from + i];
    return same ? known : (this.#remembered[slot] = bytes.toString('latin1', from, end));
  }

  #isAscii = true;

  /** Returns the position of the quote that ends this string; −1 if the string has escapes, or there is none. */
  #endOfString(): number {
    const bytes = this.#bytes;
    let all = 0;
    if (bytes[this.#at] !== QUOTE) return this.#fail(-1);
    for (let at = this.#at + 1; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.#isAscii = all < FIRST_NOT_ASCII;
        return at;
      }
      if (byte === BACKSLASH || byte < FIRST_PRINTABLE) break;
      all |= byte;
    }
    return this.#fail(-1);
  }
}

const isType = (type: string): boolean =>
  type === 'invoke' || type === 'ok' || type === 'fail' || type === 'info';

/** True if the function can have such a value. */
function fits(f: string, value: HistoryLine['value']): boolean {
  if (f === 'cas') return value !== null && typeof value === 'object';
  if (f === 'append') return typeof value === 'string';
  return (f === 'read' || f === 'write' || f === 'delete') && (value === null || typeof value === 'string');
}
