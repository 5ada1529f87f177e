import { describe, expect, test } from 'vitest';

import { decodeConfiguration, encodeConfiguration, founding } from './configuration.ts';
import type { Configuration, SnapshotMeta } from './configuration.ts';
import { restoreLog } from './log-change.ts';
import { incarnationOf, membersOf } from './membership.ts';
import type { Membership } from './membership.ts';
import type { Message } from './message.ts';
import { Progress } from './progress.ts';
import { Raft } from './raft.ts';
import type { RaftConfig } from './ready.ts';
import { leaveJoint } from './reconfigure.ts';
import type { InitialState } from './state.ts';
import { firstFailure } from './testing/trial.ts';
import type { LogIndex } from './types.ts';

/*
 * Bugs in snapshots and membership changes, each as small as possible. Many of them were in released software. The
 * storms must find each bug by its effects. One bug, dropping an acknowledged log for a snapshot that arrives late,
 * needs a schedule that is too exact for random storms, and has a transcript (snapshot_late.txt).
 */

/** Replaces the configuration in force by another view of it. */
function seeAs(membership: Membership, view: (is: Configuration) => Configuration): void {
  const original = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(membership), 'current')!.get!;
  Object.defineProperty(membership, 'current', {
    get: () => view(original.call(membership) as Configuration),
  });
}

/** From C_old to C_new in one step: two majorities without a common server (§6, figure 10). */
class SkipsJointConsensus extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    const { membership } = this.state;
    const append = membership.append.bind(membership);
    membership.append = (entry) =>
      append({ ...entry, data: encodeConfiguration(leaveJoint(decodeConfiguration(entry.data)!)) });
  }
}

/** A majority of C_new decides alone while the configuration is joint. */
class ForgetsTheOldMajority extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    seeAs(this.state.membership, (is) => ({ ...is, outgoing: is.outgoing.slice(0, 1) }));
  }
}

/** Starts elections by the committed configuration, not by the latest one in its log (etcd#11284). */
class StandsByTheCommittedConfiguration extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    const { state } = this;
    const { membership } = state;
    seeAs(membership, (is) => {
      const committed = Math.max(state.commitIndex, state.log.base.index) as LogIndex;
      return state.role.name === 'leader' ? is : membership.at(committed);
    });
  }

  protected override dispatch(m: Message): void {
    super.dispatch(m);
    const { role, config, membership, nowMs } = this.state;
    if (role.name !== 'leader') return;
    for (const id of membersOf(membership.current)) {
      if (id === config.id || role.progress.has(id)) continue;
      const incarnation = incarnationOf(membership.current, id);
      role.progress.set(id, new Progress({ nextIndex: role.firstIndex, incarnation, nowMs }));
    }
  }
}

/** A configuration that was truncated from the log stays in force. */
class KeepsARemovedConfiguration extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    this.state.membership.truncateFrom = () => false;
  }
}

class CountsLearners extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    seeAs(this.state.membership, (is) => ({ ...is, voters: [...membersOf(is)].sort(), learners: [] }));
  }
}

/** A server that lost its disk continues as if nothing had happened (RethinkDB 2.2.3). */
class VotesAfterItsDiskIsLost extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, { ...initial, incarnation: 0 });
  }
}

/** Counts the answers of a server that lost its disk. */
class CountsEveryAnswer extends Raft {
  override step(m: Message, nowMs: number): void {
    super.step({ ...m, incarnation: incarnationOf(this.state.membership.current, m.from) }, nowMs);
  }
}

/** A snapshot holds the state, but not the members. */
class SnapshotsWithoutMembers extends Raft {
  override snapshotMeta(index: LogIndex): SnapshotMeta {
    return { ...super.snapshotMeta(index), configuration: founding(this.state.config.peers) };
  }
}

/** Installs every snapshot, even if it is older than the applied state. */
class InstallsOldSnapshots extends Raft {
  protected override dispatch(m: Message): void {
    if (m.type === 'InstallSnapshot' && m.snapshot.index < this.state.commitIndex)
      restoreLog(this.state, m.snapshot);
    super.dispatch(m);
  }
}

/** Restores its state machine from a snapshot, but keeps the log that does not fit it (openraft#511, redisraft#43). */
class KeepsAWrongLogUnderASnapshot extends Raft {
  protected override dispatch(m: Message): void {
    const { state } = this;
    if (m.type !== 'InstallSnapshot' || m.snapshot.index > state.log.lastIndex) return super.dispatch(m);
    const { index, term } = m.snapshot;
    if (index > state.commitIndex && !state.log.matches(index, term)) {
      state.commitIndex = index;
      state.deliveredIndex = index;
      state.outbox.snapshot = m.snapshot;
      state.outbox.event({ type: 'InstallSnapshot', snapshot: m.snapshot });
    }
    super.dispatch(m);
  }
}

/** `seeds`: maximum number of storms until the bug must be found. */
const mutants = [
  { mutant: SkipsJointConsensus, seeds: 100, finds: /durable on|Election Safety|State Machine Safety/ },
  { mutant: ForgetsTheOldMajority, seeds: 100, finds: /durable on|Election Safety|State Machine Safety/ },
  {
    mutant: StandsByTheCommittedConfiguration,
    seeds: 100,
    finds: /Election Safety|Leader Completeness|State Machine Safety|durable on/,
  },
  {
    mutant: KeepsARemovedConfiguration,
    seeds: 300,
    finds: /Election Safety|durable on|whose configuration/,
  },
  { mutant: CountsLearners, seeds: 100, finds: /durable on|Election Safety|liveness/ },
  { mutant: VotesAfterItsDiskIsLost, seeds: 100, finds: /durable on|Election Safety|Leader Completeness/ },
  { mutant: CountsEveryAnswer, seeds: 100, finds: /durable on|Election Safety|Leader Completeness/ },
  { mutant: SnapshotsWithoutMembers, seeds: 100, finds: /snapshot up to \d+ whose configuration/ },
  { mutant: InstallsOldSnapshots, seeds: 100, finds: /cannot move the applied index|durability|Safety/ },
  { mutant: KeepsAWrongLogUnderASnapshot, seeds: 300, finds: /liveness|Safety|log is|differs/ },
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
