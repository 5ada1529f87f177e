import type { Configuration, MemberChange } from './configuration.ts';
import { membersOf } from './membership.ts';
import type { NodeId } from './types.ts';

/** Returns the incarnation that a learner would vote with, or the reason why it may not be promoted yet. */
export type Readiness = (learner: NodeId) => number | string;

/**
 * Applies all `changes` at once to `current`, which is not joint. Returns C_old,new if the voters change; else C_new,
 * because learners decide nothing. Returns a text with the reason if the change is not possible.
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

/** Returns C_new of a joint configuration, without any data about the servers that leave. */
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

  /** Applies one change. Returns the reason if this is not possible; else null. */
  apply(change: MemberChange, readiness: Readiness): string | null {
    const { type, id } = change;
    const votes = this.voters.has(id);
    const known = votes || this.#learners.has(id);
    if (type === 'add-learner' ? known : !known)
      return `${id} is ${known ? 'a member already' : 'not a member'}`;
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
