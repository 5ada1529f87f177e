import type { HistoryLine, OpFunction, RegisterValue } from './op.ts';

/** What is wrong with a line of a history, and where. */
export interface LineError {
  /** Counts from 1. */
  readonly line: number;
  readonly message: string;
}

const FUNCTIONS: ReadonlySet<string> = new Set<OpFunction>(['read', 'write', 'cas', 'delete', 'append']);
const TYPES: ReadonlySet<string> = new Set<HistoryLine['type']>(['invoke', 'ok', 'fail', 'info']);

/** One line of `history.jsonl`, without its newline. */
export const encodeLine = (line: HistoryLine): string => JSON.stringify(line);

/** The line as data, or what is wrong with it in words (the field, the value found, what belongs there). */
export function decodeLine(text: string): HistoryLine | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object';
  const fields = value as Partial<Record<keyof HistoryLine, unknown>>;
  return complaint(fields) ?? (value as HistoryLine);
}

function complaint(fields: Partial<Record<keyof HistoryLine, unknown>>): string | null {
  for (const name of ['index', 'id', 'process', 'time'] as const) {
    if (!isCount(fields[name])) return wrong(name, fields[name], 'an integer of at least 0');
  }
  if (!TYPES.has(fields.type as string)) return wrong('type', fields.type, 'invoke, ok, fail or info');
  if (!FUNCTIONS.has(fields.f as string)) return wrong('f', fields.f, 'read, write, cas, delete or append');
  for (const name of ['key', 'node'] as const) {
    if (typeof fields[name] !== 'string') return wrong(name, fields[name], 'a string');
  }
  if (fields.found !== undefined && !isRegisterValue(fields.found))
    return wrong('found', fields.found, 'a string or null');
  if (fields.error !== undefined && typeof fields.error !== 'string')
    return wrong('error', fields.error, 'a string');
  if (fields.attempts !== undefined && !isCount(fields.attempts))
    return wrong('attempts', fields.attempts, 'an integer of at least 0');
  return valueComplaint(fields.f as OpFunction, fields.value);
}

function valueComplaint(f: OpFunction, value: unknown): string | null {
  switch (f) {
    case 'cas': {
      const fits =
        Array.isArray(value) &&
        value.length === 2 &&
        isRegisterValue(value[0]) &&
        typeof value[1] === 'string';
      return fits ? null : wrong('value', value, 'a pair [from, to]: from a string or null, to a string');
    }
    case 'read':
      return isRegisterValue(value) ? null : wrong('value', value, 'a string or null');
    case 'write':
    case 'delete':
    case 'append':
      return typeof value === 'string' ? null : wrong('value', value, 'a string');
    default:
      return f satisfies never;
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isRegisterValue = (value: unknown): value is RegisterValue =>
  value === null || typeof value === 'string';
const wrong = (field: string, value: unknown, want: string): string =>
  value === undefined
    ? `\`${field}\` is missing; it must be ${want}`
    : `\`${field}\` is ${JSON.stringify(value).slice(0, 60)}; it must be ${want}`;
