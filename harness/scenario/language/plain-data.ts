import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Scalar,
  type Alias,
  type Document,
  type Pair,
  type ParsedNode,
} from 'yaml';
import type { Finding, Placed, Span } from './position.ts';
import { MAX_DEPTH, TOO_DEEP } from './yaml-text.ts';

type Node = ParsedNode | null | undefined;

/** The data of a document, the place of each part of it, and the mistakes in the document itself. */
export interface PlainData {
  readonly data: unknown;
  readonly placed: Placed;
  readonly findings: readonly Finding[];
  /** False if parts of the data are missing, so that it must not be checked further. */
  readonly whole: boolean;
}

/**
 * Maximum number of values after all aliases are replaced. With aliases of aliases, a few lines could produce billions
 * of values.
 */
const MAX_VALUES = 300_000;

/**
 * Converts a document to plain data: aliases are replaced, merge keys are merged. Tags, keys that are not text, and
 * aliases without an anchor are mistakes.
 */
export function plainData(document: Document, text: string): PlainData {
  const conversion = new Conversion();
  // The composer only warns of a tag that is unknown or does not fit its value; here it is a mistake.
  for (const { code, pos } of document.warnings)
    if (code === 'TAG_RESOLVE_FAILED') conversion.strangeTag({ start: pos[0], end: pos[1] }, text);
  const { data, placed } = conversion.convert(document.contents as Node, 0);
  const { findings, whole } = conversion;
  return { data, placed, findings, whole };
}

interface Converted {
  readonly data: unknown;
  readonly placed: Placed;
  /** Number of values, with those that aliases repeat. */
  readonly size: number;
  /** Number of levels below this value, itself included. */
  readonly height: number;
}

class Conversion {
  readonly findings: Finding[] = [];
  whole = true;
  /** The value of each anchor so far; null while the value is being converted. */
  readonly #anchors = new Map<string, Converted | null>();
  /** Number of values so far. */
  #values = 0;

  convert(node: Node, depth: number): Converted {
    if (isAlias(node)) return this.#alias(node, depth);
    if (++this.#values > MAX_VALUES) return this.#tooMany(spanOf(node), 'values');
    if (node === null || node === undefined) return scalar(null, { start: 0, end: 0 });
    const span = spanOf(node);
    const { anchor } = node;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const converted = isMap(node)
      ? this.#map(node.items, span, depth)
      : isSeq(node)
        ? this.#list(node.items, span, depth)
        : scalar(node.value, span);
    if (anchor !== undefined) this.#anchors.set(anchor, converted);
    return converted;
  }

  strangeTag({ start, end }: Span, text: string): void {
    const message = `this tag is unknown, or does not fit its value: \`${text.slice(start, end)}\``;
    this.findings.push({ start, end, message, hint: 'remove it' });
  }

  #alias(node: Alias.Parsed, depth: number): Converted {
    const span = spanOf(node);
    const fail = (message: string, hint: string): Converted => {
      this.#spoil({ ...span, message, hint });
      return scalar(null, span);
    };
    const target = this.#anchors.get(node.source);
    if (target === undefined)
      return fail(
        `no value before this is named \`&${node.source}\``,
        `write \`&${node.source}\` before the value that it repeats`,
      );
    if (target === null) return fail('this alias contains itself', 'write out what it should repeat');
    if (depth + target.height > MAX_DEPTH) return fail(TOO_DEEP.message, TOO_DEEP.hint);
    this.#values += target.size;
    if (this.#values > MAX_VALUES) return this.#tooMany(span, 'values with those that aliases repeat');
    return target;
  }

  /** Reports the mistake once. The rest of the file is converted to null. */
  #tooMany(span: Span, what: string): Converted {
    if (this.#values !== Infinity)
      this.#spoil({ ...span, message: `too many ${what}`, hint: `a scenario has at most ${MAX_VALUES}` });
    this.#values = Infinity;
    return scalar(null, span);
  }

  #list(items: readonly Node[], span: Span, depth: number): Converted {
    const converted = items.map((item) => this.convert(item, depth + 1));
    return {
      data: converted.map(({ data }) => data),
      placed: { span, kind: 'list', items: converted.map(({ placed }) => placed) },
      ...totals(converted),
    };
  }

  #map(pairs: readonly Pair<Node, Node>[], span: Span, depth: number): Converted {
    const entries = new Map<string, { readonly key: Span; readonly value: Placed }>();
    const data: Record<string, unknown> = {};
    const inner: Converted[] = [];
    const merged: { readonly key: Span; readonly value: Converted }[] = [];
    for (const { key, value: node } of pairs) {
      const at = spanOf(key);
      const name = this.#key(key, depth);
      const value = this.convert(node, depth + 1);
      inner.push(value);
      if (name === null) continue;
      // In JavaScript objects this key has another meaning, so the later checks would not see it.
      if (name === '__proto__') this.findings.push({ ...at, message: 'unknown key `__proto__`', hint: null });
      else if (isMergeKey(key)) merged.push({ key: at, value });
      else if (entries.has(name)) {
        const hint = 'remove one of them';
        this.findings.push({ ...at, message: 'the same key twice in one map', hint });
      } else {
        entries.set(name, { key: at, value: value.placed });
        data[name] = value.data;
      }
    }
    // Keys of the map itself have priority over merged ones, and earlier merged ones over later ones.
    for (const map of merged.flatMap((merge) => this.#merge(merge)))
      for (const [name, entry] of map.placed.entries) {
        if (entries.has(name)) continue;
        entries.set(name, entry);
        data[name] = (map.data as Readonly<Record<string, unknown>>)[name];
      }
    return { data, placed: { span, kind: 'map', entries }, ...totals(inner) };
  }

  /** Returns the key as text. A key that is not text is a mistake; then it returns null. */
  #key(key: Node, depth: number): string | null {
    if (isScalar(key)) {
      this.convert(key, depth + 1);
      return String(key.value);
    }
    // The place of a key that is missing is not known.
    if (key === null || key === undefined) return '';
    const message = isAlias(key) ? 'an alias as a key' : `a ${isMap(key) ? 'map' : 'list'} as a key`;
    this.#spoil({ ...spanOf(key), message, hint: 'a key is text' });
    return null;
  }

  /** Reports a mistake because of which parts of the data are missing. */
  #spoil(finding: Finding): void {
    this.findings.push(finding);
    this.whole = false;
  }

  /** The maps that a merge key names. */
  #merge({ key, value }: { readonly key: Span; readonly value: Converted }): readonly PlacedMap[] {
    const one = mapOf(value.placed, value.data);
    if (one !== null) return [one];
    const list = value.placed.kind === 'list' ? value.placed.items : [];
    const maps = list.map((item, i) => mapOf(item, (value.data as readonly unknown[])[i]));
    if (list.length > 0 && maps.every((map) => map !== null)) return maps;
    const message = '`<<` takes a map, or a list of maps';
    // If an alias has failed, it is reported already.
    if (this.whole) this.#spoil({ ...key, message, hint: 'write `<<: *name`, with `&name` before a map' });
    return [];
  }
}

interface PlacedMap {
  readonly placed: Extract<Placed, { kind: 'map' }>;
  readonly data: unknown;
}

const mapOf = (placed: Placed, data: unknown): PlacedMap | null =>
  placed.kind === 'map' ? { placed, data } : null;

/** `<<` without quotes. */
const isMergeKey = (key: Node): boolean =>
  isScalar(key) && key.value === '<<' && key.type === Scalar.PLAIN && key.tag === undefined;

const scalar = (data: unknown, span: Span): Converted => ({
  data,
  placed: { span, kind: 'scalar' },
  size: 1,
  height: 1,
});

function totals(inner: readonly Converted[]): { readonly size: number; readonly height: number } {
  let size = 1;
  let height = 0;
  for (const each of inner) {
    size += each.size;
    height = Math.max(height, each.height);
  }
  return { size, height: height + 1 };
}

function spanOf(node: Node): Span {
  const range = node?.range;
  return range === null || range === undefined ? { start: 0, end: 0 } : { start: range[0], end: range[1] };
}
