import { HistoryError, problemAt } from '../history-error.ts';
import { decodeLine } from '../line.ts';
import { readChaosHistory } from '../read.ts';
import { type Edn, EdnError, EdnReader } from './edn.ts';
import type { HistoryFormat, ImportedHistory, ReadOptions } from './history.ts';
import { eventOfMap } from './jepsen-edn.ts';
import type { JepsenEvent } from './jepsen-event.ts';
import { readJepsenEvents } from './jepsen-events.ts';
import { JsonReader } from './json-edn.ts';

/**
 * Operations as JSON objects with the fields of Jepsen's maps: in an array, or one after the other. An array of the
 * lines of a `history.jsonl` is read, too.
 */
export const json: HistoryFormat = {
  name: 'json',
  example: `[{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1},
 {"process": 0, "type": "ok", "f": "write", "key": "x", "value": 1}]
`,
  looksLike: (head) => /^\[\s*\{\s*"/.test(head) || (/^\{\s*"/.test(head) && !isLineOfOurs(head)),
  read: readJson,
};

/**
 * True if the text begins like a `history.jsonl`: each line is an object with its index and the id of its operation.
 */
function isLineOfOurs(head: string): boolean {
  if (/^\{[^\S\n]*\n/.test(head)) return false;
  const newline = head.indexOf('\n');
  const line = newline < 0 ? head : head.slice(0, newline);
  return /"(?:index|id|time)"/.test(line) || !/"(?:process|type)"/.test(line);
}

/** @throws HistoryError */
function readJson(text: string, options: ReadOptions): ImportedHistory {
  if (isArrayOfLines(text)) return readLines(text, options);
  return readJepsenEvents({ format: 'json', text, events: () => jsonEvents(text), written }, options);
}

/** A value that the user wrote: JSON as in the history, or EDN as the program prints it. @throws EdnError */
function written(text: string): Edn | null {
  try {
    const reader = new JsonReader(text);
    const value = reader.next();
    if (reader.peek() === '') return value;
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return new EdnReader(text).next();
}

/** @throws EdnError */
function* jsonEvents(text: string): Generator<JepsenEvent> {
  for (const value of jsonValues(text)) yield eventOfMap(value, value.from);
}

/** The elements of the array, or the values of the text. @throws EdnError */
function* jsonValues(text: string): Generator<Edn> {
  const reader = new JsonReader(text);
  const isArray = reader.peek() === '[';
  const openedAt = text.indexOf('[');
  if (isArray) reader.step('[');
  while (reader.peek() !== '' && reader.peek() !== ']') {
    yield reader.next();
    if (!isArray || reader.peek() === ']') continue;
    if (reader.peek() !== '' && !reader.step(',')) reader.next();
  }
  if (isArray && !reader.step(']'))
    throw new EdnError(
      'the `[` that begins here is never closed',
      { from: openedAt, to: openedAt + 1 },
      'the file is cut off',
    );
  if (reader.peek() !== '') reader.next();
}

/** True if the first element of an array is a line of a `history.jsonl`. */
function isArrayOfLines(text: string): boolean {
  if (!text.trimStart().startsWith('[')) return false;
  try {
    for (const { from, to } of jsonValues(text)) return decodeLine(text.slice(from, to)).ok;
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return false;
}

/** Reads the elements as lines. Problems and operations get their places in the array. */
function readLines(text: string, options: ReadOptions): ImportedHistory {
  const elements: Edn[] = [];
  try {
    for (const value of jsonValues(text)) elements.push(value);
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    const { from, to, message, mend } = error;
    throw new HistoryError(options.file, [problemAt(text, { from, to, message, mend })]);
  }
  const lines = elements.map(({ from, to }) => text.slice(from, to).replaceAll(/[\r\n]/g, ' '));
  try {
    const history = readChaosHistory(`${lines.join('\n')}\n`, options);
    const lineOf = lineCounter(text);
    const places = elements.map(({ from }) => lineOf(from));
    const inFile = (all: readonly number[]): number[] =>
      all.map((line) => (line === 0 ? 0 : places[line - 1]!));
    const { calls, returns } = history.lines;
    return { ...history, format: 'json', lines: { calls: inFile(calls), returns: inFile(returns) } };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const problems = error.problems.map(({ line, column, message, mend }) => {
      const from = elements[line - 1]!.from + column - 1;
      return problemAt(text, { from, to: from + 1, message, mend });
    });
    throw new HistoryError(options.file, problems);
  }
}

/** Returns a function that gives the line (from 1) of a position. Positions must rise from call to call. */
function lineCounter(text: string): (at: number) => number {
  let line = 1;
  let next = text.indexOf('\n');
  return (at) => {
    for (; next >= 0 && next < at; next = text.indexOf('\n', next + 1)) line++;
    return line;
  };
}
