import type { Op } from './op.ts';

/** Milliseconds, exact (no buckets); null where there is no sample. */
export interface LatencyStats {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly max: number | null;
}

/** Over the operations that ended ok, from invocation to answer. Retries inside an operation count into its latency. */
export function latencyStats(ops: readonly Op[]): LatencyStats {
  const samples: number[] = [];
  for (const op of ops) if (op.outcome === 'ok') samples.push(op.return - op.call);
  return statsOf(samples);
}

/** The same over plain samples in ms, in any order. */
export function statsOf(samples: readonly number[]): LatencyStats {
  const sorted = Float64Array.from(samples).sort();
  return {
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    max: percentile(sorted, 1),
  };
}

/** Nearest rank: the smallest sample that at least the share `q` of all samples does not exceed. */
function percentile(sorted: Float64Array, q: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}
