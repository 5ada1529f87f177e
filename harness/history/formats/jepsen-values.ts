import type { Flaw } from '../history-error.ts';
import type { Op, OpFunction, RegisterValue } from '../op.ts';
import { type Edn, EdnError, EdnReader } from './edn.ts';
import { ednText } from './edn-text.ts';
import { bareText, flawAt, type JepsenEvent, missing, nameOf, shown } from './jepsen-event.ts';
import { FUNCTIONS, FUNCTIONS_IN_WORDS, OtherShape, pairOf, type Shape, tripleOf } from './jepsen-shape.ts';

/** Our operation for the event's `:f`. @throws OtherShape */
export function functionOf(event: JepsenEvent, shape: Shape): OpFunction | Flaw {
  const { f } = event;
  if (f === undefined) return missing(event, ':f', ':read, :write, :cas or :append');
  const name = nameOf(f);
  const known = FUNCTIONS.get(name);
  if (name === 'txn')
    return flawAt(
      f,
      ':txn is a transaction',
      'here an operation is one read or write; Elle checks transactions',
    );
  if (known === undefined) return flawAt(f, `the function is ${shown(f)}`, `known: ${FUNCTIONS_IN_WORDS}`);
  const { model } = shape;
  const isOther =
    known === 'append' ? !shape.appends : known !== 'read' && shape.lists && model === undefined;
  if (isOther && !shape.whole) throw new OtherShape();
  if (model !== undefined && !model.functions.includes(known))
    return flawAt(
      f,
      `the model ${model.name} has no ${known}`,
      `its functions: ${model.functions.join(', ')}`,
    );
  return known;
}

/** A key. Keys with equal `text` are the same key. `name` is for messages. */
export interface EventKey {
  readonly text: string;
  readonly name: string;
}

/** The only key of a history without keys. No value has its text. */
const ONLY_KEY: EventKey = { text: '', name: 'register' };

const keyOf = (value: Edn): EventKey => ({ text: ednText(value), name: bareText(value) });

/** The key of an event, and its value without the key. */
export function splitKey(
  event: JepsenEvent,
  { keyed }: Shape,
): { readonly key: EventKey; readonly value: Edn | undefined } | Flaw {
  if (event.key !== undefined) return { key: keyOf(event.key), value: event.value };
  if (!keyed) return { key: ONLY_KEY, value: event.value };
  const pair = pairOf(event.value);
  if (pair !== null) return { key: keyOf(pair[0]), value: pair[1] };
  const triple = tripleOf(event.value);
  if (triple !== null && event.f !== undefined && FUNCTIONS.get(nameOf(event.f)) === 'cas') {
    const [key, from, to] = triple;
    return { key: keyOf(key), value: { type: 'vector', items: [from, to], from: from.from, to: to.to } };
  }
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
  const place = value ?? event;
  switch (f) {
    case 'read':
      return null;
    case 'cas': {
      const pair = pairOf(value);
      if (pair === null)
        return flawAt(place, `the value of a cas is ${shown(value)}`, 'it must be [from to]');
      const from = valueOf(pair[0], shape);
      const to = valueOf(pair[1], shape);
      return isText(from) ? (isText(to) ? [from, to] : to) : from;
    }
    case 'delete':
      if (value === undefined || value.type === 'nil') return shape.nil;
      return flawAt(
        place,
        `a delete with the value ${shown(value)}`,
        'a delete has no value: nil, or [key nil]',
      );
    case 'write':
      if (value === undefined) return flawAt(place, 'a write without a value', 'to write nil: :value nil');
      return valueOf(value, shape);
    case 'append':
      if (value === undefined)
        return flawAt(place, 'an append without a value', 'its value must be the element or text to append');
      if (shape.lists) return elementText(value);
      if (value.type === 'string') return value.value;
      return flawAt(
        place,
        `append of ${shown(value)}`,
        'here appends add text; for lists: --model list-append',
      );
    default:
      return f satisfies never;
  }
}

/** Output of a read. */
export function outputOf(value: Edn | undefined, shape: Shape): RegisterValue | Flaw {
  if (value === undefined) return shape.nil;
  if (value.type === 'nil' || !shape.lists) return valueOf(value, shape);
  if (value.type !== 'vector' && value.type !== 'list')
    return flawAt(
      value,
      `a read returned ${shown(value)}`,
      'in a list-append history it must be a list or nil; for appended text: --model kv',
    );
  return value.items.length === 0 ? null : value.items.map(elementText).join('');
}

/** Returns the value of a register as text, which is equal for equal values; null for nil. @throws OtherShape */
function valueOf(value: Edn, { text, nil, appends, whole }: Shape): RegisterValue | Flaw {
  if (value.type === 'nil') return nil;
  if (!text) return ednText(value);
  if (value.type === 'string') return value.value;
  if (!appends && !whole) throw new OtherShape();
  return flawAt(
    value,
    `the value ${shown(value)} is not a string`,
    'this history appends text to text, so its values are strings',
  );
}

const isText = (value: RegisterValue | Flaw): value is RegisterValue =>
  value === null || typeof value === 'string';

/**
 * Text of a list element. The text of a list is that of its elements, one after the other: a comma ends each element,
 * and no EDN value contains a comma outside of quotes or brackets.
 */
const elementText = (value: Edn): string => `${ednText(value)},`;

/** The value that the user says keys hold at first (`--initial`), written as in the history. @throws EdnError */
export function initialOf(
  text: string,
  shape: Shape,
  read: (text: string) => Edn | null = (edn) => new EdnReader(edn).next(),
): RegisterValue | Flaw {
  const value = read(text);
  const isWhole = value !== null && text.slice(value.to).trim() === '';
  // If values are text, the quotes may be absent.
  if (shape.text && (!isWhole || value.type !== 'string')) return text;
  if (isWhole) return outputOf(value, shape);
  throw new EdnError(`${text} is not one value`, { from: 0, to: text.length });
}
