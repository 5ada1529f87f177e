import type { Violation } from '../result.ts';
import { event, type NodeView, type Property, type Seen, violation } from './property.ts';

const NAME = 'election-safety';

interface Vote {
  readonly t: number;
  readonly candidate: string;
  /** The last index of the voter's log then. */
  readonly logEnd: number;
  /** Known to be on disk: found there by a start, or followed by an entry that was (storage keeps the order of writes). */
  durable: boolean;
}

/**
 * At most one leader in a term (Raft §5.2, figure 3), and what that rests on: a server votes for at most one candidate in a term,
 * also over a restart. A vote that a crash may have kept from the disk never left the node and may be given anew.
 */
export class ElectionSafety implements Property {
  readonly name = NAME;
  readonly #leaders = new Map<number, { readonly t: number; readonly node: string }>();
  /** By node: the vote in the highest term it has voted in; lower ones cannot be given again. */
  readonly #votes = new Map<string, { term: number; vote: Vote }>();
  #votesSeen = 0;

  feed(seen: Seen, view: NodeView): readonly Violation[] {
    const { trace } = seen;
    if (trace.type === 'BecomeLeader') return this.#elected(seen, trace.term);
    if (trace.type === 'GrantVote') return this.#voted(seen, view, trace);
    if (trace.type === 'BecomeCandidate')
      return this.#voted(seen, view, { term: trace.term, candidate: seen.node });
    if (trace.type === 'Recover') return this.#recovered(seen, trace.term, trace.votedFor);
    if (trace.type === 'Apply') this.#settle(seen.node, view, trace.index);
    return [];
  }

  summary(): { evidence: number; detail: string } {
    return {
      evidence: this.#leaders.size,
      detail: `${this.#leaders.size} terms with a leader, ${this.#votesSeen} votes`,
    };
  }

  wiped(node: string): void {
    this.#votes.delete(node);
  }

  #elected(seen: Seen, term: number): readonly Violation[] {
    const other = this.#leaders.get(term);
    if (other === undefined) this.#leaders.set(term, { t: seen.t, node: seen.node });
    if (other === undefined || other.node === seen.node) return [];
    const prose = `${seen.node} became the leader of term ${term}, which ${other.node} leads already.`;
    const text = `became the leader of term ${term}`;
    return [violation(NAME, 'two leaders in one term', prose, [event(other, text), event(seen, text)])];
  }

  #voted(
    seen: Seen,
    view: NodeView,
    { term, candidate }: { readonly term: number; readonly candidate: string },
  ): readonly Violation[] {
    this.#votesSeen++;
    const last = this.#votes.get(seen.node);
    if (last !== undefined && last.term > term) return [];
    if (last?.term === term) {
      if (last.vote.candidate === candidate) return [];
      const prose = `${seen.node} voted for ${candidate} in term ${term}, in which it had voted for ${last.vote.candidate}.`;
      return [
        violation(NAME, 'two votes in one term', prose, [
          this.#voteEvent(seen.node, last),
          event(seen, `voted for ${candidate} in term ${term}`),
        ]),
      ];
    }
    this.#votes.set(seen.node, {
      term,
      vote: { t: seen.t, candidate, logEnd: view.log.last, durable: false },
    });
    return [];
  }

  /** What is applied is on this node's disk. An entry that came after the vote was written after it: then the vote is on disk too. */
  #settle(node: string, view: NodeView, applied: number): void {
    const last = this.#votes.get(node);
    if (last === undefined || !view.log.has(applied)) return;
    if (applied > last.vote.logEnd && view.log.termAt(applied) >= last.term) last.vote.durable = true;
  }

  #recovered(seen: Seen, term: number, votedFor: string | null): readonly Violation[] {
    const last = this.#votes.get(seen.node);
    const found =
      votedFor === null
        ? undefined
        : { term, vote: { t: seen.t, candidate: votedFor, logEnd: 0, durable: true } };
    if (found === undefined) this.#votes.delete(seen.node);
    else this.#votes.set(seen.node, found);
    if (last === undefined || !last.vote.durable || last.term < term) return [];
    if (last.term === term && last.vote.candidate === votedFor) return [];
    const now = `term ${term}${votedFor === null ? ' without a vote' : ` and a vote for ${votedFor}`}`;
    const prose = `${seen.node} came back with ${now}, though it had voted for ${last.vote.candidate} in term ${last.term}: it may vote again in that term.`;
    return [
      violation(NAME, 'forgotten vote', prose, [
        this.#voteEvent(seen.node, last),
        event(seen, `started with ${now}`),
      ]),
    ];
  }

  #voteEvent(node: string, { term, vote }: { term: number; vote: Vote }): ReturnType<typeof event> {
    return event({ t: vote.t, node }, `voted for ${vote.candidate} in term ${term}`);
  }
}
