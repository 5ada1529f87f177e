import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { Raft } from '../../../node/raft/raft.ts';

/** A node that lost its data folder continues as if nothing had happened (RethinkDB 2.2.3). */
export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new Raft(config, { ...initial, incarnation: 0 }),
};
