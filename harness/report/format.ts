/** Formats of figures for every part of the report. Times are in ms unless stated otherwise. */

/** `850 µs`, `3.1 ms`, `42 ms`, `1.23 s`, `2 min 05 s`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return 'open';
  const size = Math.abs(ms);
  if (size === 0) return '0 ms';
  if (size < 1) return `${Math.round(ms * 1000)} µs`;
  if (size < 9.95) return `${ms.toFixed(1)} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  if (size < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (size < 119_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** A moment of the run: `8.204 s`. */
export const moment = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1000).toFixed(3)} s` : 'never');

/** Formats of points in time and of durations. */
export interface Clock {
  /** `8.204 s`, `line 41`; `never` for Infinity. */
  readonly moment: (t: number) => string;
  readonly duration: (t: number) => string;
  /** Format on an axis, where `moment` would be too long or too exact. Undefined: in seconds. */
  readonly tick?: (t: number) => string;
}

/** Clock of a run: ms since it began. */
export const runClock: Clock = { moment, duration };

/** Clock of a history without times: it counts lines, or events. */
export function countingClock(noun: string): Clock {
  const words = (t: number): string => (Number.isFinite(t) ? `${noun} ${Math.round(t)}` : 'never');
  return {
    moment: words,
    duration: (t) => (Number.isFinite(t) ? plural(t, noun) : 'open'),
    tick: (t) => String(Math.round(t)),
  };
}

/** `24,112`. */
export const count = (n: number): string =>
  Math.round(n)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ',');

/** `98.7 %`; a dash if the whole is empty. */
export const share = (part: number, whole: number): string =>
  whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '–';

export const latency = (ms: number | null): string => (ms === null ? '–' : duration(ms));

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/**
 * At most `limit` characters; if the text is longer, its end is replaced by `…`. It is never cut inside a code point.
 */
export function clipped(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text
    .slice(0, limit - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`;
}

/** A, B, … Z, AA, AB …: the name of the n-th fault (from 0) in every picture. */
export function letters(n: number): string {
  const last = String.fromCharCode(65 + (n % 26));
  return n < 26 ? last : letters(Math.floor(n / 26) - 1) + last;
}
