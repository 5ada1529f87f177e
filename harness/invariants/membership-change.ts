import type { Members } from '../trace.ts';
import type { Violation } from '../result.ts';
import { event, type Property, type Seen, violation } from './property.ts';

const NAME = 'membership-change';

interface Committed extends Members {
  readonly t: number;
  readonly node: string;
  readonly index: number;
}

/**
 * Voters change only through joint consensus (Raft §6): from C_old to C_old,new, whose outgoing voters are those of
 * C_old, and from there to C_new. One index has one committed configuration. The property is checked only in runs that
 * change members; the other properties check the logs of all nodes, members or not.
 */
export class MembershipChange implements Property {
  readonly name = NAME;
  /** The first configuration that was seen at each index. */
  readonly #at = new Map<number, Committed>();
  /** By node: its latest configuration since it started and since it last installed a snapshot. */
  readonly #last = new Map<string, Committed>();
  #seen = 0;
  #joint = 0;

  feed(seen: Seen): readonly Violation[] {
    const { t, node, trace } = seen;
    // Both replace entries by a snapshot, so configurations in these entries are not seen.
    if (trace.type === 'Recover' || trace.type === 'InstallSnapshot') this.#last.delete(node);
    return trace.type === 'ApplyConfChange' ? this.#committed({ ...trace, t, node }) : [];
  }

  hole(node: string): void {
    this.#last.delete(node);
  }

  summary(): { evidence: number; detail: string } {
    return {
      evidence: this.#seen,
      detail: `${this.#seen} committed configurations, ${this.#joint} of them joint`,
    };
  }

  #committed(now: Committed): readonly Violation[] {
    const { node, index, outgoing } = now;
    const before = this.#last.get(node);
    this.#last.set(node, now);
    const other = this.#at.get(index);
    if (other === undefined) {
      this.#at.set(index, now);
      this.#seen++;
      if (outgoing.length > 0) this.#joint++;
    } else if (inWords(other) !== inWords(now)) {
      const prose = `${node} and ${other.node} have different configurations at index ${index}: ${inWords(now)} and ${inWords(other)}.`;
      return [violation(NAME, 'two configurations at one index', prose, [told(other), told(now)])];
    }
    if (before === undefined || follows(before, now)) return [];
    const prose = `${node} went from ${inWords(before)} (index ${before.index}) to ${inWords(now)} (index ${index}): there may be two majorities that share no node.`;
    return [violation(NAME, 'voters changed without joint consensus', prose, [told(before), told(now)])];
  }
}

/** True if `after` may be the next configuration after `before`. */
function follows(before: Members, after: Members): boolean {
  if (before.outgoing.length > 0) return after.outgoing.length === 0 && same(after.voters, before.voters);
  return same(after.outgoing.length > 0 ? after.outgoing : after.voters, before.voters);
}

const same = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

const told = (committed: Committed): ReturnType<typeof event> =>
  event(committed, `committed is ${inWords(committed)} at index ${committed.index}`);

function inWords({ voters, outgoing, learners }: Members): string {
  const joint = outgoing.length === 0 ? '' : ` and, of the old, (${outgoing.join(' ')})`;
  return `(${voters.join(' ')})${joint}${learners.length === 0 ? '' : ` with learners ${learners.join(' ')}`}`;
}
