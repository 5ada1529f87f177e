import { encodeLine } from '../../harness/history/line.ts';
import type { Op, RegisterValue } from '../../harness/history/op.ts';

/** An invocation or a completion, which is one line of a history. */
export interface Event {
  readonly op: Op;
  readonly type: 'invoke' | Op['outcome'];
  /** Time in ms. */
  readonly at: number;
  /** Position among the original events, before any damage. */
  readonly index: number;
}

/** Returns the operations as events in order of time. An `info` without a time of giving up has no completion. */
export function eventsOf(ops: readonly Op[]): readonly Event[] {
  const events = ops.flatMap((op): Omit<Event, 'index'>[] => {
    const end = op.outcome === 'info' ? op.gaveUp : op.return;
    const invoked = { op, type: 'invoke' as const, at: op.call };
    return end === undefined ? [invoked] : [invoked, { op, type: op.outcome, at: end }];
  });
  return events.sort((a, b) => a.at - b.at).map((event, index) => ({ ...event, index }));
}

/** Different ways to write the same history as Jepsen's EDN. */
export interface EdnStyle {
  readonly vector: boolean;
  readonly tagged: boolean;
  readonly namespaced: boolean;
  /** True for events without `:index` and `:time`, as in handwritten histories. */
  readonly bare: boolean;
  /** True if reads return lists of the appended values. */
  readonly lists: boolean;
}
export const PLAIN: EdnStyle = { vector: false, tagged: false, namespaced: false, bare: false, lists: false };

/** Name of a format that this file can write. */
export type WrittenFormat = 'chaos' | 'jepsen-edn' | 'jepsen-log' | 'json' | 'porcupine-kv';

export interface WriteOptions {
  /** False for foreign histories without keys. */
  readonly keyed?: boolean;
  readonly style?: EdnStyle;
  /** Name of a process as EDN text. Our own format has only numbers. */
  readonly processName?: (process: number) => string;
  /** Error of a failed CAS that missed, in foreign formats. */
  readonly mismatch?: string;
}

interface Writing extends Required<WriteOptions> {
  readonly format: WrittenFormat;
}

/**
 * Writes a history. Foreign formats do not say what a failed CAS found, and have no tombstones: a delete with one is a
 * write of it.
 */
export function writeHistory(
  events: readonly Event[],
  format: WrittenFormat,
  { keyed = true, style = PLAIN, processName = String, mismatch = 'cas-mismatch' }: WriteOptions = {},
): string {
  const writing: Writing = { format, keyed, style, processName, mismatch };
  switch (format) {
    case 'chaos':
      return lines(events.map(chaosLine));
    case 'jepsen-edn': {
      const maps = events.map((event) => jepsenMap(event, writing));
      return style.vector ? `[${maps.join('\n ')}]\n` : lines(maps);
    }
    case 'jepsen-log':
      return lines(events.map((event) => `INFO  jepsen.util - ${logColumns(event, writing)}`));
    case 'json':
      return `[${events.map((event) => jsonMap(event, writing)).join(',\n ')}]\n`;
    case 'porcupine-kv':
      return lines(events.map((event) => porcupineMap(event, writing)));
    default:
      return format satisfies never;
  }
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

function chaosLine({ op, type, at, index }: Event): string {
  const isRead = op.f === 'read' && type === 'ok';
  return encodeLine({
    index,
    id: op.id,
    process: op.process,
    type,
    f: op.f,
    key: op.key,
    value: isRead ? (op.output ?? null) : op.input,
    time: Math.round(at * 1e6),
    node: op.node,
    ...(op.f === 'cas' && type === 'fail' && op.output !== undefined ? { found: op.output } : {}),
    ...(type === 'invoke' || op.error === undefined ? {} : { error: op.error }),
    ...(type === 'invoke' ? {} : { attempts: op.attempts }),
  });
}

const quoted = (value: RegisterValue): string => (value === null ? 'nil' : JSON.stringify(value));

function ednValue({ op, type }: Event, keyed: boolean, lists: boolean): string {
  const read = type === 'ok' ? (op.output ?? null) : null;
  const value =
    op.f === 'read'
      ? lists && read !== null
        ? `[${elementsOf(read).map(quoted).join(' ')}]`
        : quoted(read)
      : Array.isArray(op.input)
        ? `[${op.input.map(quoted).join(' ')}]`
        : quoted(op.input as RegisterValue);
  return keyed ? `[${JSON.stringify(op.key)} ${value}]` : value;
}

/** Splits a value into what was appended: tokens that end with a semicolon, or single characters. */
const elementsOf = (text: string): readonly string[] =>
  text.includes(';') ? text.split(/(?<=;)/) : Array.from(text);

function jepsenMap(event: Event, writing: Writing): string {
  const { type, at, index } = event;
  const { style, keyed } = writing;
  const prefix = style.namespaced ? ':jepsen.history/' : ':';
  const error = errorOf(event, writing);
  const fields = [
    ['process', writing.processName(event.op.process)],
    ['type', `:${type}`],
    ['f', `:${functionOf(event)}`],
    ['value', ednValue(event, keyed, style.lists)],
    ...(style.bare ? [] : [['time', String(Math.round(at * 1e6))]]),
    ...(style.bare ? [] : [['index', String(index)]]),
    ...(error === null ? [] : [['error', `:${error}`]]),
  ];
  const map = `{${fields.map(([name, value]) => `${prefix}${name} ${value}`).join(', ')}}`;
  return style.tagged ? `#jepsen.history.Op${map}` : map;
}

/** A delete that leaves a tombstone is a write of it to formats whose deletes leave nothing. */
const functionOf = ({ op: { f, input } }: Event): Op['f'] => (f === 'delete' && input !== null ? 'write' : f);

function errorOf({ op, type }: Event, { mismatch }: Writing): string | null {
  if (type === 'invoke' || op.error === undefined) return null;
  return op.error === 'cas-mismatch' ? mismatch : op.error;
}

function logColumns(event: Event, writing: Writing): string {
  const { op, type } = event;
  const value = ednValue(event, writing.keyed, false);
  const error = errorOf(event, writing);
  const columns = [writing.processName(op.process), `:${type}`, `:${functionOf(event)}`, value];
  return [...columns, ...(error === null ? [] : [`:${error}`])].join('\t');
}

function jsonMap(event: Event, writing: Writing): string {
  const { op, type, at } = event;
  const name = writing.processName(op.process);
  const error = errorOf(event, writing);
  const read = type === 'ok' ? (op.output ?? null) : null;
  return JSON.stringify({
    process: /^\d+$/.test(name) ? Number(name) : name,
    type,
    f: functionOf(event),
    key: op.key,
    value: op.f === 'read' ? read : op.input,
    time: Math.round(at * 1e6),
    ...(error === null ? {} : { error }),
  });
}

const PORCUPINE = { read: 'get', write: 'put', append: 'append', cas: 'cas', delete: 'delete' } as const;

/** A key that holds nothing holds "". */
function porcupineMap(event: Event, writing: Writing): string {
  const { op, type } = event;
  const text = (value: RegisterValue): string => JSON.stringify(value ?? '');
  const error = errorOf(event, writing);
  const value =
    op.f === 'read'
      ? type === 'ok'
        ? text(op.output ?? null)
        : 'nil'
      : Array.isArray(op.input)
        ? `[${op.input.map(text).join(' ')}]`
        : op.f === 'delete' && op.input === null
          ? 'nil'
          : text(op.input as RegisterValue);
  const name = writing.processName(op.process);
  const told = error === null ? '' : `, :error :${error}`;
  return `{:process ${name}, :type :${type}, :f :${PORCUPINE[functionOf(event)]}, :key ${JSON.stringify(op.key)}, :value ${value}${told}}`;
}
