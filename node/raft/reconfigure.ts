import type { Configuration, MemberChange } from './configuration.ts';
import { membersOf } from './membership.ts';
import type { NodeId } from './types.ts';

/** Returns the incarnation of a learner that would vote, or the reason why it may not be promoted yet. */
export type Readiness = (learner: NodeId) => number | string;

/**
 * The configuration that follows from `current`, which is not joint, and all of `changes` at once: C_old,new if the
 * voters change, else C_new, because learners decide nothing. A text is the reason why there can be no such change.
 */
export function reconfigured(
  current: Configuration,
  changes: readonly MemberChange[],
  readiness: Readiness,
): Configuration | string {
  const next = new NextConfiguration(current);
  if (changes.length === 0) return 'no change is given';
  if (new Set(changes.map(({ id }) => id)).size < changes.length) return 'a server is named twice';
  for (const change of changes) {
    const problem = next.apply(change, readiness);
    if (problem !== null) return problem;
  }
  if (next.voters.size === 0) return 'no voter would be left';
  return next.toConfiguration(current);
}

/** C_new of a joint configuration: the leaving servers are removed, with all knowledge about them. */
export function leaveJoint(joint: Configuration): Configuration {
  const left: Configuration = {
    ...joint,
    outgoing: [],
    learners: [...joint.learners, ...joint.learnersNext].sort(),
    learnersNext: [],
  };
  const members = membersOf(left);
  return {
    ...left,
    addresses: only(left.addresses, (id) => members.has(id)),
    incarnations: only(left.incarnations, (id) => left.voters.includes(id)),
  };
}

class NextConfiguration {
  readonly voters: Set<NodeId>;
  readonly #learners: Set<NodeId>;
  readonly #learnersNext = new Set<NodeId>();
  readonly #addresses: Record<string, string>;
  readonly #incarnations: Record<string, number>;

  constructor({ voters, learners, addresses, incarnations }: Configuration) {
    this.voters = new Set(voters);
    this.#learners = new Set(learners);
    this.#addresses = { ...addresses };
    this.#incarnations = { ...incarnations };
  }

  /** Returns why it cannot be, or null. */
  apply(change: MemberChange, readiness: Readiness): string | null {
    const { type, id } = change;
    const votes = this.voters.has(id);
    const known = votes || this.#learners.has(id);
    if (type === 'add-learner' ? known : !known)
      return `${id} is ${known ? 'a member already' : 'no member'}`;
    if (type === 'promote' && votes) return `${id} is a voter already`;
    if (type === 'demote' && !votes) return `${id} is a learner already`;
    if (type === 'promote') return this.#promote(id, readiness(id));
    this.voters.delete(id);
    this.#learners.delete(id);
    if (type === 'demote') this.#learnersNext.add(id);
    if (type === 'add-learner') {
      this.#learners.add(id);
      this.#addresses[id] = change.address;
    }
    return null;
  }

  toConfiguration({ voters: outgoing }: Configuration): Configuration {
    const joint: Configuration = {
      voters: [...this.voters].sort(),
      outgoing,
      learners: [...this.#learners].sort(),
      learnersNext: [...this.#learnersNext].sort(),
      addresses: this.#addresses,
      incarnations: this.#incarnations,
    };
    const sameVoters = outgoing.length === this.voters.size && outgoing.every((id) => this.voters.has(id));
    return sameVoters ? leaveJoint(joint) : joint;
  }

  #promote(id: NodeId, ready: number | string): string | null {
    if (typeof ready === 'string') return ready;
    this.#learners.delete(id);
    this.voters.add(id);
    if (ready > 0) this.#incarnations[id] = ready;
    return null;
  }
}

function only<T>(record: Readonly<Record<string, T>>, holds: (id: NodeId) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([id]) => holds(id as NodeId)));
}
