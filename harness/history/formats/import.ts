import type { Op } from '../op.ts';
import { HistoryError, problemAt, zeroByte } from '../history-error.ts';
import { withPlainLines } from '../line-ends.ts';
import { EdnError, EdnReader } from './edn.ts';
import { type ExpectedModel, type ImportedHistory, notInModel, type ReadOptions } from './history.ts';
import { detectFormat, FORMAT_NAMES, formatNamed } from './registry.ts';

/**
 * Reads a history in any format; `format` undefined: the one that the text seems to be in. An empty text is an empty
 * history. @throws HistoryError
 */
export function importHistory(
  recorded: string,
  options: ReadOptions & { readonly format?: string | undefined },
): ImportedHistory {
  const { file, model } = options;
  const text = withPlainLines(recorded);
  const zero = text.indexOf('\0');
  if (zero >= 0) throw new HistoryError(file, [problemAt(text, zeroByte(zero))]);
  if (holdsNothing(text)) return { ...EMPTY, initial: options.initial ?? null };
  const format = options.format === undefined ? detectFormat(text) : formatNamed(options.format);
  if (format === null) {
    const start = text.length - text.trimStart().length;
    throw flawed(text, file, [
      start,
      'no format of a history begins like this',
      `known: ${FORMAT_NAMES.join(', ')}; name one with --format`,
    ]);
  }
  const history = format.read(text, options);
  if (history.ops.length === 0) throw unrecognised(text, file, history);
  const stranger = model === undefined ? -1 : history.ops.findIndex((op) => !model.functions.includes(op.f));
  if (model === undefined || stranger < 0) return history;
  throw strangerError(text, {
    file,
    model,
    op: history.ops[stranger]!,
    line: history.lines.calls[stranger]!,
  });
}

/** True if the text has only white space and comments, or a collection without elements. */
function holdsNothing(text: string): boolean {
  const reader = new EdnReader(text);
  try {
    const opening = reader.peek();
    if (opening === '') return true;
    if (opening !== '[' && opening !== '(') return false;
    reader.step();
    if (reader.peek() !== (opening === '[' ? ']' : ')')) return false;
    reader.step();
    return reader.peek() === '';
  } catch (error) {
    if (error instanceof EdnError) return false;
    throw error;
  }
}

/**
 * Returns the error for a text that is not empty but has no operations: it is probably not the file that the user
 * meant.
 */
function unrecognised(text: string, file: string, { format, notes }: ImportedHistory): HistoryError {
  const start = text.length - text.trimStart().length;
  const read = `read as ${format}${notes.map((note) => `; ${note}`).join('')}`;
  return flawed(text, file, [start, 'no operation of a client was recognised', read]);
}

const EMPTY: ImportedHistory = {
  format: null,
  ops: [],
  lists: false,
  lines: { calls: [], returns: [] },
  clock: 'line',
  initial: null,
  processNames: new Map(),
  notes: [],
};

interface Stranger {
  readonly file: string;
  readonly model: ExpectedModel;
  readonly op: Op;
  readonly line: number;
}

function strangerError(text: string, { file, model, op, line }: Stranger): HistoryError {
  let from = 0;
  for (let number = 1; number < line; number++) from = text.indexOf('\n', from) + 1;
  return flawed(text, file, [from, ...notInModel(model, op.f)]);
}

function flawed(
  text: string,
  file: string,
  [from, message, mend]: readonly [from: number, message: string, mend: string],
): HistoryError {
  return new HistoryError(file, [problemAt(text, { from, to: from + 1, message, mend })]);
}
