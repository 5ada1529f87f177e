import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel says of one node's process at one moment. */
export interface Sample {
  /** Seconds since the run began. */
  readonly s: number;
  readonly node: string;
  readonly pid: number;
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** Null: the process is gone, or the system has no /proc. */
export function sampleOf(s: number, node: string, pid: number): Sample | null {
  try {
    const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    if (!(rssKiB > 0)) return null;
    return { s, node, pid, rssMiB: rssKiB / 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/** How much the memory of one process may grow once it is warm. */
const MAX_GROWTH = 1.2;
/** So much of the warm time is compared at its beginning and at its end. */
const COMPARED_SHARE = 0.25;
/** A node may hold so many more at rest than before the load: segments made ahead, a snapshot being written. */
const SPARE_DESCRIPTORS = 4;

export interface Bounded {
  readonly holds: boolean;
  readonly detail: string;
}

/**
 * Whether the memory of the process `pid` stays within 20 % from `warmS` to `endS`: medians of the first and last
 * quarter.
 */
export function memoryBounded(
  samples: readonly Sample[],
  pid: number,
  { warmS, endS }: { readonly warmS: number; readonly endS: number },
): Bounded {
  const compared = (endS - warmS) * COMPARED_SHARE;
  const between = (from: number, to: number): number =>
    median(
      samples.filter((each) => each.pid === pid && each.s >= from && each.s <= to).map((each) => each.rssMiB),
    );
  const before = between(warmS, warmS + compared);
  const after = between(endS - compared, endS);
  const growth = after / before;
  return {
    holds: growth <= MAX_GROWTH,
    detail: `${before.toFixed(1)} MiB when warm, ${after.toFixed(1)} at the end: ${growth.toFixed(2)}, at most ${MAX_GROWTH}`,
  };
}

/** Whether every node has no more descriptors at rest than before: `before` and `after` by node. */
export function descriptorsBounded(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Bounded {
  const leaks = [...before].filter(([node, count]) => {
    const now = after.get(node);
    return now === undefined || now > count + SPARE_DESCRIPTORS;
  });
  const told = [...before].map(
    ([node, count]) => `${node} ${count} before, ${after.get(node) ?? 'unknown'} after`,
  );
  return {
    holds: leaks.length === 0,
    detail: `at rest: ${told.join('; ')}; ${SPARE_DESCRIPTORS} more are allowed`,
  };
}

/** NaN of nothing, which no bound holds for. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
