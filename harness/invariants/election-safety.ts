import type { Violation } from '../result.ts';
import { event, type Property, type Seen, violation } from './property.ts';

const NAME = 'election-safety';

interface Vote {
  readonly t: number;
  readonly term: number;
  readonly candidate: string;
}

/**
 * A term has at most one leader (Raft §5.2, figure 3), and the rule that ensures this: a server votes for at most one
 * candidate in a term, even if it restarts. A vote is traced only after it is durable, so a vote that a crash undid was
 * never traced, and a traced vote must still exist after a restart.
 */
export class ElectionSafety implements Property {
  readonly name = NAME;
  readonly #leaders = new Map<number, { readonly t: number; readonly node: string }>();
  /** By node: the vote in the highest term in which it has voted; it cannot vote again in a lower term. */
  readonly #votes = new Map<string, Vote>();
  #votesSeen = 0;

  feed(seen: Seen): readonly Violation[] {
    const { t, node, trace } = seen;
    if (trace.type === 'BecomeLeader') return this.#elected(seen, trace.term);
    if (trace.type === 'GrantVote')
      return this.#voted(node, { t, term: trace.term, candidate: trace.candidate });
    if (trace.type === 'BecomeCandidate') return this.#voted(node, { t, term: trace.term, candidate: node });
    if (trace.type === 'Recover') return this.#recovered(seen, trace.term, trace.votedFor);
    return [];
  }

  summary(): { evidence: number; detail: string } {
    const detail = `${this.#leaders.size} terms with a leader, ${this.#votesSeen} votes`;
    return { evidence: this.#leaders.size, detail };
  }

  wiped(node: string): void {
    this.#votes.delete(node);
  }

  #elected(seen: Seen, term: number): readonly Violation[] {
    const other = this.#leaders.get(term);
    if (other === undefined) this.#leaders.set(term, { t: seen.t, node: seen.node });
    if (other === undefined || other.node === seen.node) return [];
    const prose = `${seen.node} became the leader of term ${term}, but ${other.node} is already the leader of this term.`;
    const text = `became the leader of term ${term}`;
    return [violation(NAME, 'two leaders in one term', prose, [event(other, text), event(seen, text)])];
  }

  #voted(node: string, vote: Vote): readonly Violation[] {
    const last = this.#votes.get(node);
    if (last === undefined || last.term < vote.term) {
      this.#votesSeen++;
      this.#votes.set(node, vote);
      return [];
    }
    if (last.term > vote.term || last.candidate === vote.candidate) return [];
    const prose = `${node} voted for ${vote.candidate} in term ${vote.term}, in which it had voted for ${last.candidate}.`;
    return [violation(NAME, 'two votes in one term', prose, [voteEvent(node, last), voteEvent(node, vote)])];
  }

  #recovered(seen: Seen, term: number, votedFor: string | null): readonly Violation[] {
    const { t, node } = seen;
    const last = this.#votes.get(node);
    if (votedFor !== null && (last === undefined || last.term <= term))
      this.#votes.set(node, { t, term, candidate: votedFor });
    if (last === undefined || last.term < term) return [];
    if (last.term === term && last.candidate === votedFor) return [];
    // The forgotten vote is kept, so that a second vote in that term is also reported.
    this.#votes.set(node, last);
    const found = `term ${term}${votedFor === null ? ' without a vote' : ` and a vote for ${votedFor}`}`;
    const prose = `${node} restarted with ${found}, although it had voted for ${last.candidate} in term ${last.term}: it may vote again in that term.`;
    return [
      violation(NAME, 'forgotten vote', prose, [voteEvent(node, last), event(seen, `started with ${found}`)]),
    ];
  }
}

const voteEvent = (node: string, { t, term, candidate }: Vote): ReturnType<typeof event> =>
  event({ t, node }, `voted for ${candidate} in term ${term}`);
