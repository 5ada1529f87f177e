import { GoNumber, type Json } from './go-json.ts';

/** A Go type that a field can have, with its name in Go's messages. */
export type GoType = 'string' | 'bool' | 'float32' | 'int' | 'int64';
/** An integer that a number cannot represent exactly is a bigint. */
export type Scalar = string | boolean | number | bigint;

/** The JSON does not fit the wanted Go type. The message is Go's. */
export class UnmarshalError extends Error {}

export interface GoStruct {
  /**
   * Name in messages about a field that does not fit, such as `Proxy`. `fullName` is the name in messages about the
   * whole value, such as `toxiproxy.Proxy`.
   */
  readonly shortName: string;
  readonly fullName: string;
  readonly fields: Readonly<Record<string, GoType>>;
}

/**
 * Reads the fields of a struct from a JSON object. Unknown keys are skipped, the case of keys is ignored, and null
 * leaves a field out. After the first field that does not fit, the others are still read; its error is thrown at the
 * end.
 */
export function decodeStruct(json: Json, struct: GoStruct): Readonly<Record<string, Scalar>> {
  const object = asObject(json, `Go value of type ${struct.fullName}`);
  const result: Record<string, Scalar> = {};
  let firstError: UnmarshalError | null = null;
  for (const [key, value] of object) {
    const field = fieldFor(key, struct.fields);
    if (field === undefined || value === null) continue;
    const type = struct.fields[field]!;
    const scalar = asScalar(value, type);
    if (scalar !== null) result[field] = scalar;
    else firstError ??= misfit(value, `Go struct field ${struct.shortName}.${field} of type ${type}`, type);
  }
  if (firstError !== null) throw firstError;
  return result;
}

/** The value of a key in an object, ignoring the case of the key; undefined if it is missing or null. */
export function fieldOf(json: Json, name: string): Json | undefined {
  if (!(json instanceof Map)) return undefined;
  let found: Json | undefined;
  for (const [key, value] of json as ReadonlyMap<string, Json>)
    if (fieldFor(key, { [name]: 'string' }) !== undefined) found = value;
  return found ?? undefined;
}

export function asObject(json: Json, target: string): ReadonlyMap<string, Json> {
  if (json === null) return new Map();
  if (json instanceof Map) return json as ReadonlyMap<string, Json>;
  throw misfit(json, target);
}

export function asArray(json: Json, target: string): readonly Json[] {
  if (json === null) return [];
  if (Array.isArray(json)) return json as readonly Json[];
  throw misfit(json, target);
}

function fieldFor(key: string, fields: Readonly<Record<string, GoType>>): string | undefined {
  if (Object.hasOwn(fields, key)) return key;
  return Object.keys(fields).find((name) => folded(name) === folded(key));
}

/** Go treats the old long s (U+017F) as a form of s. */
const folded = (key: string): string => key.replaceAll('\u017F', 's').toLowerCase();

function asScalar(json: Json, type: GoType): Scalar | null {
  if (json instanceof GoNumber) return asNumber(json.text, type);
  if (type === 'string') return typeof json === 'string' ? json : null;
  if (type === 'bool') return typeof json === 'boolean' ? json : null;
  return null;
}

function asNumber(text: string, type: GoType): number | bigint | null {
  if (type === 'float32')
    return Number.isFinite(Math.fround(Number(text))) ? shortestFloat32(Number(text)) : null;
  if (type !== 'int' && type !== 'int64') return null;
  if (!/^-?\d+$/.test(text)) return null;
  const integer = BigInt(text);
  if (BigInt.asIntN(64, integer) !== integer) return null;
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

/** The shortest decimal with the same 32-bit float: 0.3 stays 0.3, while Math.fround would give 0.30000001192092896. */
function shortestFloat32(value: number): number {
  const float = Math.fround(value);
  // Zero is returned as it is, because it keeps its sign.
  if (float === 0) return float;
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return float;
}

function misfit(json: Json, target: string, type?: GoType): UnmarshalError {
  const number = type === 'int' || type === 'int64' || type === 'float32';
  const got = json instanceof GoNumber && number ? `number ${json.text}` : kindOf(json);
  return new UnmarshalError(`json: cannot unmarshal ${got} into ${target}`);
}

function kindOf(json: Json): string {
  if (json instanceof GoNumber) return 'number';
  if (typeof json === 'string') return 'string';
  if (typeof json === 'boolean') return 'bool';
  return Array.isArray(json) ? 'array' : 'object';
}
