import { isUtf8 } from 'node:buffer';
import { type ImportedHistory, notInModel, type ReadOptions } from './formats/history.ts';
import {
  type Flaw,
  HistoryError,
  type HistoryProblem,
  MOST_PROBLEMS,
  problemAt,
  zeroByte,
} from './history-error.ts';
import { decodeLine } from './line.ts';
import { LineScanner } from './line-scanner.ts';
import { OperationPairing } from './operation-pairing.ts';
import type { HistoryLine, RegisterValue } from './op.ts';

const NEWLINE = 10;

/**
 * Reads a `history.jsonl` in pieces of any length, so that neither its text nor its lines are in memory at once. If the
 * writer was killed, the last line may be incomplete JSON without a newline. This line is left out: its operation stays
 * open, so the verdict stays right.
 */
export class ChaosReader {
  readonly #options: ReadOptions;
  readonly #pairing: OperationPairing;
  readonly #scanner = new LineScanner();
  readonly #problems: HistoryProblem[] = [];
  readonly #notes: string[] = [];
  /** The beginning of a line whose end has not been read yet, in pieces. */
  #rest: Buffer[] = [];
  #number = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#pairing = new OperationPairing(options.onOp);
  }

  /** Number of operations so far. */
  get operations(): number {
    return this.#pairing.size;
  }

  /** True if there are enough problems, so that reading can stop. */
  get isFull(): boolean {
    return this.#problems.length >= MOST_PROBLEMS;
  }

  /** Reads a piece, which is not kept. @throws HistoryError if it is not text */
  take(piece: Buffer): void {
    const end = piece.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const lines = piece.subarray(0, end);
      this.#lines(this.#rest.length === 0 ? lines : Buffer.concat([...this.#rest, lines]));
      this.#rest = [];
    }
    // A copy, so that a short remainder does not keep the whole piece in memory.
    if (end < piece.length) this.#rest.push(Buffer.from(piece.subarray(end)));
  }

  /** @throws HistoryError */
  end(): ImportedHistory {
    const last = Buffer.concat(this.#rest);
    if (last.length > 0 && !this.isFull) this.#lines(last);
    if (this.#problems.length > 0) throw new HistoryError(this.#options.file, this.#problems);
    return {
      format: 'chaos',
      lists: false,
      ...this.#pairing.finish(),
      clock: 'time',
      initial: writtenValue(this.#options.initial),
      processNames: NO_NAMES,
      notes: this.#notes,
    };
  }

  #lines(bytes: Buffer): void {
    if (!isUtf8(bytes)) throw this.#noText(bytes);
    for (let from = 0; from < bytes.length && !this.isFull;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline < 0 ? bytes.length : newline;
      this.#number++;
      const line = this.#scanner.scan(bytes, from, to);
      if (line === null) this.#otherLine(bytes.toString('utf8', from, to), newline < 0);
      else this.#add(line, () => bytes.toString('utf8', from, to));
      from = to + 1;
    }
  }

  /** Reads a line that is not in the recorder's form, or has a mistake. */
  #otherLine(text: string, isLast: boolean): void {
    const zero = text.indexOf('\0');
    if (zero >= 0) throw new HistoryError(this.#options.file, [this.#problem(text, zeroByte(zero))]);
    if (text.trim() === '') return;
    const decoded = decodeLine(text);
    if (decoded.ok) this.#add(decoded.line, () => text);
    else if (isLast && decoded.json) this.#notes.push('The last line is cut off and was left out.');
    else this.#problems.push(this.#problem(text, decoded.flaw));
  }

  #add(line: HistoryLine, textOf: () => string): void {
    const { model } = this.#options;
    const known = model === undefined || model.functions.includes(line.f);
    const objection = known ? this.#pairing.add(line, this.#number) : notInModel(model, line.f);
    if (objection === null) return;
    const [message, mend] = objection;
    const text = textOf();
    const to = known ? text.trimEnd().length : 1;
    this.#problems.push(this.#problem(text, { from: 0, to, message, mend }));
  }

  #problem(text: string, flaw: Flaw): HistoryProblem {
    return { ...problemAt(text, flaw), line: this.#number };
  }

  /** Returns an error that names the first byte that is not text. */
  #noText(bytes: Buffer): HistoryError {
    let from = 0;
    let to = bytes.length;
    for (;;) {
      this.#number++;
      const newline = bytes.indexOf(NEWLINE, from);
      to = newline < 0 ? bytes.length : newline;
      if (newline < 0 || !isUtf8(bytes.subarray(from, to))) break;
      from = newline + 1;
    }
    const line = bytes.subarray(from, to);
    return new HistoryError(this.#options.file, [this.#problem(...notUtf8(line))]);
  }
}

/** The value that the user wrote as the history writes it: `null`, a string in quotes, or its text without them. */
export function writtenValue(text: string | undefined): RegisterValue {
  if (text === undefined || text === 'null') return null;
  try {
    const value: unknown = text.startsWith('"') ? JSON.parse(text) : text;
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

/** Empty, because processes are numbers. */
const NO_NAMES: ReadonlyMap<number, string> = new Map();

/** Returns the text before the first byte that is not UTF-8, and the flaw. `hint` is added to the likely correction. */
export function notUtf8(bytes: Buffer, hint = ''): readonly [text: string, flaw: Flaw] {
  // True if all bytes before `end` are text, except for a character that may be cut there.
  const isTextBefore = (end: number): boolean =>
    [0, 1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, Math.max(0, end - cut))));
  let good = 0;
  for (let bad = bytes.length; bad - good > 1;) {
    const middle = (good + bad) >> 1;
    if (isTextBefore(middle)) good = middle;
    else bad = middle;
  }
  while (!isUtf8(bytes.subarray(0, good))) good--;
  const before = bytes.subarray(0, good).toString('utf8');
  const byte = bytes[good]!.toString(16).padStart(2, '0');
  return [
    `${before}\uFFFD`,
    {
      from: before.length,
      to: before.length + 1,
      message: `the byte 0x${byte} is not UTF-8: this is not text`,
      mend: `a history is UTF-8 text, plain or gzipped${hint}`,
    },
  ];
}
