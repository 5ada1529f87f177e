import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Document,
  type LineCounter,
  type Node,
} from 'yaml';

export type Path = readonly (string | number)[];

/** A place in a scenario file, and what is wrong there. Lines and columns count from 1. */
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

/** Finds the tokens of a parsed file and makes errors that point at them. */
export class Places {
  readonly #file: string;
  readonly #lines: readonly string[];
  readonly #counter: LineCounter;
  readonly #document: Document | null;

  constructor(file: string, text: string, counter: LineCounter, document: Document | null) {
    this.#file = file;
    this.#lines = text.split(/\r?\n/);
    this.#counter = counter;
    this.#document = document;
  }

  /** An error at the value of `path`, or at its key; where there is no such token, at the nearest one around it. */
  at(path: Path, part: 'key' | 'value', message: string, hint: string | null = null): ScenarioError {
    const [start, end] = this.#range(path, part);
    return this.span(start, end, message, hint);
  }

  /** An error at character offsets of the text. */
  span(start: number, end: number, message: string, hint: string | null = null): ScenarioError {
    const { line, col } =
      this.#counter.lineStarts.length === 0 ? { line: 1, col: 1 } : this.#counter.linePos(start);
    const source = this.#lines[line - 1] ?? '';
    // Only the part on the first line is underlined.
    const length = Math.max(1, Math.min(end - start, source.trimEnd().length - (col - 1)));
    return { file: this.#file, line, column: col, length, message, hint, source };
  }

  lineOf(path: Path): number {
    return this.#counter.linePos(this.#range(path, 'value')[0]).line;
  }

  #range(path: Path, part: 'key' | 'value'): [number, number] {
    let node: Node | null | undefined = this.#document?.contents;
    let found: [number, number] = [0, 1];
    for (const [depth, segment] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.#document!);
      let key: Node | null = null;
      let value: Node | null | undefined;
      if (isMap(node)) {
        const pair = node.items.find(
          (item) => isScalar(item.key) && String(item.key.value) === String(segment),
        );
        if (pair === undefined) return found;
        key = pair.key as Node;
        value = pair.value as Node | null;
      } else if (isSeq(node)) {
        value = node.items[Number(segment)] as Node | undefined;
        if (value === undefined) return found;
      } else return found;
      const last = depth === path.length - 1;
      // A map or a list is best shown by its key; so is a value that is missing.
      const showKey = key !== null && (!last || part === 'key' || isCollection(value) || !hasText(value));
      const token = showKey ? key : firstToken(value);
      if (token?.range) found = [token.range[0], token.range[1]];
      node = value;
    }
    return found;
  }
}

const hasText = (node: Node | null | undefined): boolean =>
  node?.range !== null && node?.range !== undefined && node.range[1] > node.range[0];

/** The token of a list's item to underline: a map's first key, or the scalar itself. */
function firstToken(node: Node | null | undefined): Node | null {
  if (isMap(node)) return (node.items[0]?.key as Node | undefined) ?? node;
  return node ?? null;
}

/** All errors as text: place, message, the line with a caret, a hint. */
export function formatErrors(errors: readonly ScenarioError[]): string {
  return errors
    .map(({ file, line, column, length, message, hint, source }) => {
      const gutter = String(line).padStart(5);
      // Tabs before the caret stay tabs, so that the caret is under its token for every tab width.
      const pad = source.slice(0, column - 1).replace(/[^\t]/g, ' ');
      return [
        `${file}:${line}:${column}: ${message}`,
        `${gutter} | ${source}`,
        `${' '.repeat(gutter.length)} | ${pad}${'^'.repeat(length)}`,
        ...(hint === null ? [] : [`${' '.repeat(gutter.length)} = ${hint}`]),
      ].join('\n');
    })
    .join('\n\n');
}
