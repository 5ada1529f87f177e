import type { OpFunction, RegisterValue } from '../op.ts';
import { type Edn, EdnError } from './edn.ts';
import type { ExpectedModel } from './history.ts';
import { type JepsenEvent, nameOf } from './jepsen-event.ts';

/**
 * Interpretation of values. It is decided by the first operations, because all operations of a history are of one kind.
 */
export interface Shape {
  /** True if values are pairs [key value], as `jepsen.independent` makes them. */
  readonly keyed: boolean;
  /** True if appends add an element to a list; false if they add text to text. */
  readonly lists: boolean;
  /**
   * True if all values are strings, which are then stored without their quotes, because appends need this. Otherwise
   * strings keep their quotes.
   */
  readonly text: boolean;
  /** True if there are appends among the operations that decided the form. */
  readonly appends: boolean;
  /** The meaning of nil: null, which is the empty register, or "" in Porcupine's model of a key-value store. */
  readonly nil: RegisterValue;
  /** True if every event was inspected. */
  readonly whole: boolean;
  /** If undefined, the user asked for no model, and every function is allowed. */
  readonly model: ExpectedModel | undefined;
}

/** Number of events that are inspected for the form. */
const SAMPLE_EVENTS = 2_000;

/** Options that decide the form, in addition to the events. */
export interface ShapeOptions {
  readonly model: ExpectedModel | undefined;
  /** True if a key that was never written holds "". */
  readonly emptyAtFirst?: boolean;
  /** True to inspect every event, if the first ones did not show the form. */
  readonly whole?: boolean;
}

/** The form of a Jepsen history with arbitrary values. */
export function shapeOf(
  events: Iterable<JepsenEvent>,
  { model, emptyAtFirst = false, whole = false }: ShapeOptions,
): Shape {
  let keyed: boolean | null = null;
  let appends = false;
  let readsText = false;
  let overwrites = false;
  let deletesKeys = false;
  let strings = true;
  for (const { type, f, key, value } of sampleOf(events, whole ? Infinity : SAMPLE_EVENTS)) {
    const name = f === undefined ? undefined : FUNCTIONS.get(nameOf(f));
    const pair = pairOf(value);
    if (value !== undefined && value.type !== 'string' && value.type !== 'nil') strings = false;
    if (name === 'append') appends = true;
    if (name === 'write' || name === 'cas' || name === 'delete') overwrites = true;
    if (type !== undefined && nameOf(type) === 'invoke') {
      // A delete has no value, so its pair can only have a key; nil does not show whether there are keys.
      if (name === 'delete') deletesKeys ||= pair !== null && pair[1].type === 'nil' && key === undefined;
      if (name === 'delete') continue;
      const isOfKey = name === 'cas' ? isKeyedCas(value) : pair !== null;
      keyed = keyed !== false && key === undefined && isOfKey;
    } else if (name === 'read' && (value?.type === 'string' || pair?.[1].type === 'string')) readsText = true;
  }
  // If there are only appends, values are lists. If values are also written, appends add text to them.
  const isList = appends && !overwrites && !readsText && !emptyAtFirst;
  const lists = model === undefined ? isList : model.name === 'list-append';
  const text = !lists && (appends || (emptyAtFirst && strings));
  const nil = !emptyAtFirst ? null : text ? '' : '""';
  return { keyed: keyed ?? deletesKeys, lists, text, appends, nil, whole, model };
}

/** The first events did not show the form of the history, so all must be inspected. */
export class OtherShape extends Error {
  override readonly name = 'OtherShape';
}

/** `[key [from to]]`, or flat: `[key from to]`. */
function isKeyedCas(value: Edn | undefined): boolean {
  const pair = pairOf(value);
  return tripleOf(value) !== null || (pair !== null && pairOf(pair[1]) !== null);
}

/** Returns the first events. An EDN mistake after them is reported later, by the reader. */
function sampleOf(events: Iterable<JepsenEvent>, most: number): readonly JepsenEvent[] {
  const sample: JepsenEvent[] = [];
  try {
    for (const event of events) {
      // Events of the nemesis do not show the form of values.
      if (event.f !== undefined && FUNCTIONS.has(nameOf(event.f))) sample.push(event);
      if (sample.length >= most) break;
    }
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return sample;
}

/** Our operation for each function of Jepsen's histories. */
export const FUNCTIONS: ReadonlyMap<string, OpFunction> = new Map([
  ['read', 'read'],
  ['r', 'read'],
  ['get', 'read'],
  ['write', 'write'],
  ['w', 'write'],
  ['put', 'write'],
  ['cas', 'cas'],
  ['append', 'append'],
  ['delete', 'delete'],
  ['del', 'delete'],
  ['remove', 'delete'],
]);
export const FUNCTIONS_IN_WORDS = ':read :get :r, :write :put :w, :cas, :append, :delete :del :remove';

/** The elements of a vector or list, which are equal in EDN. */
const itemsOf = (value: Edn | undefined): readonly Edn[] =>
  value?.type === 'vector' || value?.type === 'list' ? value.items : [];

/** The two halves of [a b], else null. */
export function pairOf(value: Edn | undefined): readonly [Edn, Edn] | null {
  const items = itemsOf(value);
  return items.length === 2 ? [items[0]!, items[1]!] : null;
}

/** The three elements of [a b c], else null. */
export function tripleOf(value: Edn | undefined): readonly [Edn, Edn, Edn] | null {
  const items = itemsOf(value);
  return items.length === 3 ? [items[0]!, items[1]!, items[2]!] : null;
}
