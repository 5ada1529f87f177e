import { type Edn, EdnError, EdnReader } from './edn.ts';
import { ednText } from './edn-text.ts';
import type { HistoryFormat } from './history.ts';
import { readJepsenEvents } from './jepsen-events.ts';
import { type JepsenEvent, nameOf } from './jepsen-event.ts';

/**
 * Jepsen's `history.edn`: maps one after the other, or one vector of them, plain or as `#jepsen.history.Op{…}`; keys
 * with or without a namespace.
 */
export const jepsenEdn: HistoryFormat = {
  name: 'jepsen-edn',
  example: `{:process 0, :type :invoke, :f :write, :value 1}
{:process 0, :type :ok, :f :write, :value 1}
`,
  looksLike: looksLikeEdn,
  read: (text, options) =>
    readJepsenEvents({ format: 'jepsen-edn', text, events: () => ednEvents(text) }, options),
};

/** True if a text begins as EDN maps do, alone or in a vector or list. */
export function looksLikeEdn(head: string): boolean {
  return /^(?:\{|[[(]\s*(?:[{#\])]|$)|#)/.test(head);
}

/** Returns the maps of the text as events. @throws EdnError */
export function* ednEvents(text: string): Generator<JepsenEvent> {
  const reader = new EdnReader(text);
  const opening = reader.peek();
  const closing = opening === '[' ? ']' : opening === '(' ? ')' : '';
  const openedAt = reader.position;
  if (closing !== '') reader.step();
  for (;;) {
    const next = reader.peek();
    if (closing !== '' && next === closing) break;
    if (next === '' && closing === '') return;
    if (next === '')
      throw new EdnError(
        `the \`${opening}\` that begins here is never closed`,
        { from: openedAt, to: openedAt + 1 },
        'the file is cut off',
      );
    const { position } = reader;
    yield eventOfMap(reader.next()!, position);
  }
  reader.step();
  const rest = reader.next();
  if (rest !== null)
    throw new EdnError(`text after the closing \`${closing}\``, rest, 'a file holds one vector');
}

const FIELDS: ReadonlySet<string> = new Set([
  'process',
  'type',
  'f',
  'value',
  'key',
  'time',
  'index',
  'error',
  'node',
]);

/** Returns a map as an event, without fields that do not belong to operations. @throws EdnError */
export function eventOfMap(value: Edn, from: number): JepsenEvent {
  const map = value.type === 'tagged' ? value.value : value;
  if (map.type !== 'map')
    throw new EdnError(
      `a ${value.type} where an operation should be`,
      value,
      'an operation is a map such as {:process 0, :type :invoke, :f :read, :value nil}',
    );
  const event: Record<string, Edn | number> = { from, to: value.to };
  const plain = new Set<string>();
  for (const [key, each] of map.entries) {
    const name = nameOf(key);
    if (!FIELDS.has(name)) continue;
    const isQualified = key.type !== 'string' && ednText(key).includes('/');
    // A field with a namespace, such as `:jepsen.history/value`, is used if the same field without one is absent.
    if (isQualified) event[name] ??= each;
    else if (plain.has(name)) throw new EdnError(`the field ${ednText(key)} occurs twice`, key);
    else event[name] = each;
    if (!isQualified) plain.add(name);
  }
  return event as unknown as JepsenEvent;
}
