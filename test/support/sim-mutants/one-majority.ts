import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import type { Configuration } from '../../../node/raft/configuration.ts';
import { Membership } from '../../../node/raft/membership.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { RaftConfig } from '../../../node/raft/ready.ts';
import type { InitialState } from '../../../node/raft/state.ts';

const current = Object.getOwnPropertyDescriptor(Membership.prototype, 'current')!.get!;

/** In a joint configuration a majority of C_new decides nearly alone (§6). */
class ForgetsTheOldMajority extends Raft {
  constructor(config: RaftConfig, initial: InitialState) {
    super(config, initial);
    Object.defineProperty(this.state.membership, 'current', {
      get(this: Membership): Configuration {
        const is = current.call(this) as Configuration;
        return is.outgoing.length === 0 ? is : { ...is, outgoing: is.outgoing.slice(0, 1) };
      },
    });
  }
}

export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new ForgetsTheOldMajority(config, initial),
};
