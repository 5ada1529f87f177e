import { closest, distance } from 'fastest-levenshtein';

/** The known word that was probably meant, or null if none is near enough. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const near = closest(word, [...known]);
  return distance(word, near) <= Math.max(2, Math.floor(word.length / 3)) ? near : null;
}
