import { LIMITS, type TimeSpan } from './state.ts';

/** `items` and one more, without the oldest where that would be over `limit`. */
export function push<T>(items: readonly T[], item: T, limit: number): readonly T[] {
  return items.length < limit ? [...items, item] : [...items.slice(items.length - limit + 1), item];
}

/** Opens, keeps or closes the last span of a list. */
export function spans(list: readonly TimeSpan[], on: boolean, t: number): readonly TimeSpan[] {
  const last = list.at(-1);
  const open = last !== undefined && last.to === null;
  if (on === open) return list;
  return on
    ? push(list, { from: t, to: null }, LIMITS.spans)
    : [...list.slice(0, -1), { from: last!.from, to: t }];
}
