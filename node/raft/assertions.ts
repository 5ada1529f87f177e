import { broken } from './invariant.ts';
import { membersOf } from './membership.ts';
import type { Ready } from './ready.ts';
import type { Candidate, Follower, Leader, ServerState } from './state.ts';
import type { HardState } from './types.ts';

/** What may only rise, or only change under a condition, as it was with the last Ready. */
interface Before {
  term: number;
  votedFor: string | null;
  commit: number;
  delivered: number;
  base: number;
  last: number;
  readContext: number;
  leads: boolean;
  configuration: number;
}

/**
 * What must hold of one server whatever it has heard, and from one moment to the next: LogCabin's basic and delta
 * invariants. Checked with every Ready, a few comparisons each. A server that breaks one stops before anything of it
 * gets out.
 */
export class Assertions {
  readonly #state: ServerState;
  readonly #before: Before;
  /** Term and vote as they were last handed out to be stored. */
  #handed: HardState;

  constructor(state: ServerState) {
    this.#state = state;
    this.#before = observe(state);
    this.#handed = { term: state.currentTerm, votedFor: state.votedFor };
  }

  /** `ready` is about to be handed out. */
  check({ hardState, committed, entries }: Ready): void {
    const { currentTerm, votedFor, deliveredIndex, log } = this.#state;
    if (hardState !== null) this.#handed = hardState;
    if (this.#handed.term !== currentTerm || this.#handed.votedFor !== votedFor)
      broken(
        `term ${currentTerm}, vote ${votedFor}, but stored are ${this.#handed.term}, ${this.#handed.votedFor}`,
      );
    if (committed.length > 0 && committed.at(-1)!.index !== deliveredIndex)
      broken(`handed out ${committed.at(-1)!.index}, but delivered is ${deliveredIndex}`);
    if (entries.length > 0 && entries.at(-1)!.index !== log.lastIndex)
      broken(`stores up to ${entries.at(-1)!.index}, but the log is ${log.describe()}`);
    checkIndexes(this.#state);
    checkRole(this.#state);
    this.#checkDelta();
  }

  #checkDelta(): void {
    const before = this.#before;
    const now = observe(this.#state);
    if (now.term < before.term) broken(`term ${now.term} after ${before.term}`);
    if (now.term === before.term && before.votedFor !== null && now.votedFor !== before.votedFor)
      broken(`term ${now.term}: voted for ${before.votedFor}, then for ${now.votedFor}`);
    for (const what of ['commit', 'delivered', 'base', 'readContext'] as const) {
      if (now[what] < before[what]) broken(`${what} fell from ${before[what]} to ${now[what]}`);
    }
    // §5.3, Leader Append-Only; and it makes its configurations itself, one after the other.
    if (now.leads && before.leads && now.term === before.term) {
      if (now.last < before.last) broken(`a leader's log fell from ${before.last} to ${now.last}`);
      if (now.configuration < before.configuration)
        broken(
          `a leader went back from the configuration at ${before.configuration} to ${now.configuration}`,
        );
    }
    Object.assign(before, now);
  }
}

function observe({
  currentTerm,
  votedFor,
  commitIndex,
  deliveredIndex,
  log,
  lastReadContext,
  role,
  membership,
}: ServerState): Before {
  return {
    term: currentTerm,
    votedFor,
    commit: commitIndex,
    delivered: deliveredIndex,
    base: log.base.index,
    last: log.lastIndex,
    readContext: lastReadContext,
    leads: role.name === 'leader',
    configuration: membership.index,
  };
}

function checkIndexes(state: ServerState): void {
  const { log, snapshot, membership, commitIndex, deliveredIndex, appliedIndex, currentTerm } = state;
  const { base, lastIndex, durableIndex } = log;
  const ordered =
    base.index <= commitIndex &&
    appliedIndex <= deliveredIndex &&
    deliveredIndex <= commitIndex &&
    deliveredIndex <= durableIndex &&
    commitIndex <= lastIndex &&
    durableIndex <= lastIndex;
  if (!ordered)
    broken(
      `base ${base.index}, applied ${appliedIndex}, delivered ${deliveredIndex}, commit ${commitIndex}, ` +
        `durable ${durableIndex}, last ${lastIndex}`,
    );
  if (log.lastTerm > currentTerm)
    broken(`the log ends in term ${log.lastTerm}, the current is ${currentTerm}`);
  const end = snapshot?.index ?? 0;
  if (end < base.index || end > commitIndex)
    broken(`the snapshot ends at ${end}, base ${base.index}, commit ${commitIndex}`);
  if (membership.index > lastIndex)
    broken(`a configuration of ${membership.index}, but the log is ${log.describe()}`);
}

function checkRole(state: ServerState): void {
  const { role } = state;
  switch (role.name) {
    case 'leader':
      return checkLeader(state, role);
    case 'candidate':
    case 'pre-candidate':
      return checkCandidate(state, role);
    case 'follower':
      return checkFollower(state, role);
    default:
      return role satisfies never;
  }
}

function checkLeader(
  { config, log, votedFor, currentTerm, commitIndex, membership }: ServerState,
  leader: Leader,
): void {
  if (votedFor !== config.id) broken(`leads term ${currentTerm}, but voted for ${votedFor}`);
  if (log.lastTerm !== currentTerm) broken(`leads term ${currentTerm}, but its log ends in ${log.lastTerm}`);
  if (leader.progress.has(config.id)) broken(`follows itself`);
  for (const id of membersOf(membership.current)) {
    if (id !== config.id && !leader.progress.has(id)) broken(`nothing is sent to ${id}, a member`);
  }
  for (const progress of leader.progress.values()) progress.assertSane(log.lastIndex);
  const open = log.lastIndex > Math.max(commitIndex, leader.firstIndex);
  if (leader.uncommittedBytes < 0 || (!open && leader.uncommittedBytes > 0))
    broken(`${leader.uncommittedBytes} bytes uncommitted, commit ${commitIndex}, last ${log.lastIndex}`);
}

function checkCandidate({ config, votedFor, currentTerm }: ServerState, { name, votes }: Candidate): void {
  if (votes.get(config.id) !== true) broken(`a ${name} that does not vote for itself`);
  if (name === 'candidate' && votedFor !== config.id)
    broken(`stands in term ${currentTerm}, but voted for ${votedFor}`);
}

function checkFollower({ config }: ServerState, { leader }: Follower): void {
  if (leader === config.id) broken(`follows itself`);
}
