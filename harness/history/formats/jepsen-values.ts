import type { Flaw } from '../history-error.ts';
import type { Op, OpFunction, RegisterValue } from '../op.ts';
import { type Edn, EdnError, ednText } from './edn.ts';
import type { ExpectedModel } from './history.ts';

/** A map or line of a history in Jepsen's form, before its values are interpreted. */
export interface JepsenEvent {
  readonly from: number;
  readonly to: number;
  readonly process?: Edn;
  readonly type?: Edn;
  readonly f?: Edn;
  readonly value?: Edn;
  /** Porcupine's lines have the key next to the value. */
  readonly key?: Edn;
  readonly time?: Edn;
  readonly index?: Edn;
  readonly error?: Edn;
  readonly node?: Edn;
}

/** Interpretation of values, decided by the first operations, because a history is of one kind throughout. */
export interface Shape {
  /** Values are pairs [key value], as `jepsen.independent` makes them. */
  readonly keyed: boolean;
  /** Appends add an element to a list; else text to text. */
  readonly lists: boolean;
  /** Strings are their content, as appends need it; else they keep their quotes, and "1" is not 1. */
  readonly text: boolean;
  /** A key that was never written holds "", as in Porcupine's model of a key-value store. */
  readonly emptyAtFirst: boolean;
  /** Undefined: the caller expects no particular model, so every function is accepted. */
  readonly model: ExpectedModel | undefined;
}

/** Number of events that are inspected for the form. */
const SAMPLE_EVENTS = 2_000;
/** The name of the only key of a history without keys. */
const ONLY_KEY = 'register';

/** The form of a Jepsen history with arbitrary values. */
export function shapeOf(events: Iterable<JepsenEvent>, model: ExpectedModel | undefined): Shape {
  let keyed: boolean | null = null;
  let appends = false;
  let readsText = false;
  for (const { type, f, value } of sampleOf(events)) {
    const name = f === undefined ? undefined : FUNCTIONS.get(nameOf(f));
    const pair = pairOf(value);
    if (name === 'append') appends = true;
    if (type !== undefined && nameOf(type) === 'invoke')
      keyed = keyed !== false && pair !== null && (name !== 'cas' || pairOf(pair[1]) !== null);
    else if (name === 'read' && (value?.type === 'string' || pair?.[1].type === 'string')) readsText = true;
  }
  const lists = model === undefined ? appends && !readsText : model.name === 'list-append';
  return {
    keyed: keyed === true,
    lists,
    text: !lists && (model?.name === 'kv' || appends),
    emptyAtFirst: false,
    model,
  };
}

/** The first events of clients; a text that is no EDN further on is the reader's concern. */
function sampleOf(events: Iterable<JepsenEvent>): readonly JepsenEvent[] {
  const sample: JepsenEvent[] = [];
  try {
    for (const event of events) {
      if (event.process?.type === 'number') sample.push(event);
      if (sample.length >= SAMPLE_EVENTS) break;
    }
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return sample;
}

const FUNCTIONS: ReadonlyMap<string, OpFunction> = new Map([
  ['read', 'read'],
  ['r', 'read'],
  ['get', 'read'],
  ['write', 'write'],
  ['w', 'write'],
  ['put', 'write'],
  ['cas', 'cas'],
  ['append', 'append'],
]);

/** Our operation for the event's `:f`. */
export function functionOf(event: JepsenEvent, shape: Shape): OpFunction | Flaw {
  const { f } = event;
  if (f === undefined) return missing(event, ':f', ':read, :write, :cas or :append');
  const name = nameOf(f);
  const known = FUNCTIONS.get(name);
  if (name === 'txn')
    return flawAt(
      f,
      ':txn is a transaction',
      'transactions are judged by Elle; here an operation is one read or write',
    );
  if (known === undefined)
    return flawAt(f, `the function is ${shown(f)}`, 'known: :read :get :r, :write :put :w, :cas, :append');
  const { model } = shape;
  if (model !== undefined && !model.functions.includes(known))
    return flawAt(
      f,
      `the model ${model.name} has no ${known}`,
      `its functions: ${model.functions.join(', ')}`,
    );
  return known;
}

/** The key of an event, and its value without the key. */
export function splitKey(
  event: JepsenEvent,
  { keyed }: Shape,
): { readonly key: string; readonly value: Edn | undefined } | Flaw {
  if (event.key !== undefined) return { key: bareText(event.key), value: event.value };
  if (!keyed) return { key: ONLY_KEY, value: event.value };
  const pair = pairOf(event.value);
  if (pair !== null) return { key: bareText(pair[0]), value: pair[1] };
  const place = event.value ?? event;
  return flawAt(
    place,
    `the value is ${shown(event.value)}`,
    'it must be [key value], as in the first operations',
  );
}

/** Input of an operation: the value that it writes or appends, or that it expects and sets. */
export function inputOf(
  f: OpFunction,
  value: Edn | undefined,
  { event, shape }: { readonly event: JepsenEvent; readonly shape: Shape },
): Op['input'] | Flaw {
  if (f === 'read') return null;
  const place = value ?? event;
  if (f === 'cas') {
    const pair = pairOf(value);
    if (pair === null) return flawAt(place, `the value of a cas is ${shown(value)}`, 'it must be [from to]');
    const to = valueText(pair[1], shape);
    if (to === null) return flawAt(pair[1], 'a cas that sets nil', NIL_IS_NEVER_WRITTEN);
    return [valueText(pair[0], shape), to];
  }
  if (value === undefined || value.type === 'nil') return flawAt(place, `${f} of nil`, NIL_IS_NEVER_WRITTEN);
  if (f === 'append') {
    if (shape.lists) return elementText(value);
    if (value.type === 'string') return value.value;
    return flawAt(
      place,
      `append of ${shown(value)}`,
      'here appends add text; for lists: --model list-append',
    );
  }
  const text = valueText(value, shape);
  return (
    text ??
    flawAt(place, `${f} of ""`, '"" is what a key holds that was never written, so nothing can write it')
  );
}
const NIL_IS_NEVER_WRITTEN = 'nil means never written, so nothing can write it';

/** Output of a read; null: never written. */
export function outputOf(value: Edn | undefined, shape: Shape): RegisterValue | Flaw {
  if (value === undefined || value.type === 'nil') return null;
  if (!shape.lists) return valueText(value, shape);
  if (value.type !== 'vector' && value.type !== 'list')
    return flawAt(
      value,
      `a read returned ${shown(value)}`,
      'in a list-append history it must be a list or nil',
    );
  return value.items.length === 0 ? null : value.items.map(elementText).join('');
}

/** The value of a register as text: equal values, equal text. Null: never written. */
function valueText(value: Edn, { text, emptyAtFirst }: Shape): RegisterValue {
  if (value.type === 'nil') return null;
  if (!text || value.type !== 'string') return ednText(value);
  return value.value === '' && emptyAtFirst ? null : value.value;
}

/**
 * Text of a list element. The text of a list is that of its elements, one after the other: a comma ends each element,
 * and no EDN value contains a comma outside of quotes or brackets.
 */
const elementText = (value: Edn): string => `${ednText(value)},`;

/** The two halves of [a b], else null. */
function pairOf(value: Edn | undefined): readonly [Edn, Edn] | null {
  if (value?.type !== 'vector' || value.items.length !== 2) return null;
  return [value.items[0]!, value.items[1]!];
}

/** A safe integer, else null. */
export function integer(value: Edn | undefined): number | null {
  if (value?.type !== 'number') return null;
  const number = Number(value.text);
  return Number.isSafeInteger(number) ? number : null;
}

/** A name without colon, quotes and namespace; '' where it is none. */
export function nameOf(value: Edn): string {
  if (value.type === 'string') return value.value;
  if (value.type !== 'keyword' && value.type !== 'symbol') return '';
  return value.name.slice(value.name.lastIndexOf('/') + 1);
}

/** As people call it: a string without its quotes, a keyword without its colon. */
export const bareText = (value: Edn): string =>
  value.type === 'string' ? value.value : value.type === 'keyword' ? value.name : ednText(value);

const LONGEST_SHOWN = 60;

export function shown(value: Edn | undefined): string {
  if (value === undefined) return 'missing';
  const text = ednText(value);
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}

export const flawAt = (
  place: { readonly from: number; readonly to: number },
  message: string,
  mend: string,
): Flaw => ({
  from: place.from,
  to: place.to,
  message,
  mend,
});

export const missing = (event: JepsenEvent, field: string, want: string): Flaw =>
  flawAt({ from: event.from, to: event.from + 1 }, `${field} is missing`, `it must be ${want}`);

export const isFlaw = (value: unknown): value is Flaw =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'mend' in value;
