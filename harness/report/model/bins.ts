import { statsOf } from '../../history/latency.ts';
import type { Op } from '../../history/op.ts';

/** Operations in bins of equal width, as one array per field: index k covers [k·widthMs, (k+1)·widthMs). */
export interface Bins {
  readonly widthMs: number;
  readonly count: number;
  /** Operations that ended in the bin; an unknown one ends when its client gives up. */
  readonly ok: readonly number[];
  readonly fail: readonly number[];
  readonly info: readonly number[];
  /**
   * Latencies in ms of the ok operations that were *invoked* in the bin: the waiting time of a client that asked at
   * that time.
   */
  readonly p50: readonly (number | null)[];
  readonly p99: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

const MOST_BINS = 300;
const LEAST_WIDTH_MS = 50;

export function binOps(ops: readonly Op[], endMs: number): Bins {
  const widthMs = Math.max(LEAST_WIDTH_MS, roundWidth(endMs / MOST_BINS));
  const count = Math.max(1, Math.ceil(endMs / widthMs));
  const zeros = (): number[] => Array.from({ length: count }, () => 0);
  const ok = zeros();
  const fail = zeros();
  const info = zeros();
  const waits: number[][] = Array.from({ length: count }, () => []);
  const indexOf = (t: number): number => Math.min(count - 1, Math.max(0, Math.floor(t / widthMs)));
  for (const op of ops) {
    const done = indexOf(endOf(op));
    if (op.outcome === 'ok') {
      ok[done]!++;
      waits[indexOf(op.call)]!.push(op.return - op.call);
    } else if (op.outcome === 'fail') fail[done]!++;
    else info[done]!++;
  }
  const stats = waits.map(statsOf);
  return {
    widthMs,
    count,
    ok,
    fail,
    info,
    p50: stats.map((s) => s.p50),
    p99: stats.map((s) => s.p99),
    max: stats.map((s) => s.max),
  };
}

/** End of an operation's bar in a picture: its response, or the time at which its client gave up. */
export const endOf = (op: Op): number => (Number.isFinite(op.return) ? op.return : (op.gaveUp ?? op.call));

/** The smallest of 1, 2, 5 × 10^k that is not below `width`. */
export function roundWidth(width: number): number {
  if (!(width > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(width));
  const step = [1, 2, 5, 10].find((s) => s * power >= width * 0.999_999) ?? 10;
  return step * power;
}
