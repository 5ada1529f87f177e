import { fraction } from './axis.ts';

/**
 * The time axis of a violation's close-up: the order is exact, and distances are compressed. A stale read may be 20 s
 * after the write that it contradicts, and both may take a millisecond, so on an exact axis neither would be visible.
 * The time between two neighbouring moments gets a width that grows with the logarithm of its length.
 */
export interface CloseUpAxis {
  /** 0 to 1. Monotonic; defined for every moment. */
  readonly at: (t: number) => number;
  readonly moments: readonly number[];
}

const MARGIN = 0.02;

export function closeUpAxis(times: readonly number[]): CloseUpAxis {
  const moments = [...new Set(times.filter((t) => Number.isFinite(t)))].sort((a, b) => a - b);
  const gaps = moments.slice(1).map((t, i) => t - moments[i]!);
  const least = Math.max(0.01, Math.min(...gaps, 1));
  const offsets = [0];
  for (const gap of gaps) offsets.push(offsets.at(-1)! + 1 + Math.log2(1 + gap / least));
  const whole = offsets.at(-1)! || 1;
  const at = (t: number): number => {
    if (moments.length === 0 || t <= moments[0]!) return MARGIN;
    const next = moments.findIndex((m) => m > t);
    if (next === -1) return t === moments.at(-1) ? 1 - 3 * MARGIN : 1;
    const within = fraction({ from: moments[next - 1]!, to: moments[next]! }, t);
    const offset = offsets[next - 1]! + within * (offsets[next]! - offsets[next - 1]!);
    return MARGIN + (offset / whole) * (1 - 4 * MARGIN);
  };
  return { at, moments };
}
