import { OP_FUNCTIONS, OP_FUNCTIONS_IN_WORDS } from './op.ts';
import { jsonPlaces } from './formats/json-places.ts';
import type { Flaw } from './history-error.ts';
import type { HistoryLine, OpFunction, RegisterValue } from './op.ts';

const FUNCTIONS: ReadonlySet<string> = new Set(OP_FUNCTIONS);
const TYPES: ReadonlySet<string> = new Set<HistoryLine['type']>(['invoke', 'ok', 'fail', 'info']);

/** One line of `history.jsonl`, without its newline. */
export const encodeLine = (line: HistoryLine): string => JSON.stringify(line);

export type DecodedLine =
  | { readonly ok: true; readonly line: HistoryLine }
  /** The flaw's place is in the line. `json`: the line is no JSON at all. */
  | { readonly ok: false; readonly flaw: Flaw; readonly json: boolean };

/** The line as data, or its mistake (the field, the value found, the expected value). */
export function decodeLine(text: string): DecodedLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const from = jsonPlaces(text).flawAt ?? 0;
    const message = from >= text.length ? 'not JSON: the line ends too soon' : 'not JSON from here on';
    return { ok: false, json: true, flaw: { from, to: from + 1, message, mend: ONE_OBJECT } };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { ok: false, json: false, flaw: wholeLine(text, 'not a JSON object', ONE_OBJECT) };
  const fields = value as Partial<Record<keyof HistoryLine, unknown>>;
  const wrong = wrongField(fields);
  if (wrong === null) return { ok: true, line: value as HistoryLine };
  return { ok: false, json: false, flaw: fieldFlaw(text, wrong) };
}

const ONE_OBJECT = 'a line is one JSON object, such as {"index":0,"id":0,"process":0,"type":"invoke",…}';

interface WrongField {
  readonly name: keyof HistoryLine;
  readonly value: unknown;
  readonly want: string;
}

function fieldFlaw(text: string, { name, value, want }: WrongField): Flaw {
  const mend = `it must be ${want}`;
  const place = jsonPlaces(text).fields.get(name);
  if (value === undefined || place === undefined) return wholeLine(text, `\`${name}\` is missing`, mend);
  return { ...place, message: `\`${name}\` is ${JSON.stringify(value).slice(0, 60)}`, mend };
}

/** Of a line as such the first character is marked. */
function wholeLine(text: string, message: string, mend: string): Flaw {
  const from = text.length - text.trimStart().length;
  return { from, to: from + 1, message, mend };
}

function wrongField(fields: Partial<Record<keyof HistoryLine, unknown>>): WrongField | null {
  for (const name of ['index', 'id', 'process', 'time'] as const) {
    if (!isCount(fields[name])) return { name, value: fields[name], want: 'an integer of at least 0' };
  }
  const { type, f, found, error, attempts, value } = fields;
  if (!TYPES.has(type as string)) return { name: 'type', value: type, want: 'invoke, ok, fail or info' };
  if (!FUNCTIONS.has(f as string)) return { name: 'f', value: f, want: OP_FUNCTIONS_IN_WORDS };
  for (const name of ['key', 'node'] as const) {
    if (typeof fields[name] !== 'string') return { name, value: fields[name], want: 'a string' };
  }
  if (found !== undefined && !isRegisterValue(found))
    return { name: 'found', value: found, want: 'a string or null' };
  if (error !== undefined && typeof error !== 'string')
    return { name: 'error', value: error, want: 'a string' };
  if (attempts !== undefined && !isCount(attempts))
    return { name: 'attempts', value: attempts, want: 'an integer of at least 0' };
  const want = wantedValue(f as OpFunction, value);
  return want === null ? null : { name: 'value', value, want };
}

/** Null if the value fits the function. */
function wantedValue(f: OpFunction, value: unknown): string | null {
  switch (f) {
    case 'cas': {
      const fits =
        Array.isArray(value) && value.length === 2 && isRegisterValue(value[0]) && isRegisterValue(value[1]);
      return fits ? null : 'a pair [from, to] of strings or null';
    }
    case 'read':
    case 'write':
    case 'delete':
      return isRegisterValue(value) ? null : 'a string or null';
    case 'append':
      return typeof value === 'string' ? null : 'a string';
    default:
      return f satisfies never;
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isRegisterValue = (value: unknown): value is RegisterValue =>
  value === null || typeof value === 'string';
