import type { Op } from './op.ts';

/** Position of the first operation that was invoked at `t` or later; `ops` are in order of invocation. */
export function firstFrom(ops: readonly Op[], t: number): number {
  let low = 0;
  let high = ops.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ops[middle]!.call < t) low = middle + 1;
    else high = middle;
  }
  return low;
}
