import { HistoryError, problemAt, Problems, type Flaw } from '../history-error.ts';
import type { Op, RegisterValue } from '../op.ts';
import { type Edn, EdnError } from './edn.ts';
import { ednText } from './edn-text.ts';
import type { ImportedHistory, ReadOptions } from './history.ts';
import { bareText, flawAt, integer, isFlaw, type JepsenEvent, missing } from './jepsen-event.ts';
import { nameOf, shown } from './jepsen-event.ts';
import { OtherShape, type Shape, shapeOf } from './jepsen-shape.ts';
import { type EventKey, functionOf, initialOf, inputOf, outputOf, splitKey } from './jepsen-values.ts';
import { type Moment, Pairing, type ProcessName } from './pairing.ts';

/** A history's text as events in Jepsen's shape. */
export interface EventSource {
  readonly format: string;
  readonly text: string;
  /** Returns the events in the order of the text. Each call starts at the beginning. May throw EdnError. */
  readonly events: () => Iterable<JepsenEvent>;
  /** True if a key that was never written holds "". */
  readonly emptyAtFirst?: boolean;
  /** Reads a value that the user wrote as in the history; EDN by default. May throw EdnError. */
  readonly written?: (text: string) => Edn | null;
}

/** Reads a history in Jepsen's form. @throws HistoryError with the mistakes */
export function readJepsenEvents(source: EventSource, options: ReadOptions): ImportedHistory {
  try {
    return readAs(source, shapeOf(source.events(), { ...source, model: options.model }), options);
  } catch (error) {
    if (!(error instanceof OtherShape)) throw error;
    const shape = shapeOf(source.events(), { ...source, model: options.model, whole: true });
    return readAs(source, shape, options);
  }
}

function readAs(source: EventSource, shape: Shape, { file, initial, onOp }: ReadOptions): ImportedHistory {
  const problems = new Problems(source.text);
  const reader = new EventReader(source, shape);
  const notes: string[] = [];
  try {
    for (const event of source.events()) {
      const flaw = reader.read(event);
      if (flaw !== null) problems.add(flaw);
      if (problems.full) break;
    }
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    if (isTornLine(source.text, error)) notes.push('The last line is cut off and was left out.');
    else problems.add(error);
  }
  problems.throwIfAny(file);
  const history = reader.history(
    notes,
    initial === undefined ? shape.nil : initialValue(initial, shape, source.written),
  );
  // Until now their times were unknown.
  if (onOp !== undefined) history.ops.forEach(onOp);
  return history;
}

/** @throws HistoryError whose file is the option */
function initialValue(text: string, shape: Shape, written: EventSource['written']): RegisterValue {
  try {
    const value = initialOf(text, shape, written);
    if (value === null || typeof value === 'string') return value;
    throw new EdnError(value.message, value, value.mend);
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
    const mend = error.mend ?? 'it is one value, written as in the history: 0, "a", [1 2]';
    const { from, to, message } = error;
    throw new HistoryError('--initial', [problemAt(text, { from, to, message, mend })]);
  }
}

/**
 * True if the last line has no end, because its writer was killed. If it is skipped, an operation stays open, so the
 * verdict stays right. An unclosed vector is different, because no program writes a vector line by line.
 */
function isTornLine(text: string, { cutOff, from }: EdnError): boolean {
  const lineFrom = text.lastIndexOf('\n') + 1;
  return cutOff && lineFrom > 0 && from >= lineFrom && !'[('.includes(text.trimStart().charAt(0));
}

class EventReader {
  readonly #source: EventSource;
  readonly #shape: Shape;
  readonly #pairing = new Pairing();
  /** Name of each key in messages, by its text. */
  readonly #keys = new Map<string, string>();
  #lastIndex = -Infinity;
  /** Number of events of processes that are not clients. */
  #others = 0;
  /** The first event of each process with a name, if that was an `:info` that completes nothing. */
  readonly #lone = new Map<string, JepsenEvent>();
  /** Processes whose last invocation has a mistake. */
  readonly #refused = new Set<ProcessName>();
  /** Line of the current event, and the position at which the next line begins. */
  #line = 1;
  #lineEnd: number;

  constructor(source: EventSource, shape: Shape) {
    this.#source = source;
    this.#shape = shape;
    this.#lineEnd = lineEnd(source.text, 0);
  }

  /** Reads an event. Returns the mistake in it, or null. */
  read(event: JepsenEvent): Flaw | null {
    while (this.#lineEnd < event.from) {
      this.#line++;
      this.#lineEnd = lineEnd(this.#source.text, this.#lineEnd + 1);
    }
    return this.#indexFlaw(event) ?? this.#readEvent(event);
  }

  history(notes: readonly string[], initial: RegisterValue): ImportedHistory {
    // Keys such as 1 and "1" have the same name, so they are shown as EDN text.
    const areTold = new Set(this.#keys.values()).size === this.#keys.size;
    const onlyKey = this.#keys.get('');
    const paired = this.#pairing.finish((key) =>
      areTold ? this.#keys.get(key)! : key === '' ? `${onlyKey} (no key)` : key,
    );
    const others = this.#others;
    const skipped =
      others === 0 ? [] : [`${others} event${others === 1 ? '' : 's'} of the nemesis left out.`];
    return {
      format: this.#source.format,
      lists: this.#shape.lists,
      initial,
      ...paired,
      notes: [...notes, ...skipped],
    };
  }

  #indexFlaw({ index }: JepsenEvent): Flaw | null {
    const number = integer(index);
    if (index === undefined || number === null) return null;
    if (number <= this.#lastIndex)
      return flawAt(
        index,
        `index ${number} is not greater than ${this.#lastIndex}, the one before`,
        'lines are repeated or out of order',
      );
    this.#lastIndex = number;
    return null;
  }

  #readEvent(event: JepsenEvent): Flaw | null {
    if (event.process === undefined) return missing(event, ':process', 'an integer or a name');
    const process = processOf(event.process);
    if (typeof process === 'object') return process;
    if (event.type === undefined) return missing(event, ':type', ':invoke, :ok, :fail or :info');
    const type = nameOf(event.type);
    if (type !== 'invoke' && type !== 'ok' && type !== 'fail' && type !== 'info')
      return flawAt(
        event.type,
        `the type is ${shown(event.type)}`,
        'it must be :invoke, :ok, :fail or :info',
      );
    if (typeof process === 'string') {
      // A process that has only :info events is not a client but, for example, the nemesis.
      if (type === 'info' && !this.#pairing.knows(process)) {
        this.#others++;
        if (!this.#lone.has(process)) this.#lone.set(process, event);
        return null;
      }
      const lone = this.#lone.get(process);
      if (lone !== undefined) return this.#loneFlaw(process, lone);
    }
    if (type === 'invoke') {
      const flaw = this.#invoke(event, process);
      if (flaw !== null) this.#refused.add(process);
      return flaw;
    }
    // Its invocation was refused, so this completion has nothing to complete. The mistake was reported already.
    if (this.#refused.delete(process)) return null;
    if (type === 'ok') return this.#succeed(event, process);
    return this.#end(event, process, type);
  }

  /** Returns the mistake of a client whose first event is an `:info`. */
  #loneFlaw(process: string, lone: JepsenEvent): Flaw {
    this.#lone.delete(process);
    return flawAt(lone, ...(this.#pairing.openOf(process) as readonly [string, string]));
  }

  #invoke(event: JepsenEvent, process: ProcessName): Flaw | null {
    const f = functionOf(event, this.#shape);
    if (typeof f !== 'string') return f;
    const split = splitKey(event, this.#shape);
    if (isFlaw(split)) return split;
    const input = inputOf(f, split.value, { event, shape: this.#shape });
    if (isFlaw(input)) return input;
    // The node is empty if the history does not name it.
    const node = event.node === undefined ? `process ${process}` : bareText(event.node);
    this.#keys.set(split.key.text, split.key.name);
    const objection = this.#pairing.invoke(
      { process, f, key: split.key.text, input, node },
      this.#moment(event),
    );
    return objection === null ? null : flawAt(event, ...objection);
  }

  /** Handles an `ok`. As in Knossos, the value of the completion, if there is one, replaces that of the invocation. */
  #succeed(event: JepsenEvent, process: ProcessName): Flaw | null {
    const open = this.#openOf(event, process);
    if (isFlaw(open)) return open;
    const split = splitKey(event, this.#shape);
    if (isFlaw(split)) return split;
    if (split.key.text !== open.key) return this.#keyFlaw(event, process, split.key, open);
    if (open.f === 'read') {
      const output = outputOf(split.value, this.#shape);
      if (isFlaw(output)) return output;
      this.#pairing.complete(open, { outcome: 'ok', output }, this.#moment(event));
      return null;
    }
    const silent = split.value === undefined || split.value.type === 'nil';
    const input = silent ? open.input : inputOf(open.f, split.value, { event, shape: this.#shape });
    if (isFlaw(input)) return input;
    this.#pairing.complete(open, { outcome: 'ok', input }, this.#moment(event));
    return null;
  }

  #keyFlaw(event: JepsenEvent, process: ProcessName, key: EventKey, open: Readonly<Op>): Flaw {
    const invoked = this.#keys.get(open.key)!;
    const [before, after] = invoked === key.name ? [open.key, key.text] : [invoked, key.name];
    return flawAt(
      event.key ?? event.value ?? event,
      `process ${process} invoked ${open.f} of key ${before}, but completes one of key ${after}`,
      'lines are missing or out of order',
    );
  }

  #end(event: JepsenEvent, process: ProcessName, outcome: 'fail' | 'info'): Flaw | null {
    const open = this.#openOf(event, process);
    if (isFlaw(open)) return open;
    const error = errorOf(event);
    this.#pairing.complete(open, { outcome, ...(error === null ? {} : { error }) }, this.#moment(event));
    return null;
  }

  /** Returns the operation that this event completes. */
  #openOf(event: JepsenEvent, process: ProcessName): Readonly<Op> | Flaw {
    const open = this.#pairing.openOf(process);
    if (!('id' in open)) return flawAt(event, ...open);
    const f = functionOf(event, this.#shape);
    if (typeof f !== 'string') return f;
    if (f === open.f) return open;
    const message = `process ${process} invoked ${open.f}, but completes ${f}`;
    return flawAt(event.f ?? event, message, 'lines are missing or out of order');
  }

  #moment({ time }: JepsenEvent): Moment {
    return { line: this.#line, timeNs: integer(time) };
  }
}

/** Types of values that name a process. */
const NAMES: ReadonlySet<Edn['type']> = new Set(['keyword', 'string', 'symbol', 'character', 'tagged']);

/** Returns a process: an integer, or a name such as a keyword or a string. */
function processOf(process: Edn): ProcessName | Flaw {
  if (NAMES.has(process.type)) return ednText(process);
  const number = integer(process);
  if (number !== null) return number;
  return flawAt(process, `the process is ${shown(process)}`, 'it must be an integer, a keyword or a string');
}

/** Returns the text of `:error`, or of a keyword in place of the value, such as `:timed-out`. */
function errorOf({ error, value }: JepsenEvent): string | null {
  const said = error ?? (value?.type === 'keyword' ? value : undefined);
  return said === undefined ? null : bareText(said);
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}
