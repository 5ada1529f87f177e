import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { decodeConfiguration, encodeConfiguration } from '../../../node/raft/configuration.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { RaftConfig } from '../../../node/raft/ready.ts';
import { leaveJoint } from '../../../node/raft/reconfigure.ts';
import type { InitialState } from '../../../node/raft/state.ts';

/** Goes from C_old to C_new in one step, so that two majorities without a common node are possible (§6, figure 10). */
class SkipsJointConsensus extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    const { membership } = this.state;
    const append = membership.append.bind(membership);
    membership.append = (entry) =>
      append({ ...entry, data: encodeConfiguration(leaveJoint(decodeConfiguration(entry.data)!)) });
  }
}

export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new SkipsJointConsensus(config, initial),
};
