/** Formats of figures and times for the dashboard, the line output and the summary. All times are in ms. */

/** `mm:ss.mmm`, or `mm:ss` and `mm:ss.m` with fewer digits; the minutes may be more than 59. */
export function clockText(ms: number, digits: 0 | 1 | 3 = 3): string {
  const whole = Math.max(0, Math.floor(ms / 10 ** (3 - digits)));
  const perSecond = 10 ** digits;
  const seconds = Math.floor(whole / perSecond);
  const fraction = digits === 0 ? '' : `.${String(whole % perSecond).padStart(digits, '0')}`;
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}${fraction}`;
}

/** `4ms`, `1.23s`, `2m05s`: three significant digits. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? trim(ms.toFixed(1)) : Math.round(ms)}ms`;
  if (ms < 60_000) return `${trim((ms / 1_000).toFixed(ms < 10_000 ? 2 : 1))}s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
}

/** `9,412`. */
export function countText(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A latency in ms with its significant digits: `0.42`, `3.1`, `42`; `-` if nothing was measured. */
export function latencyText(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return '-';
  if (ms < 1) return ms.toFixed(2);
  return ms < 10 ? ms.toFixed(1) : countText(ms);
}

/** `98.7%`; never rounded up to 100% or down to 0%. */
export function percentText(part: number, whole: number): string {
  if (whole === 0) return '-';
  const share = (part / whole) * 100;
  if (share >= 100) return '100%';
  return `${(Math.floor(Math.max(share, part > 0 ? 0.1 : 0) * 10) / 10).toFixed(1)}%`;
}

const two = (value: number): string => String(value).padStart(2, '0');
const trim = (decimal: string): string => (decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal);
