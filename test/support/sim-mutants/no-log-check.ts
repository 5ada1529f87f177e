import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { RaftConfig } from '../../../node/raft/ready.ts';
import type { InitialState } from '../../../node/raft/state.ts';

/** Votes for any candidate, even if its log is out of date (§5.4.1). */
class NoLogCheckOnVote extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    this.state.log.isUpToDate = () => true;
  }
}

export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new NoLogCheckOnVote(config, initial),
};
