/** `items` and one more, without the oldest if the list would be longer than `limit`. */
export function pushBounded<T>(items: readonly T[], item: T, limit: number): readonly T[] {
  return items.length < limit ? [...items, item] : [...items.slice(items.length - limit + 1), item];
}
