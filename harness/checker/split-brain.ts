import type { Blocks } from './blocks.ts';
import { type Columns, KIND, NONE } from './columns.ts';
import type { States } from './states.ts';

/** A node that showed what it had written, although another node had written in between. Rows of the columns. */
export interface Ignored {
  readonly write: number;
  readonly other: number;
  readonly shown: number;
}

/** With more nodes than this nobody asks whether two of them went their own ways: it costs a look at each. */
const MOST_NODES = 16;
/** How many reads behind a fork are looked at. */
const MOST_READS = 1_000;

/**
 * Two nodes that each ignored a write of the other, about the same time: both acted as the leader. One of the two alone
 * is a stale read.
 */
export function splitBrain(columns: Columns, blocks: Blocks): readonly [Ignored, Ignored] | null {
  const { call, ret, kind } = columns;
  const writes = writesByNode(columns, blocks);
  if (writes.size > MOST_NODES) return null;
  const latest = new Map<string, Ignored>();
  for (let block = 0; block < blocks.size; block++) {
    const write = blocks.root[block]!;
    const shown = blocks.lastStep[block]!;
    if (write === columns.size || shown === NONE || kind[shown] !== KIND.read) continue;
    const node = nodeOf(columns, write);
    if (nodeOf(columns, shown) !== node) continue;
    for (const [otherNode, others] of writes) {
      const other = otherNode === node ? NONE : others.firstToEndAfter(ret[write]!);
      if (other === NONE || !(ret[other]! < call[shown]!)) continue;
      const side = { write, other, shown };
      const mirror = latest.get(`${otherNode} ${node}`);
      if (mirror !== undefined && ret[mirror.write]! < call[shown]! && ret[write]! < call[mirror.shown]!)
        return [mirror, side];
      latest.set(`${node} ${otherNode}`, side);
    }
  }
  return null;
}

/** The known writes of a node that begin a block, to ask for the one that ends first of those that begin after a time. */
class Writes {
  readonly #columns: Columns;
  readonly #rows: number[] = [];
  /** Per row: the one that ends first of it and all behind it. */
  #firstToEnd: number[] | null = null;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  /** In order of call. */
  add(row: number): void {
    this.#rows.push(row);
  }

  firstToEndAfter(time: number): number {
    const { call, ret } = this.#columns;
    if (this.#firstToEnd === null) {
      let first = NONE;
      this.#firstToEnd = this.#rows
        .toReversed()
        .map((row) => (first = first === NONE || ret[row]! < ret[first]! ? row : first))
        .toReversed();
    }
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (call[this.#rows[middle]!]! > time) high = middle;
      else low = middle + 1;
    }
    return this.#firstToEnd[low] ?? NONE;
  }
}

function writesByNode(columns: Columns, { root, size }: Blocks): ReadonlyMap<string, Writes> {
  const writes = new Map<string, Writes>();
  for (let block = 0; block < size; block++) {
    const row = root[block]!;
    if (row === columns.size || columns.certain[row] === 0) continue;
    const node = nodeOf(columns, row);
    let ofNode = writes.get(node);
    if (ofNode === undefined) writes.set(node, (ofNode = new Writes(columns)));
    ofNode.add(row);
  }
  return writes;
}

const nodeOf = ({ ops, at }: Columns, row: number): string => ops[at[row]!]!.node;

/** What reads tell of two appends that each came directly after the one state. */
export interface ForkSights {
  /** Some read shows both. */
  readonly bothShown: boolean;
  /** Reads by the nodes that took the appends, each without the other's, though that one had ended: both went on. */
  readonly apart: readonly [number, number] | null;
}

export function sightsOfFork(
  columns: Columns,
  { values }: States,
  [a, b]: readonly [number, number],
): ForkSights {
  const { kind, from, call, ret, size } = columns;
  const ignores = (reader: number, own: number, other: number): boolean =>
    call[reader]! > ret[other]! && nodeOf(columns, reader) === nodeOf(columns, own);
  let ofA = NONE;
  let ofB = NONE;
  let looks = MOST_READS;
  for (let row = Math.min(a, b) + 1; row < size && looks > 0; row++) {
    if (kind[row] !== KIND.read) continue;
    looks--;
    const traced = values.trace(from[row]!);
    if (traced.type !== 'origin') continue;
    const [hasA, hasB] = [a, b].map((append) => traced.origin.appends.includes(append));
    if (hasA && hasB) return { bothShown: true, apart: null };
    if (hasA && ofA === NONE && ignores(row, a, b)) ofA = row;
    if (hasB && ofB === NONE && ignores(row, b, a)) ofB = row;
  }
  const apart = ofA !== NONE && ofB !== NONE && nodeOf(columns, a) !== nodeOf(columns, b);
  return { bothShown: false, apart: apart ? [ofA, ofB] : null };
}
