import type { Violation } from '../result.ts';
import { event, type NodeView, type Property, type Seen, violation } from './property.ts';

const NAME = 'leader-append-only';

/**
 * A leader never overwrites or deletes entries in its log; it only appends new ones (Raft §5.3, figure 3).
 */
export class LeaderAppendOnly implements Property {
  readonly name = NAME;
  readonly #electedAt = new Map<string, number>();
  #appends = 0;

  feed(seen: Seen, view: NodeView): readonly Violation[] {
    const { t, node, trace } = seen;
    if (trace.type === 'BecomeLeader') this.#electedAt.set(node, t);
    if (trace.type !== 'Replicate' || !view.leading) return [];
    this.#appends++;
    const { last } = view.log;
    // If nothing is known of the log (the monitor started late), its last entry is unknown too.
    const overwrites = view.log.has(last) && trace.first <= last;
    if (!overwrites && !trace.truncated) return [];
    const what = trace.truncated ? 'removed' : 'overwrote';
    const end = view.logComplete ? `; its log ended at ${last}` : '';
    const prose = `${node}, the leader of term ${view.term}, ${what} entries of its own log from index ${trace.first} on${end}.`;
    return [
      violation(NAME, `leader ${what} entries`, prose, [
        event({ t: this.#electedAt.get(node) ?? t, node }, `became the leader of term ${view.term}`),
        event(seen, `${what} entries from index ${trace.first} on${end}`),
      ]),
    ];
  }

  summary(): { evidence: number; detail: string } {
    return {
      evidence: this.#appends,
      detail: `${this.#appends} batches of entries put into their logs by leaders`,
    };
  }
}
