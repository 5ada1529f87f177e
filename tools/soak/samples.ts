import { readdirSync } from 'node:fs';
import { residentMiB } from '../../bench/machine.ts';
import { median } from '../../bench/median.ts';

/** Memory and descriptors of one node's process at one moment, as the kernel counts them. */
export interface Sample {
  /** Seconds since the run began. */
  readonly s: number;
  readonly node: string;
  readonly pid: number;
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** Takes a sample. Null: the process is gone, or the operating system has no /proc. */
export function sampleOf(s: number, node: string, pid: number): Sample | null {
  try {
    const rssMiB = residentMiB(pid);
    return rssMiB === 0 ? null : { s, node, pid, rssMiB, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
}

/** Maximum factor by which the memory of one process may grow after warm-up. */
const MAX_GROWTH = 1.2;
/** Share of the time after warm-up that is compared, at its beginning and at its end. */
const COMPARED_SHARE = 0.25;
/** Number of descriptors a node may hold at rest beyond those before the load: prepared segments, a new snapshot. */
const SPARE_DESCRIPTORS = 4;

export interface Bounded {
  readonly holds: boolean;
  readonly detail: string;
}

/**
 * Judges whether the memory of the process `pid` grows by at most 20 % from `warmS` to `endS`, by the medians of the
 * first and the last quarter.
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
    detail: `${before.toFixed(1)} MiB when warm, ${after.toFixed(1)} MiB at the end: factor ${growth.toFixed(2)} (at most ${MAX_GROWTH})`,
  };
}

/** Judges whether no node has more descriptors at rest than before the load. `before` and `after` are by node. */
export function descriptorsBounded(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Bounded {
  const leaks = [...before].filter(([node, count]) => {
    const now = after.get(node);
    return now === undefined || now > count + SPARE_DESCRIPTORS;
  });
  const counts = [...before].map(
    ([node, count]) => `${node} ${count} before, ${after.get(node) ?? 'unknown'} after`,
  );
  return {
    holds: leaks.length === 0,
    detail: `at rest: ${counts.join('; ')}; ${SPARE_DESCRIPTORS} more are allowed`,
  };
}
