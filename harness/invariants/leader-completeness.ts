import type { Violation } from '../result.ts';
import { event, hex, type NodeView, type Property, type Seen, violation } from './property.ts';

const NAME = 'leader-completeness';
/** Maximum number of elections, and of terms with commits, that are kept: the latest ones. */
const MAX_TERMS = 1_000;

interface Committed {
  readonly t: number;
  readonly node: string;
  readonly index: number;
  readonly digest: number;
}

interface ElectedLeader {
  readonly t: number;
  readonly node: string;
  /** Last index of its log at its election; null if not known. */
  readonly last: number | null;
  /** Digest of its log at an index, which does not change while it leads; null if not known. */
  readonly digestAt: (index: number) => number | null;
}

/**
 * An entry committed in a term is in the logs of the leaders of all higher terms (Raft §5.4, figure 3). An entry that a
 * node in term T reports as committed was committed in term T or earlier. Lines of different nodes may arrive in any
 * order, so each commit is compared with the known elections, and each election with the known commits. A digest
 * represents the whole log up to its index.
 */
export class LeaderCompleteness implements Property {
  readonly name = NAME;
  /** By term: the highest commit that a node in that term has reported. */
  readonly #committed = new Map<number, Committed>();
  readonly #elections = new Map<number, ElectedLeader>();
  readonly #reported = new Set<number>();
  #elected = 0;
  #commits = 0;
  #compared = 0;

  feed(seen: Seen, view: NodeView): readonly Violation[] {
    if (seen.trace.type === 'BecomeLeader') return this.#onElection(seen, seen.trace.term, view);
    if (seen.trace.type === 'Commit') return this.#onCommit(seen, seen.trace.index, view);
    return [];
  }

  summary(): { evidence: number; detail: string } {
    return {
      evidence: this.#elected === 0 ? 0 : this.#commits,
      detail: `${this.#elected} elections, ${this.#compared} comparisons of a leader's log with the entries committed before its term`,
    };
  }

  #onElection(seen: Seen, term: number, view: NodeView): readonly Violation[] {
    this.#elected++;
    const { log } = view;
    const last = view.logComplete ? log.last : null;
    // The entries up to `last` are known as long as the node leads. After that its log may be truncated below `last`,
    // so it counts as unknown.
    const digestAt = (index: number): number | null =>
      view.log === log && view.leading && view.term === term && log.has(index) ? log.digestAt(index) : null;
    const election = { t: seen.t, node: seen.node, last, digestAt };
    remember(this.#elections, term, election);
    for (const [committedIn, committed] of this.#committed) {
      if (committedIn >= term) continue;
      const digest = log.has(committed.index) ? log.digestAt(committed.index) : null;
      const found = this.#compare(term, election, committedIn, committed, digest);
      if (found !== null) return [found];
    }
    return [];
  }

  #onCommit(seen: Seen, index: number, view: NodeView): readonly Violation[] {
    this.#commits++;
    // If the node's term is unknown, the commit may belong to a higher term than the last one that was seen.
    if (view.term === null || !view.log.has(index)) return [];
    const committedIn = Math.max(view.term, view.log.termAt(index));
    const known = this.#committed.get(committedIn);
    if (known !== undefined && known.index >= index) return [];
    const committed = { t: seen.t, node: seen.node, index, digest: view.log.digestAt(index) };
    remember(this.#committed, committedIn, committed);
    for (const [term, election] of this.#elections) {
      if (term <= committedIn) continue;
      const found = this.#compare(term, election, committedIn, committed, election.digestAt(index));
      if (found !== null) return [found];
    }
    return [];
  }

  #compare(
    term: number,
    election: ElectedLeader,
    committedIn: number,
    committed: Committed,
    digest: number | null,
  ): Violation | null {
    this.#compared++;
    const { index } = committed;
    const missing = election.last !== null && election.last < index;
    if (!missing && (digest === null || digest === committed.digest)) return null;
    if (this.#reported.has(term)) return null;
    this.#reported.add(term);
    const what = missing
      ? `its log ended at index ${election.last}`
      : `its log has another entry at or before index ${index} (digest ${hex(digest!)}, not ${hex(committed.digest)})`;
    const prose = `${election.node} became the leader of term ${term}, but ${what}; ${committed.node} said in term ${committedIn} that index ${index} is committed.`;
    return violation(NAME, 'leader lacks a committed entry', prose, [
      event(
        committed,
        `index ${index} is committed, digest ${hex(committed.digest)} (in term ${committedIn})`,
      ),
      event(election, `became the leader of term ${term}; ${what}`),
    ]);
  }
}

function remember<V>(map: Map<number, V>, term: number, value: V): void {
  map.delete(term);
  map.set(term, value);
  if (map.size > MAX_TERMS) map.delete(map.keys().next().value!);
}
