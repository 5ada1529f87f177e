import { type Edn, EdnError, EdnReader } from './edn.ts';
import type { HistoryFormat, ImportedHistory, ReadOptions } from './history.ts';
import { type JepsenEvent, nameOf } from './jepsen-event.ts';
import { readJepsenEvents } from './jepsen-events.ts';

/**
 * The logger's name, followed by an operation's columns: `INFO jepsen.util - 3    :ok     :read   7`, `… jepsen.util: 3
 * :ok …`, or with a time in brackets between: `jepsen.util: [ 1350999542 ] 3 :ok …`.
 */
const LOGGER = /jepsen\.util(?:\s*[-:])?\s+(?:\[\s*\d+\s*\]\s+)?/;
/** An EDN value without brackets, as the name of a process: `3`, `:n1`, `"a b"`, `#uuid "…"`. */
const NAME = /(?:(?:#[\w./-]+\s*)?"(?:[^"\\]|\\.)*"|[^\s"[\](){};,#]+)/.source;
/** The columns of an operation up to its type. If the process is a number or a keyword, the type may be any keyword. */
const OPERATION = new RegExp(`^(?:(?:-?\\d+|:\\S+)\\s+:|${NAME}\\s+:(?:invoke|ok|fail|info)\\s)`);
/** A text that occurs only in the columns of an operation. */
const LIKE_OPERATION = /\s:(?:invoke|ok|fail|info)\s+:/;

/** A line of operation columns, without a logger before it. */
const LOG_LINE = new RegExp(`^\\s*${NAME}\\s+:(?:invoke|ok|fail|info)\\s`);

/**
 * Operations as Jepsen logs them, `PROCESS :TYPE :F VALUE [ERROR]` with tabs or spaces between: in a log (`jepsen.log`,
 * where other lines are skipped) or alone, one per line (`history.txt`). Time is the order of the lines.
 */
export const jepsenLog: HistoryFormat = {
  name: 'jepsen-log',
  example: `INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - 0\t:ok\t:write\t1
`,
  looksLike: (head) => LOG_LINE.test(head) || head.includes('jepsen.util'),
  read: readJepsenLog,
};

/** @throws HistoryError */
function readJepsenLog(text: string, options: ReadOptions): ImportedHistory {
  const source = { format: 'jepsen-log', text, events: () => logEvents(text) };
  const history = readJepsenEvents(source, options);
  const skipped = isLog(text) ? countSkipped(text) : 0;
  if (skipped === 0) return history;
  const note = `${skipped} line${skipped === 1 ? '' : 's'} of jepsen.util ${skipped === 1 ? 'is not an operation and was' : 'are not operations and were'} skipped.`;
  return { ...history, notes: [...history.notes, note] };
}

/**
 * True for a log. If the first line has only the columns, every line is an operation, even if its value looks like a
 * log line.
 */
const isLog = (text: string): boolean => text.includes('jepsen.util') && !LOG_LINE.test(text);

/** @throws EdnError */
function* logEvents(text: string): Generator<JepsenEvent> {
  const log = isLog(text);
  for (const { from: lineFrom, to, isWhole } of linesOf(text)) {
    const line = text.slice(lineFrom, to);
    const columns = log ? columnsOf(line) : 0;
    if (columns === null && LOGGER.test(line) && LIKE_OPERATION.test(line))
      throw new EdnError(
        'this line of jepsen.util seems to be an operation, but has other columns',
        { from: lineFrom, to },
        COLUMNS,
      );
    if (columns === null || line.trim() === '') continue;
    const from = lineFrom + columns;
    // A last line without a newline may be cut off, so that 12 would be read as 1.
    if (!isWhole && !WHOLE_END.test(text.slice(from, to)))
      throw new EdnError('the last line has no newline: it may be cut off', { from, to, cutOff: true });
    yield eventOf(text, from, to);
  }
}

/** The lines of a text; `isWhole`: it ends with a newline. */
function* linesOf(text: string): Generator<{ from: number; to: number; isWhole: boolean }> {
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    yield { from, to, isWhole: newline >= 0 };
    from = to + 1;
  }
}

/** Ends of a last line that cannot have been cut off. */
const WHOLE_END = /(?:\snil|[\])}"])\s*$/;

/** Position of the columns in a line of a log; null if it logs no operation. */
function columnsOf(line: string): number | null {
  if (LOG_LINE.test(line)) return 0;
  const logger = LOGGER.exec(line);
  if (logger === null) return null;
  const columns = logger.index + logger[0].length;
  return OPERATION.test(line.slice(columns)) ? columns : null;
}

function countSkipped(text: string): number {
  let skipped = 0;
  for (const { from, to } of linesOf(text)) {
    const line = text.slice(from, to);
    if (line.includes('jepsen.util') && columnsOf(line) === null) skipped++;
  }
  return skipped;
}

const COLUMNS = 'a line is PROCESS :TYPE :F VALUE, such as 0 :invoke :read nil';

function eventOf(text: string, lineFrom: number, to: number): JepsenEvent {
  const reader = new EdnReader(text, lineFrom, to);
  reader.peek();
  const from = reader.position;
  const process = reader.next();
  const type = reader.next();
  // The values of the nemesis may be any text, not only EDN.
  if (process !== null && process.type !== 'number' && type !== null && nameOf(type) === 'info')
    return { from, to, process, type, ...restOf(reader) };
  const f = reader.next();
  const value = reader.next();
  const error = reader.next();
  if (process === null || type === null || f === null || value === null)
    throw new EdnError('a line with too few columns', { from, to }, COLUMNS);
  const stray = text.slice(from, to).trimEnd().indexOf('\r');
  if (stray >= 0)
    throw new EdnError(
      'a carriage return within a line',
      { from: from + stray, to: from + stray + 1 },
      'all lines of a file must have the same end: a newline, a carriage return, or both',
    );
  return { from, to, process, type, f, value, ...(error === null ? {} : { error }) };
}

/** The further columns of an `:info`, as far as they are EDN. */
function restOf(reader: EdnReader): Pick<JepsenEvent, 'f' | 'value' | 'error'> {
  const rest: { f?: Edn; value?: Edn; error?: Edn } = {};
  try {
    for (const name of ['f', 'value', 'error'] as const) {
      const column = reader.next();
      if (column !== null) rest[name] = column;
    }
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return rest;
}
