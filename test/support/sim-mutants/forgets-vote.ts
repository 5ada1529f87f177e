import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { Raft } from '../../../node/raft/raft.ts';

/** Starts with its stored term, but without the vote of that term, so it may vote a second time (§5.2). */
export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) =>
    new Raft(config, { ...initial, hardState: { ...initial.hardState, votedFor: null } }),
};
