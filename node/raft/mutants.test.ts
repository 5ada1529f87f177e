import { describe, expect, test } from 'vitest';

import type { Message } from './message.ts';
import { Raft } from './raft.ts';
import type { RaftConfig, ReadResult, Ready } from './ready.ts';
import { commitTo } from './replication.ts';
import type { InitialState } from './state.ts';
import { firstFailure } from './testing/trial.ts';
import type { LogIndex } from './types.ts';

/*
 * Bugs that real implementations had, each as small as possible. The storms of cluster.test.ts must find all of them,
 * because storms that miss them would also miss our own bugs. Two bugs need a schedule that is too exact for random
 * storms, and have tests of their own: counting entries of an old term (figure 8, leading.test.ts) and leftover
 * acknowledgements (read-index.test.ts).
 */

class NoLogCheckOnVote extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    this.state.log.isUpToDate = () => true;
  }
}

class VotesTwice extends Raft {
  protected override dispatch(m: Message): void {
    if (m.type === 'RequestVote' && !m.preVote && this.state.role.name === 'follower')
      this.state.votedFor = null;
    super.dispatch(m);
  }
}

class ForgetsVoteOnRestart extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, { ...initial, hardState: { ...initial.hardState, votedFor: null } });
  }
}

class TruncatesOnStaleAppend extends Raft {
  protected override dispatch(m: Message): void {
    super.dispatch(m);
    const { log, outbox } = this.state;
    if (m.type !== 'AppendEntries' || !log.matches(m.prevLogIndex, m.prevLogTerm)) return;
    const after = (m.prevLogIndex + m.entries.length + 1) as LogIndex;
    if (after > log.lastIndex || m.entries.length === 0 || after <= this.state.commitIndex) return;
    log.truncateFrom(after);
    outbox.event({ type: 'Replicate', entries: [], truncatedFrom: after });
  }
}

class CommitsPastVerifiedPrefix extends Raft {
  protected override dispatch(m: Message): void {
    super.dispatch(m);
    if (m.type !== 'AppendEntries' || !this.state.log.matches(m.prevLogIndex, m.prevLogTerm)) return;
    commitTo(this.state, Math.min(m.leaderCommit, this.state.log.lastIndex) as LogIndex);
  }
}

class HeartbeatCommitsAnything extends Raft {
  protected override dispatch(m: Message): void {
    const commitTerm = m.type === 'Heartbeat' && this.state.log.termAt(m.commit);
    super.dispatch(m.type === 'Heartbeat' && commitTerm ? { ...m, commitTerm } : m);
  }
}

class AcknowledgesBeforeDurable extends Raft {
  override takeReady(nowMs: number): Ready {
    const ready = super.takeReady(nowMs);
    return {
      ...ready,
      messages: [...ready.messages, ...ready.messagesAfterPersist],
      messagesAfterPersist: [],
    };
  }
}

class CountsItselfBeforeDurable extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    const { log } = this.state;
    Object.defineProperty(log, 'durableIndex', { get: () => log.lastIndex });
  }
}

class ReadsWithoutConfirmation extends Raft {
  override readIndex(requestId: number): ReadResult {
    if (this.state.role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: null };
    this.state.outbox.reads.push({ requestId, index: this.state.commitIndex });
    return { ok: true };
  }
}

class ReadsBeforeItsOwnTermCommits extends Raft {
  override readIndex(requestId: number, nowMs: number): ReadResult {
    const { role } = this.state;
    if (role.name === 'leader')
      Object.assign(role, { firstIndex: Math.min(role.firstIndex, this.state.commitIndex) });
    return super.readIndex(requestId, nowMs);
  }
}

class LeadsOnAfterAPause extends Raft {
  override tick(nowMs: number): void {
    this.#forgetTheGap(nowMs);
    super.tick(nowMs);
  }

  override step(m: Message, nowMs: number): void {
    this.#forgetTheGap(nowMs);
    super.step(m, nowMs);
  }

  #forgetTheGap(nowMs: number): void {
    const { role } = this.state;
    if (role.name === 'leader') role.lastTickMs = nowMs;
  }
}

class CountsVotesOfAnyTerm extends Raft {
  override step(m: Message, nowMs: number): void {
    const stale =
      m.type === 'RequestVoteResponse' && m.voteGranted && !m.preVote && m.term < this.state.currentTerm;
    super.step(stale ? { ...m, term: this.state.currentTerm } : m, nowMs);
  }
}

/** `seeds`: maximum number of storms until the bug must be found. */
const mutants = [
  {
    mutant: NoLogCheckOnVote,
    seeds: 100,
    finds: /Leader Completeness|State Machine Safety|differs from a committed/,
  },
  { mutant: VotesTwice, seeds: 100, finds: /one vote per term|Election Safety|both lead|gives its vote/ },
  { mutant: ForgetsVoteOnRestart, seeds: 300, finds: /one vote per term|Election Safety|both lead/ },
  { mutant: TruncatesOnStaleAppend, seeds: 100, finds: /durability|Leader Completeness|Safety|acknowledges/ },
  { mutant: CommitsPastVerifiedPrefix, seeds: 300, finds: /State Machine Safety|differs from a committed/ },
  { mutant: HeartbeatCommitsAnything, seeds: 300, finds: /State Machine Safety|differs from a committed/ },
  { mutant: AcknowledgesBeforeDurable, seeds: 100, finds: /durability/ },
  { mutant: CountsItselfBeforeDurable, seeds: 100, finds: /durability/ },
  { mutant: ReadsWithoutConfirmation, seeds: 100, finds: /linearizable reads/ },
  { mutant: ReadsBeforeItsOwnTermCommits, seeds: 100, finds: /linearizable reads/ },
  { mutant: LeadsOnAfterAPause, seeds: 100, finds: /still leads/ },
  { mutant: CountsVotesOfAnyTerm, seeds: 300, finds: /Election Safety|both lead|so does this node/ },
] as const;

describe('the storms find', () => {
  test.each(mutants)(
    '$mutant.name',
    ({ mutant, seeds, finds }) => {
      const failure =
        firstFailure(
          { size: 3, firstSeed: 1, seeds, looksInside: false },
          (config, initial) => new mutant(config, initial),
        ) ??
        firstFailure(
          { size: 5, firstSeed: 1, seeds, looksInside: false },
          (config, initial) => new mutant(config, initial),
        );
      expect(failure?.error.message).toMatch(finds);
    },
    600_000,
  );
});
