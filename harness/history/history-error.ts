import { printableLine } from '../printable.ts';

/** A mistake in the text of a history, and its place. Lines and columns count from 1. */
export interface HistoryProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The likely correction; null: the message says it. */
  readonly mend: string | null;
  /** The line; of a long line, the part around the column. */
  readonly source: string;
  /** The range of characters of `source` that it is about. */
  readonly marked: { readonly from: number; readonly length: number };
}

/** A history that cannot be checked. `message` has a line `file:line:column: what` for each problem. */
export class HistoryError extends Error {
  readonly file: string;
  readonly problems: readonly HistoryProblem[];

  constructor(file: string, problems: readonly HistoryProblem[]) {
    super(
      problems
        .map(({ line, column, message, mend }) => {
          const hint = mend === null ? '' : `; ${mend}`;
          return `${printableLine(file)}:${line}:${column}: ${message}${hint}`;
        })
        .join('\n'),
    );
    this.name = 'HistoryError';
    this.file = file;
    this.problems = problems;
  }
}

/** Maximum number of problems, after which reading ends: with this many, the rest most likely has the same cause. */
export const MOST_PROBLEMS = 20;
/** Maximum number of characters that are shown of a line. */
const WIDEST_SOURCE = 160;
const SHOWN_BEFORE = 60;

/** Collects the problems of a text. */
export class Problems {
  readonly #text: string;
  readonly #all: HistoryProblem[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** True if there are enough problems, so that reading can stop. */
  get full(): boolean {
    return this.#all.length >= MOST_PROBLEMS;
  }

  /** Notes a problem with the characters from `from` to before `to`. */
  add({ from, to, message, mend }: Flaw): void {
    if (!this.full) this.#all.push(problemAt(this.#text, { from, to, message, mend }));
  }

  /** @throws HistoryError if there was a problem. */
  throwIfAny(file: string): void {
    if (this.#all.length > 0) throw new HistoryError(file, this.#all);
  }
}

/** A problem by its place in the text: characters from `from` to before `to`. */
export interface Flaw {
  readonly from: number;
  readonly to: number;
  readonly message: string;
  readonly mend: string | null;
}

/** The mistake of a zero byte at this place. */
export const zeroByte = (at: number): Flaw => ({
  from: at,
  to: at + 1,
  message: 'a zero byte: this is not text',
  mend: 'a history is UTF-8 text, plain or gzipped',
});

export function problemAt(text: string, { from, to, message, mend }: Flaw): HistoryProblem {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < from; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  const newline = text.indexOf('\n', lineStart);
  const lineEnd = newline < 0 ? text.length : newline;
  const whole = lineEnd - lineStart <= WIDEST_SOURCE;
  const shownFrom = whole ? lineStart : Math.max(lineStart, from - SHOWN_BEFORE);
  const shownTo = Math.min(lineEnd, shownFrom + WIDEST_SOURCE);
  const shown = (start: number, end: number): string =>
    printableLine(text.slice(start, Math.min(end, shownTo)));
  const source = shown(shownFrom, shownTo).trimEnd();
  const markedFrom = Math.min(shown(shownFrom, from).length, source.length);
  const markedTo = Math.min(markedFrom + shown(from, Math.max(from, to)).length, source.length);
  return {
    line,
    column: from - lineStart + 1,
    message: printableLine(message),
    mend,
    source,
    // Only characters of this line are underlined, at least one.
    marked: { from: markedFrom, length: Math.max(1, markedTo - markedFrom) },
  };
}

/** All problems as text for users: place, message, the line with a caret, the likely correction. */
export function formatProblems({ file, problems }: HistoryError): string {
  return problems
    .map(({ line, column, message, mend, source, marked }) => {
      const gutter = String(line).padStart(5);
      const blank = ' '.repeat(gutter.length);
      // Tabs before the caret stay tabs, so that it is below its token for every tab width.
      const pad = source.slice(0, marked.from).replace(/[^\t]/g, ' ');
      return [
        `${printableLine(file)}:${line}:${column}: ${message}`,
        `${gutter} | ${source}`,
        `${blank} | ${pad}${'^'.repeat(marked.length)}`,
        ...(mend === null ? [] : [`${blank} = ${mend}`]),
      ].join('\n');
    })
    .join('\n\n');
}
