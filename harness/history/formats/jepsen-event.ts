import type { Flaw } from '../history-error.ts';
import type { Edn } from './edn.ts';
import { ednText } from './edn-text.ts';

/** A map or line of a history in Jepsen's form, before its values are interpreted. */
export interface JepsenEvent {
  readonly from: number;
  readonly to: number;
  readonly process?: Edn;
  readonly type?: Edn;
  readonly f?: Edn;
  readonly value?: Edn;
  /** The key, in Porcupine's lines, which have it next to the value. */
  readonly key?: Edn;
  readonly time?: Edn;
  readonly index?: Edn;
  readonly error?: Edn;
  readonly node?: Edn;
}

/** Returns a safe integer, else null. */
export function integer(value: Edn | undefined): number | null {
  if (value?.type !== 'number' || !/^-?\d+$/.test(value.text)) return null;
  const number = Number(value.text);
  return Number.isSafeInteger(number) ? number : null;
}

/** Returns a name without colon, quotes and namespace; '' if the value is not a name. */
export function nameOf(value: Edn): string {
  if (value.type === 'string') return value.value;
  if (value.type !== 'keyword' && value.type !== 'symbol') return '';
  return value.name.slice(value.name.lastIndexOf('/') + 1);
}

/** The value in messages: a string without its quotes, a keyword without its colon. */
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
