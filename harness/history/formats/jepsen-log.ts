import { EdnError, EdnReader } from './edn.ts';
import type { HistoryFormat, ImportedHistory, ReadOptions } from './history.ts';
import { readJepsenEvents } from './jepsen-events.ts';
import { type JepsenEvent, shapeOf } from './jepsen-values.ts';

/**
 * The logger's name, followed by an operation's columns: `INFO jepsen.util - 3    :ok     :read   7`, `… jepsen.util: 3
 * :ok …`.
 */
const LOGGER = /jepsen\.util(?:\s*[-:])?\s+/;
/** Beginning of an operation's columns; a logger also writes sentences. */
const OPERATION = /^(?:\d+|:\S+)\s+:/;

/** A line of operation columns, without a logger before it. */
const LOG_LINE = /^\s*(?:\d+|:\S+)\s+:(?:invoke|ok|fail|info)\s/;

/**
 * Operations as Jepsen logs them, `PROCESS :TYPE :F VALUE [ERROR]` with tabs or spaces between: in a log (`jepsen.log`,
 * where other lines are skipped) or alone, one per line (`history.txt`). Time is the order of the lines. A failed CAS
 * of etcd, as Jepsen logged it, says that the value was another.
 */
export const jepsenLog: HistoryFormat = {
  name: 'jepsen-log',
  example: `INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - 0\t:ok\t:write\t1
`,
  casFail: 'mismatch',
  looksLike: (head) => LOG_LINE.test(head) || head.includes('jepsen.util'),
  read: readJepsenLog,
};

/** @throws HistoryError */
function readJepsenLog(text: string, options: ReadOptions): ImportedHistory {
  const shape = shapeOf(logEvents(text), options.model);
  const source = {
    format: 'jepsen-log',
    text,
    events: logEvents(text),
    shape,
    casFailure: 'mismatch',
  } as const;
  return readJepsenEvents(source, options);
}

/** @throws EdnError */
function* logEvents(text: string): Generator<JepsenEvent> {
  const isLog = text.includes('jepsen.util');
  for (let lineFrom = 0; lineFrom < text.length;) {
    const newline = text.indexOf('\n', lineFrom);
    const to = newline < 0 ? text.length : newline;
    const from = isLog ? behindLogger(text, lineFrom, to) : lineFrom;
    lineFrom = to + 1;
    if (from === null || text.slice(from, to).trim() === '') continue;
    // Without its newline the last line may have lost its end, and 12 be read as 1.
    if (newline < 0 && !WHOLE_END.test(text.slice(from, to)))
      throw new EdnError('the last line has no newline: it may be cut off', { from, to, cutOff: true });
    yield eventOf(text, from, to);
  }
}

/** Ends of a last line that cannot have been cut off. */
const WHOLE_END = /(?:\snil|[\])}"])\s*$/;

/** The place where the columns begin in a line of the log; null: the line is not about an operation. */
function behindLogger(text: string, from: number, to: number): number | null {
  const line = text.slice(from, to);
  const logger = LOGGER.exec(line);
  if (logger === null) return null;
  const columns = logger.index + logger[0].length;
  return OPERATION.test(line.slice(columns)) ? from + columns : null;
}

function eventOf(text: string, lineFrom: number, to: number): JepsenEvent {
  const reader = new EdnReader(text, lineFrom, to);
  reader.peek();
  const from = reader.position;
  const process = reader.next();
  // A nemesis may write anything, not only EDN.
  if (process?.type === 'keyword') return { from, to, process };
  const type = reader.next();
  const f = reader.next();
  const value = reader.next();
  const error = reader.next();
  if (process === null || type === null || f === null || value === null)
    throw new EdnError(
      'a line with too few columns',
      { from, to },
      'a line is PROCESS :TYPE :F VALUE, such as 0 :invoke :read nil',
    );
  return { from, to, process, type, f, value, ...(error === null ? {} : { error }) };
}
