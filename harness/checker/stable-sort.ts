/**
 * Sorts `items` (indices into `keys`) in place by their keys; items with equal keys keep their order. It is a merge
 * sort without a comparison function. Times are usually almost sorted. Of two runs, only the parts that overlap are
 * merged, so such input takes O(n).
 */
export function sortByKey(items: Int32Array, keys: Float64Array): Int32Array {
  const spare = new Int32Array(items.length);
  for (let from = 0; from < items.length; from += RUN) insertRun(items, keys, from, from + RUN);
  for (let width = RUN; width < items.length; width *= 2) {
    for (let from = 0; from + width < items.length; from += 2 * width)
      mergeRuns(items, keys, spare, {
        from,
        middle: from + width,
        to: Math.min(from + 2 * width, items.length),
      });
  }
  return items;
}

/** Length of the runs that are sorted by insertion. */
const RUN = 16;

function insertRun(items: Int32Array, keys: Float64Array, from: number, to: number): void {
  const end = Math.min(to, items.length);
  for (let i = from + 1; i < end; i++) {
    const item = items[i]!;
    const key = keys[item]!;
    let hole = i;
    for (; hole > from && keys[items[hole - 1]!]! > key; hole--) items[hole] = items[hole - 1]!;
    items[hole] = item;
  }
}

interface Runs {
  readonly from: number;
  readonly middle: number;
  readonly to: number;
}

function mergeRuns(items: Int32Array, keys: Float64Array, spare: Int32Array, runs: Runs): void {
  const { middle } = runs;
  const firstRight = keys[items[middle]!]!;
  const lastLeft = keys[items[middle - 1]!]!;
  if (lastLeft <= firstRight) return;
  // Some parts are already in place: the left run up to the first key of the right run, and the part of the right run
  // that begins at the last key of the left run.
  let { from, to } = runs;
  for (let high = middle; from < high;) {
    const probe = (from + high) >> 1;
    if (keys[items[probe]!]! <= firstRight) from = probe + 1;
    else high = probe;
  }
  for (let low = middle; low < to;) {
    const probe = (low + to) >> 1;
    if (keys[items[probe]!]! < lastLeft) low = probe + 1;
    else to = probe;
  }
  spare.set(items.subarray(from, middle));
  const held = middle - from;
  let left = 0;
  let right = middle;
  for (let at = from; left < held; at++) {
    if (right < to && keys[items[right]!]! < keys[spare[left]!]!) items[at] = items[right++]!;
    else items[at] = spare[left++]!;
  }
}
