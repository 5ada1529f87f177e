import type { Violation } from '../result.ts';
import { LogMirror } from './log-mirror.ts';
import { event, hex, type NodeView, type Property, type Seen, violation } from './property.ts';

const NAME = 'log-matching';
/**
 * Maximum number of further entries at indexes with entries of several terms, which deposed leaders had not committed.
 */
const MAX_CONTESTED = 100_000;

interface Point {
  readonly index: number;
  readonly term: number;
  readonly digest: number;
}

/**
 * If two logs have an entry with the same index and term, they are identical up to that index (Raft §5.3, figure 3).
 * Digests are chained, so equal digests mean equal logs. Entries of different times are compared too, because a leader
 * creates only one entry per index and term.
 */
export class LogMatching implements Property {
  readonly name = NAME;
  /** The first entry seen at each index, on any node. */
  readonly #first = new LogMirror();
  /** Entries of other terms at the same index: `index/term` → digest. Oldest first. */
  readonly #others = new Map<string, number>();
  /** First report of the entries from each index on, in rising order of index, for the proof. */
  readonly #sources: { readonly from: number; readonly t: number; readonly node: string }[] = [];
  readonly #reported = new Set<string>();
  #compared = 0;

  feed(seen: Seen, _view: NodeView): readonly Violation[] {
    const { trace } = seen;
    if (trace.type === 'TakeSnapshot' || trace.type === 'InstallSnapshot')
      return this.#atSnapshot(seen, trace);
    if (trace.type !== 'Replicate' && trace.type !== 'Recover') return [];
    const begin = trace.type === 'Recover' && trace.snapshot !== null ? trace.snapshot : null;
    const [differs] = begin === null ? [] : this.#atSnapshot(seen, begin);
    if (differs !== undefined) return [differs];
    for (let i = 0; i < trace.terms.length; i++) {
      const index = trace.first + i;
      const term = trace.terms[i]!;
      const digest = trace.digests[i]! >>> 0;
      const known = this.#digestOf(seen, index, term, digest);
      if (known === digest) continue;
      return this.#differs(seen, { index, term, digest }, known);
    }
    return [];
  }

  summary(): { evidence: number; detail: string } {
    return { evidence: this.#compared, detail: `${this.#compared} entries compared with another log's` };
  }

  /** Compares the log that a snapshot represents; a snapshot gives no information about single entries. */
  #atSnapshot(seen: Seen, { index, term, digest }: Point): readonly Violation[] {
    if (!this.#first.has(index)) return [];
    this.#compared++;
    const same = this.#first.termAt(index) === term;
    const known = same ? this.#first.digestAt(index) : this.#others.get(`${index}/${term}`);
    if (known === undefined || known === digest >>> 0) return [];
    return this.#differs(seen, { index, term, digest: digest >>> 0 }, known);
  }

  #differs(seen: Seen, { index, term, digest }: Point, known: number): readonly Violation[] {
    // Chained digests differ from this index on, so one proof per node and term is enough.
    const about = `${seen.node}/${term}`;
    if (this.#reported.has(about)) return [];
    this.#reported.add(about);
    const source = this.#sourceOf(index);
    const prose = `${seen.node} has an entry with index ${index} and term ${term} whose log digest is ${hex(digest)}; ${source?.node ?? 'another node'} has one with ${hex(known)}: their logs differ at or before it.`;
    const own = event(seen, `entry ${index} of term ${term}, digest ${hex(digest)}`);
    const other =
      source === undefined ? [] : [event(source, `entry ${index} of term ${term}, digest ${hex(known)}`)];
    return [violation(NAME, 'logs differ at the same index and term', prose, [...other, own])];
  }

  /** The known digest of this index and term. If there is none, the given one is stored and returned. */
  #digestOf(seen: Seen, index: number, term: number, digest: number): number {
    if (index < this.#first.first) return digest;
    if (!this.#first.has(index)) {
      if (index > this.#first.last + 1) this.#sources.length = 0;
      this.#first.put(index, term, digest);
      if (this.#sources.at(-1)?.node !== seen.node)
        this.#sources.push({ from: index, t: seen.t, node: seen.node });
      if (this.#sources.length > MAX_CONTESTED) this.#sources.shift();
      return digest;
    }
    this.#compared++;
    if (this.#first.termAt(index) === term) return this.#first.digestAt(index);
    const key = `${index}/${term}`;
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    this.#others.set(key, digest);
    if (this.#others.size > MAX_CONTESTED) this.#others.delete(this.#others.keys().next().value!);
    return digest;
  }

  #sourceOf(index: number): { readonly t: number; readonly node: string } | undefined {
    return this.#sources.findLast((source) => source.from <= index);
  }
}
