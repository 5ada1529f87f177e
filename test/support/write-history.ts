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
export type WrittenFormat = 'chaos' | 'jepsen-edn' | 'jepsen-log' | 'porcupine-kv';

/** Writes a history. Foreign formats have no `delete`, Porcupine's has no `cas`, and logs have keys only if `keyed`. */
export function writeHistory(
  events: readonly Event[],
  format: WrittenFormat,
  { keyed = true, style = PLAIN }: { readonly keyed?: boolean; readonly style?: EdnStyle } = {},
): string {
  switch (format) {
    case 'chaos':
      return lines(events.map(chaosLine));
    case 'jepsen-edn': {
      const maps = events.map((event) => jepsenMap(event, keyed, style));
      return style.vector ? `[${maps.join('\n ')}]\n` : lines(maps);
    }
    case 'jepsen-log':
      return lines(events.map((event) => `INFO  jepsen.util - ${logColumns(event, keyed)}`));
    case 'porcupine-kv':
      return lines(events.map(porcupineMap));
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

function jepsenMap(event: Event, keyed: boolean, style: EdnStyle): string {
  const { op, type, at, index } = event;
  const prefix = style.namespaced ? ':jepsen.history/' : ':';
  const fields = [
    ['process', String(op.process)],
    ['type', `:${type}`],
    ['f', `:${op.f}`],
    ['value', ednValue(event, keyed, style.lists)],
    ...(style.bare ? [] : [['time', String(Math.round(at * 1e6))]]),
    ...(style.bare ? [] : [['index', String(index)]]),
    ...(type === 'invoke' || op.error === undefined ? [] : [['error', `:${op.error}`]]),
  ];
  const map = `{${fields.map(([name, value]) => `${prefix}${name} ${value}`).join(', ')}}`;
  return style.tagged ? `#jepsen.history.Op${map}` : map;
}

const logColumns = (event: Event, keyed: boolean): string =>
  [event.op.process, `:${event.type}`, `:${event.op.f}`, ednValue(event, keyed, false)].join('\t');

const PORCUPINE = { read: 'get', write: 'put', append: 'append', cas: 'cas', delete: 'delete' } as const;

function porcupineMap({ op, type }: Event): string {
  const value =
    op.f === 'read' ? (type === 'ok' ? JSON.stringify(op.output ?? '') : 'nil') : quoted(op.input as string);
  return `{:process ${op.process}, :type :${type}, :f :${PORCUPINE[op.f]}, :key ${JSON.stringify(op.key)}, :value ${value}}`;
}
