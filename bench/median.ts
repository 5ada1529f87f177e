/** Median of the values, or the mean of the two in the middle. NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return (sorted[middle]! + sorted[sorted.length - 1 - middle]!) / 2;
}
