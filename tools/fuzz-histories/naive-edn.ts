/**
 * A value of EDN as the definition has it. This file shares no code and no idea with the reader of histories: it
 * compares two values with each other instead of giving equal ones the same text.
 */
export type Value =
  | { readonly is: 'nil' }
  | { readonly is: 'truth' | 'text' | 'keyword' | 'symbol' | 'character'; readonly of: string }
  /** Integers and ratios. */
  | { readonly is: 'rational'; readonly over: bigint; readonly under: bigint }
  | { readonly is: 'double'; readonly of: number }
  /** `of` times ten to the power of `power`. */
  | { readonly is: 'decimal'; readonly of: bigint; readonly power: number }
  | { readonly is: 'sequence' | 'set'; readonly of: readonly Value[] }
  | { readonly is: 'map'; readonly of: readonly (readonly [Value, Value])[] }
  /** Nanoseconds since 1970. */
  | { readonly is: 'moment'; readonly of: bigint }
  | { readonly is: 'tagged'; readonly tag: string; readonly of: Value };

/** The equality of EDN and Clojure. */
export function areEqual(a: Value, b: Value): boolean {
  if (a.is === 'nil' || b.is === 'nil') return a.is === b.is;
  if (a.is === 'rational' && b.is === 'rational') return a.over * b.under === b.over * a.under;
  if (a.is === 'decimal' && b.is === 'decimal') {
    const lowest = Math.min(a.power, b.power);
    return a.of * 10n ** BigInt(a.power - lowest) === b.of * 10n ** BigInt(b.power - lowest);
  }
  if (a.is === 'sequence' && b.is === 'sequence')
    return a.of.length === b.of.length && a.of.every((item, i) => areEqual(item, b.of[i]!));
  if (a.is === 'set' && b.is === 'set') return haveSame(a.of, b.of, areEqual);
  if (a.is === 'map' && b.is === 'map')
    return haveSame(a.of, b.of, (x, y) => areEqual(x[0], y[0]) && areEqual(x[1], y[1]));
  if (a.is === 'tagged' && b.is === 'tagged') return a.tag === b.tag && areEqual(a.of, b.of);
  return a.is === b.is && 'of' in a && 'of' in b && a.of === b.of;
}

const haveSame = <T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean =>
  a.length === b.length && a.every((x) => b.some((y) => same(x, y)));

const TOKEN =
  /[\s,]+|;[^\n]*|#_|#\{|"(?:\\[^]|[^"\\])*"|\\(?:[^\s()[\]{}",;]+|[^])|[()[\]{}^]|#?[^\s()[\]{}",;^]+/gy;

/** All values of a text. @throws Error if it is no EDN. */
export function naiveValues(text: string): readonly Value[] {
  const tokens = (text.match(TOKEN) ?? []).filter((token) => !/^[\s,;]/.test(token));
  let at = 0;
  const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}', '#{': '}' };
  const until = (closing: string | undefined): Value[] => {
    const values: Value[] = [];
    for (; at < tokens.length && tokens[at] !== closing;) {
      if (tokens[at] === '#_') {
        at++;
        one();
      } else values.push(one());
    }
    if (tokens[at] !== closing) throw new Error(`${closing} is missing`);
    at++;
    return values;
  };
  const one = (): Value => {
    const token = tokens[at++];
    if (token === undefined) throw new Error('a value is missing');
    if (token === '#_') {
      one();
      return one();
    }
    if (token === '^') {
      one();
      return one();
    }
    if (token === '#{') return { is: 'set', of: until('}') };
    if (token === '{') return { is: 'map', of: pairsOf(until('}')) };
    if (token in CLOSING) return { is: 'sequence', of: until(CLOSING[token]) };
    if (token.startsWith('#:')) {
      const map = one();
      if (map.is !== 'map') throw new Error('a namespace without a map');
      return { is: 'map', of: map.of.map(([key, value]) => [inNamespace(token.slice(2), key), value]) };
    }
    if (token.startsWith('#') && !token.startsWith('##')) return tagged(token.slice(1), one());
    return scalar(token);
  };
  return until(undefined);
}

const pairsOf = (values: readonly Value[]): (readonly [Value, Value])[] =>
  values.flatMap((key, i) => (i % 2 === 0 ? [[key, values[i + 1]!] as const] : []));

const inNamespace = (namespace: string, key: Value): Value =>
  key.is === 'keyword' && !key.of.includes('/') ? { is: 'keyword', of: `${namespace}/${key.of}` } : key;

function tagged(tag: string, value: Value): Value {
  if (tag === 'uuid' && value.is === 'text')
    return { is: 'tagged', tag, of: { is: 'text', of: value.of.toUpperCase() } };
  if (tag !== 'inst' || value.is !== 'text') return { is: 'tagged', tag, of: value };
  const [, date, , fraction = '', zone] = /^([^.Z+]*?)(\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(value.of)!;
  const whole = BigInt(Date.parse(`${date}${zone}`)) * 1_000_000n;
  return { is: 'moment', of: whole + BigInt(fraction.padEnd(9, '0')) };
}

const CHARACTERS: Readonly<Record<string, string>> = { newline: '\n', space: ' ', tab: '\t', return: '\r' };

function scalar(token: string): Value {
  if (token === 'nil') return { is: 'nil' };
  if (token === 'true' || token === 'false') return { is: 'truth', of: token };
  if (token.startsWith('"')) return { is: 'text', of: JSON.parse(token) as string };
  if (token.startsWith(':')) return { is: 'keyword', of: token.slice(1) };
  if (token.startsWith('\\')) {
    const name = token.slice(1);
    const code = /^u[0-9a-f]{4}$/i.test(name) ? Number(`0x${name.slice(1)}`) : null;
    return { is: 'character', of: code === null ? (CHARACTERS[name] ?? name) : String.fromCharCode(code) };
  }
  const decimal = /^([+-]?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?M$/i.exec(token);
  if (decimal !== null) {
    const [, sign, whole, part = '', power = '0'] = decimal;
    const of = BigInt(`${whole}${part}`) * (sign === '-' ? -1n : 1n);
    return { is: 'decimal', of, power: Number(power) - part.length };
  }
  const ratio = /^([+-]?\d+)(?:\/(\d+))?N?$/.exec(token);
  if (ratio !== null)
    return {
      is: 'rational',
      over: BigInt(ratio[1]!.replace('+', '')),
      under: BigInt(ratio[2] ?? 1),
    };
  if (/^[+-]?\d/.test(token)) return { is: 'double', of: Number.parseFloat(token) };
  return { is: 'symbol', of: token };
}
