import type { RegisterValue } from '../../history/op.ts';
import type { State } from './block.ts';

/** Result of assembling a value from a known state and appends that have no place yet. */
export type Assembly =
  | { readonly type: 'one'; readonly base: State; readonly appends: readonly State[] }
  | { readonly type: 'none' }
  /** The only way uses this append more than once. */
  | { readonly type: 'repeats'; readonly token: State }
  | { readonly type: 'many' };

export interface Parts {
  /** States by value: possible beginnings of the value, or the value itself. */
  readonly states: ReadonlyMap<RegisterValue, State>;
  readonly baseLengths: Iterable<number>;
  /** The initial state if it may still get a successor; it adds nothing to the value. */
  readonly initial: State | null;
  readonly tokens: ReadonlyMap<string, State>;
  readonly tokenLengths: Lengths;
}

/** Maximum number of steps for assembling a value; after that it counts as one with many ways. */
const MAX_LOOKS = 2_000_000;

/** Finds the ways to assemble `value`. The result is none, the only way, or "many". */
export function assemble(value: string, parts: Parts): Assembly {
  const starts = beginnings(value, parts);
  const from = Math.min(...starts.keys());
  if (from === Infinity) return { type: 'none' };
  // By position after `from`: number of ways that lead there (2: many), and the last part of one of them.
  const ways: number[] = [];
  const last: (State | undefined)[] = [];
  let looks = 0;
  for (let at = from; at < value.length; at++) {
    const start = starts.get(at);
    const count = (ways[at - from] ?? 0) + (start === undefined ? 0 : 1);
    ways[at - from] = count;
    if (start !== undefined) last[at - from] = start;
    if (count === 0) continue;
    for (const length of parts.tokenLengths.all()) {
      if (++looks > MAX_LOOKS) return { type: 'many' };
      const to = at + length;
      const token = to <= value.length ? parts.tokens.get(value.slice(at, to)) : undefined;
      if (token === undefined) continue;
      ways[to - from] = Math.min(2, (ways[to - from] ?? 0) + count);
      last[to - from] = token;
    }
  }
  const whole = starts.get(value.length);
  const count = (ways[value.length - from] ?? 0) + (whole === undefined ? 0 : 1);
  if (count === 0) return { type: 'none' };
  if (count > 1) return { type: 'many' };
  return whole === undefined ? walkBack(last, parts.tokens) : { type: 'one', base: whole, appends: [] };
}

/** The possible beginnings of the value, by their length. */
function beginnings(value: string, parts: Parts): ReadonlyMap<number, State> {
  const starts = new Map<number, State>();
  if (parts.initial !== null && value !== '') starts.set(0, parts.initial);
  for (const length of parts.baseLengths) {
    const base = length < value.length ? parts.states.get(value.slice(0, length)) : undefined;
    if (base !== undefined) starts.set(length, base);
  }
  const whole = parts.states.get(value);
  if (whole !== undefined) starts.set(value.length, whole);
  return starts;
}

function walkBack(last: readonly (State | undefined)[], tokens: ReadonlyMap<string, State>): Assembly {
  const appends = new Set<State>();
  let at = last.length - 1;
  for (;;) {
    const part = last[at]!;
    const text = part.maker?.input;
    if (typeof text !== 'string' || tokens.get(text) !== part)
      return { type: 'one', base: part, appends: [...appends].reverse() };
    if (appends.has(part)) return { type: 'repeats', token: part };
    appends.add(part);
    at -= text.length;
  }
}

/** The lengths of some texts, with the number of texts of each length. */
export class Lengths {
  readonly #counts = new Map<number, number>();

  get size(): number {
    return this.#counts.size;
  }

  all(): Iterable<number> {
    return this.#counts.keys();
  }

  add(text: string): void {
    this.#counts.set(text.length, (this.#counts.get(text.length) ?? 0) + 1);
  }

  remove(text: string): void {
    const count = this.#counts.get(text.length)!;
    if (count === 1) this.#counts.delete(text.length);
    else this.#counts.set(text.length, count - 1);
  }
}
