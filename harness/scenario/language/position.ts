import type { LineCounter } from 'yaml';
import { printableLine } from '../../printable.ts';

export type Path = readonly (string | number)[];

/** A part of the text, as character offsets; `end` is not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A mistake in a part of the text. */
export interface Finding extends Span {
  readonly message: string;
  readonly hint: string | null;
}

/** The place of a value and of what it contains. An alias has the place of the value that it repeats. */
export type Placed = { readonly span: Span } & (
  | { readonly kind: 'scalar' }
  | { readonly kind: 'list'; readonly items: readonly Placed[] }
  | {
      readonly kind: 'map';
      readonly entries: ReadonlyMap<string, { readonly key: Span; readonly value: Placed }>;
    }
);

/** A mistake and its place in a scenario file. Lines and columns count from 1. */
export interface ScenarioError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Number of characters to underline, at least 1. */
  readonly length: number;
  readonly message: string;
  readonly hint: string | null;
  /** Text of the line. */
  readonly source: string;
}

/** Finds the tokens of a parsed file. */
export class Places {
  readonly #lines: LineCounter;
  readonly #placed: Placed;

  constructor(lines: LineCounter, placed: Placed) {
    this.#lines = lines;
    this.#placed = placed;
  }

  /** The value of `path`, or its key; where there is no such token, the nearest one around it. */
  at(path: Path, part: 'key' | 'value'): Span {
    let placed: Placed = this.#placed;
    let found: Span = { start: 0, end: 1 };
    for (const [depth, segment] of path.entries()) {
      let key: Span | null = null;
      let value: Placed | undefined;
      if (placed.kind === 'map') {
        const entry = placed.entries.get(String(segment));
        if (entry === undefined) return found;
        ({ key, value } = entry);
      } else if (placed.kind === 'list') {
        value = placed.items[Number(segment)];
        if (value === undefined) return found;
      } else return found;
      const last = depth === path.length - 1;
      // A map or a list is best shown by its key; so is a value that is missing.
      const showKey = !last || part === 'key' || value.kind !== 'scalar' || isEmpty(value.span);
      const token = key !== null && showKey ? key : firstToken(value);
      if (!isEmpty(token)) found = token;
      placed = value;
    }
    return found;
  }

  lineOf(path: Path): number {
    return this.#lines.linePos(this.at(path, 'value').start).line;
  }
}

const isEmpty = ({ start, end }: Span): boolean => end <= start;

/** The token of a list's item to underline: a map's first key, or the scalar itself. */
function firstToken(value: Placed): Span {
  const first = value.kind === 'map' ? value.entries.values().next().value : undefined;
  return first?.key ?? value.span;
}

/** Maximum number of mistakes of one file that are shown. The others are counted. */
export const MOST_MISTAKES = 50;

/** Mistakes of a file that does not load: at most `MOST_MISTAKES` of them, and the number of the others. */
export interface Mistakes {
  readonly errors: readonly ScenarioError[];
  readonly more: number;
}

/** Sorts findings by their place in the file. If two checks found the same mistake, it is listed once. */
export function mistakesOf(
  file: string,
  text: string,
  findings: readonly Finding[],
  lines: LineCounter,
): Mistakes {
  const known = new Set<string>();
  const once = findings.filter(({ start, message }) => {
    const id = `${start} ${message}`;
    return known.size < known.add(id).size;
  });
  const shown = once.toSorted((a, b) => a.start - b.start).slice(0, MOST_MISTAKES);
  return {
    errors: shown.map((finding) => errorAt(file, text, finding, lines)),
    more: once.length - shown.length,
  };
}

function errorAt(
  file: string,
  text: string,
  { start, end, message, hint }: Finding,
  lines: LineCounter,
): ScenarioError {
  const { line, col } = lines.linePos(start);
  const from = lines.lineStarts[line - 1] ?? 0;
  const newline = text.indexOf('\n', from);
  const source = text.slice(from, newline < 0 ? text.length : newline).replace(/\r$/, '');
  // Only the part on the first line is underlined.
  const length = Math.max(1, Math.min(end - start, source.trimEnd().length - (col - 1)));
  return { file, line, column: Math.max(1, col), length, message, hint, source };
}

/** Maximum length of a line that is shown, in characters. A longer line is reduced to the part around the caret. */
const LONGEST_LINE = 120;
/** Length of the part before the caret, in characters. */
const BEFORE_CARET = 40;
/** Maximum length of a message or a hint, in characters: it may repeat text of the file. */
const LONGEST_MESSAGE = 400;

/** All mistakes as text: place, message, the line with a caret, a hint. Without characters that a terminal obeys. */
export function formatErrors({ errors, more }: Mistakes): string {
  const texts = errors.map(formatError);
  if (more > 0) texts.push(`… and ${more} more mistake${more === 1 ? '' : 's'} in this file`);
  return texts.join('\n\n');
}

function formatError({ file, line, column, length, message, hint, source }: ScenarioError): string {
  const gutter = String(line).padStart(5);
  const blank = ' '.repeat(gutter.length);
  const at = column - 1;
  const from = source.length <= LONGEST_LINE ? 0 : Math.max(0, at - BEFORE_CARET);
  const to = Math.min(source.length, from + LONGEST_LINE);
  const before = `${from > 0 ? '…' : ''}${printableLine(source.slice(from, at))}`;
  const token = printableLine(source.slice(at, Math.min(to, at + length)));
  const after = `${printableLine(source.slice(at + length, to))}${to < source.length ? '…' : ''}`;
  // Tabs before the caret stay tabs, so that the caret is under its token for every tab width.
  const pad = before.replace(/[^\t]/g, ' ');
  return [
    `${printableLine(file)}:${line}:${column}: ${shortened(message)}`,
    `${gutter} | ${before}${token}${after}`,
    `${blank} | ${pad}${'^'.repeat(Math.max(1, token.length))}`,
    ...(hint === null ? [] : [`${blank} = ${shortened(hint)}`]),
  ].join('\n');
}

const shortened = (text: string): string =>
  printableLine(text.length <= LONGEST_MESSAGE ? text : `${text.slice(0, LONGEST_MESSAGE)}…`);
