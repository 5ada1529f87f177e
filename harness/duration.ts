/** Durations with a unit, as scenarios and the command line write them. All values are in ms. */

const UNIT_MS = { us: 0.001, ms: 1, s: 1_000, m: 60_000 } as const;
export const DURATION_UNITS: readonly string[] = Object.keys(UNIT_MS);

/** A duration without anchors, for use in larger patterns. */
export const DURATION_SOURCE: string = String.raw`\d+(?:\.\d+)?(?:${DURATION_UNITS.join('|')})`;
const DURATION = /^(\d+(?:\.\d+)?)([a-z]+)$/;

/** `150ms`, `1.5s`, `2m`, `20us` in ms; null for anything else. */
export function parseDuration(text: string): number | null {
  const [, number, unit] = DURATION.exec(text.trim()) ?? [];
  if (unit === undefined || !Object.hasOwn(UNIT_MS, unit)) return null;
  return Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
}

/** The shortest exact way to write `ms` milliseconds: `250ms`, `1.5s`. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 1) return `${Math.round(ms * 1_000)}us`;
  if (ms < 1_000 || ms % 10 !== 0) return `${Math.round(ms * 1_000) / 1_000}ms`;
  return `${ms / 1_000}s`;
}
