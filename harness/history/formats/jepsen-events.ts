import { Problems, type Flaw } from '../history-error.ts';
import type { Op } from '../op.ts';
import { EdnError } from './edn.ts';
import type { ImportedHistory, ReadOptions } from './history.ts';
import { bareText, flawAt, functionOf, inputOf, integer, isFlaw, missing } from './jepsen-values.ts';
import { nameOf, outputOf, shown, splitKey } from './jepsen-values.ts';
import type { JepsenEvent, Shape } from './jepsen-values.ts';
import { type Moment, Pairing } from './pairing.ts';

/** A history's text as events in Jepsen's shape. */
export interface EventSource {
  readonly format: string;
  readonly text: string;
  /** In the order of the text. @throws EdnError */
  readonly events: Iterable<JepsenEvent>;
  readonly shape: Shape;
}

/** Reads a history in Jepsen's form. @throws HistoryError with the mistakes */
export function readJepsenEvents(source: EventSource, { file, onOp }: ReadOptions): ImportedHistory {
  const problems = new Problems(source.text);
  const reader = new EventReader(source);
  const notes: string[] = [];
  try {
    for (const event of source.events) {
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
  const history = reader.history(notes);
  // Their times were not known before.
  if (onOp !== undefined) history.ops.forEach(onOp);
  return history;
}

/**
 * True for the remains of a killed writer: the last line without its end. Skipping it leaves an operation open, and so
 * loses no truth. An unclosed vector is different, because no writer writes one line by line.
 */
function isTornLine(text: string, { cutOff, from }: EdnError): boolean {
  const lineFrom = text.lastIndexOf('\n') + 1;
  return cutOff && lineFrom > 0 && from >= lineFrom && !'[('.includes(text.trimStart().charAt(0));
}

class EventReader {
  readonly #source: EventSource;
  readonly #shape: Shape;
  readonly #pairing = new Pairing();
  #lastIndex = -Infinity;
  /** Events of the nemesis. */
  #others = 0;
  /** The line of the event that is being read, and where the next line begins. */
  #line = 1;
  #lineEnd: number;

  constructor(source: EventSource) {
    this.#source = source;
    this.#shape = source.shape;
    this.#lineEnd = lineEnd(source.text, 0);
  }

  /** Null, or the mistake in the event. */
  read(event: JepsenEvent): Flaw | null {
    while (this.#lineEnd < event.from) {
      this.#line++;
      this.#lineEnd = lineEnd(this.#source.text, this.#lineEnd + 1);
    }
    return this.#indexFlaw(event) ?? this.#readEvent(event);
  }

  history(notes: readonly string[]): ImportedHistory {
    const paired = this.#pairing.finish();
    const others = this.#others;
    const skipped =
      others === 0 ? [] : [`${others} event${others === 1 ? '' : 's'} of the nemesis left out.`];
    return {
      format: this.#source.format,
      lists: this.#shape.lists,
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
        `index ${number} does not rise over ${this.#lastIndex}`,
        'lines are doubled or out of order',
      );
    this.#lastIndex = number;
    return null;
  }

  #readEvent(event: JepsenEvent): Flaw | null {
    if (event.process === undefined) return missing(event, ':process', 'an integer, or :nemesis');
    const process = integer(event.process);
    if (process === null) {
      if (event.process.type !== 'keyword' && event.process.type !== 'string')
        return flawAt(
          event.process,
          `the process is ${shown(event.process)}`,
          'an integer is a client, a keyword the nemesis',
        );
      // Faults, clocks, logs: events of other processes than clients do not count.
      this.#others++;
      return null;
    }
    if (event.type === undefined) return missing(event, ':type', ':invoke, :ok, :fail or :info');
    const type = nameOf(event.type);
    if (type === 'invoke') return this.#invoke(event, process);
    if (type === 'ok') return this.#succeed(event, process);
    if (type === 'fail' || type === 'info') return this.#end(event, process, type);
    return flawAt(event.type, `the type is ${shown(event.type)}`, 'it must be :invoke, :ok, :fail or :info');
  }

  #invoke(event: JepsenEvent, process: number): Flaw | null {
    const f = functionOf(event, this.#shape);
    if (typeof f !== 'string') return f;
    const split = splitKey(event, this.#shape);
    if (isFlaw(split)) return split;
    const input = inputOf(f, split.value, { event, shape: this.#shape });
    if (isFlaw(input)) return input;
    // The node is empty if the history does not name it.
    const node = event.node === undefined ? `process ${process}` : bareText(event.node);
    const objection = this.#pairing.invoke({ process, f, key: split.key, input, node }, this.#moment(event));
    return objection === null ? null : flawAt(event, ...objection);
  }

  /** An `ok`. The value of the completion counts more than that of the invocation, if there is one, as in Knossos. */
  #succeed(event: JepsenEvent, process: number): Flaw | null {
    const open = this.#openOf(event, process);
    if (isFlaw(open)) return open;
    const split = splitKey(event, this.#shape);
    if (isFlaw(split)) return split;
    if (split.key !== open.key)
      return flawAt(
        event.key ?? event.value ?? event,
        `process ${process} invoked ${open.f} of key ${open.key}, but completes one of key ${split.key}`,
        'lines are missing or out of order',
      );
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

  #end(event: JepsenEvent, process: number, outcome: 'fail' | 'info'): Flaw | null {
    const open = this.#openOf(event, process);
    if (isFlaw(open)) return open;
    const error = errorOf(event);
    this.#pairing.complete(open, { outcome, ...(error === null ? {} : { error }) }, this.#moment(event));
    return null;
  }

  /** The operation that this event completes. */
  #openOf(event: JepsenEvent, process: number): Readonly<Op> | Flaw {
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

/** The text of `:error`, or of a keyword in the place of the value: `:timed-out`. */
function errorOf({ error, value }: JepsenEvent): string | null {
  const said = error ?? (value?.type === 'keyword' ? value : undefined);
  return said === undefined ? null : bareText(said);
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}
