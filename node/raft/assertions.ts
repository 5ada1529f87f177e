import { broken } from './invariant.ts';
import { membersOf } from './membership.ts';
import type { Ready } from './ready.ts';
import type { Candidate, Follower, Leader, ServerState } from './state.ts';
import type { HardState } from './types.ts';

/** Values at the time of the last Ready. They may only rise, or only change under a condition. */
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
 * Invariants of one server that hold for any received messages: of its state, and of the change from one state to the
 * next (LogCabin's basic and delta invariants). They are checked with every Ready, which costs a few comparisons. A
 * server that violates one stops before it sends any message of this Ready.
 */
export class Assertions {
  readonly #state: ServerState;
  readonly #before: Before;
  /** The last term and vote that were handed out to be stored. */
  #handed: HardState;

  constructor(state: ServerState) {
    this.#state = state;
    this.#before = observe(state);
    this.#handed = { term: state.currentTerm, votedFor: state.votedFor };
  }

  /** Must be called with each `ready` before it is handed out. */
  check({ hardState, committed, entries }: Ready): void {
    const { currentTerm, votedFor, deliveredIndex, log } = this.#state;
    if (hardState !== null) this.#handed = hardState;
    if (this.#handed.term !== currentTerm || this.#handed.votedFor !== votedFor)
      broken(
        `term ${currentTerm}, vote ${votedFor}, but the stored ones are ${this.#handed.term}, ${this.#handed.votedFor}`,
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
    const { currentTerm: term, votedFor, commitIndex, deliveredIndex, log, role, membership } = this.#state;
    const before = this.#before;
    if (term < before.term) broken(`term ${term} after ${before.term}`);
    if (term === before.term && before.votedFor !== null && votedFor !== before.votedFor)
      broken(`term ${term}: voted for ${before.votedFor}, then for ${votedFor}`);
    const fell =
      commitIndex < before.commit ||
      deliveredIndex < before.delivered ||
      log.base.index < before.base ||
      this.#state.lastReadContext < before.readContext;
    if (fell)
      broken(`a value fell: from ${JSON.stringify(before)} to ${JSON.stringify(observe(this.#state))}`);
    if (role.name === 'leader') {
      // §5.3, Leader Append-Only. The same holds for configurations, because the leader makes them itself.
      const leads = before.leads && term === before.term;
      if (leads && (log.lastIndex < before.last || membership.index < before.configuration))
        broken(`a leader went back to ${log.lastIndex}, ${membership.index} from ${JSON.stringify(before)}`);
      if (!leads || membership.index !== before.configuration) checkMembers(this.#state, role);
    }
    Object.assign(before, observe(this.#state));
  }
}

function observe(state: ServerState): Before {
  const { currentTerm, votedFor, commitIndex, deliveredIndex, log, lastReadContext, role, membership } =
    state;
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
    broken(`the log ends in term ${log.lastTerm}, but the current term is ${currentTerm}`);
  const end = snapshot?.index ?? 0;
  if (end < base.index || end > commitIndex)
    broken(`the snapshot ends at ${end}, base ${base.index}, commit ${commitIndex}`);
  if (membership.index > lastIndex)
    broken(`the configuration is that of entry ${membership.index}, but the log is ${log.describe()}`);
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

function checkLeader(state: ServerState, leader: Leader): void {
  const { config, log, votedFor, currentTerm, commitIndex } = state;
  if (votedFor !== config.id) broken(`leads term ${currentTerm}, but voted for ${votedFor}`);
  if (log.lastTerm !== currentTerm) broken(`leads term ${currentTerm}, but its log ends in ${log.lastTerm}`);
  for (const progress of leader.progress.values()) progress.assertSane(log.lastIndex);
  const open = log.lastIndex > Math.max(commitIndex, leader.firstIndex);
  if (leader.uncommittedBytes < 0 || (!open && leader.uncommittedBytes > 0))
    broken(`${leader.uncommittedBytes} bytes uncommitted, commit ${commitIndex}, last ${log.lastIndex}`);
}

function checkMembers({ config, membership }: ServerState, { progress }: Leader): void {
  if (progress.has(config.id)) broken('the leader is among its own followers');
  for (const id of membersOf(membership.current)) {
    if (id !== config.id && !progress.has(id)) broken(`the leader sends nothing to ${id}, which is a member`);
  }
}

function checkCandidate({ config, votedFor, currentTerm }: ServerState, { name, votes }: Candidate): void {
  if (votes.get(config.id) !== true) broken(`a ${name} that does not vote for itself`);
  if (name === 'candidate' && votedFor !== config.id)
    broken(`a candidate of term ${currentTerm} that voted for ${votedFor}`);
}

function checkFollower({ config }: ServerState, { leader }: Follower): void {
  if (leader === config.id) broken('a follower follows itself');
}
