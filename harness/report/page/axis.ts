import { roundWidth } from '../model/bins.ts';

/** The span of time that a picture shows, in ms. */
export interface Frame {
  readonly from: number;
  readonly to: number;
}

/**
 * Position of `t` as a percentage of the plot's width, so that pictures stretch with the page while their text does
 * not.
 */
export function x(frame: Frame, t: number): string {
  return `${trim(100 * fraction(frame, t))}%`;
}

/** The width of [from, to]; at least `0.05%`, so that nothing is invisible. */
export function width(frame: Frame, from: number, to: number): string {
  return `${trim(Math.max(0.05, 100 * (fraction(frame, to) - fraction(frame, from))))}%`;
}

export function fraction({ from, to }: Frame, t: number): number {
  const span = to - from;
  if (!(span > 0)) return 0;
  return Math.min(1, Math.max(0, (t - from) / span));
}

const trim = (n: number): string => String(Math.round(n * 1000) / 1000);

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** At most `most` round moments, in seconds. */
export function timeTicks({ from, to }: Frame, most = 10): readonly Tick[] {
  const step = roundWidth((to - from) / most);
  const digits = Math.max(0, Math.ceil(-Math.log10(step / 1000)));
  const first = Math.ceil(from / step);
  const ticks: Tick[] = [];
  for (let k = first; k * step <= to; k++)
    ticks.push({ at: k * step, label: `${((k * step) / 1000).toFixed(digits)} s` });
  return ticks;
}

/** Vertical position of a value: 0 at the top of the plot, `height` at its bottom. */
export interface Scale {
  readonly y: (value: number) => number;
  readonly ticks: readonly Tick[];
}

/** From 0 to a round number above `most`. */
export function linearScale(most: number, height: number): Scale {
  const step = roundWidth(Math.max(most, 1) / 3);
  const top = Math.ceil(Math.max(most, 1) / step) * step;
  const y = (value: number): number => height - (height * value) / top;
  const ticks: Tick[] = [];
  for (let value = 0; value <= top * 1.001; value += step)
    ticks.push({ at: y(value), label: compact(value) });
  return { y, ticks };
}

/** A scale of decades for ms: `100 µs`, `1 ms`, `10 ms`, `1 s`. */
export function logScale(least: number, most: number, height: number): Scale {
  const low = Math.floor(Math.log10(Math.max(least, 0.001)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(most, 0.001))));
  const y = (value: number): number =>
    height - (height * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low);
  const ticks: Tick[] = [];
  for (let power = low; power <= high; power++) ticks.push({ at: y(10 ** power), label: decade(power) });
  return { y, ticks };
}

function decade(power: number): string {
  if (power < 0) return `${10 ** (power + 3)} µs`;
  return power < 3 ? `${10 ** power} ms` : `${10 ** (power - 3)} s`;
}

function compact(value: number): string {
  return value >= 10_000 ? `${trim(value / 1000)}k` : trim(value);
}
