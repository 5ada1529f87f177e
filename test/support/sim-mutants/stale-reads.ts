import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { ReadResult } from '../../../node/raft/ready.ts';

/** A leader that answers reads without asking a majority whether it still leads (§8). */
class ReadsWithoutConfirmation extends Raft {
  override readIndex(requestId: number): ReadResult {
    const { role, outbox, commitIndex } = this.state;
    if (role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: null };
    outbox.reads.push({ requestId, index: commitIndex });
    return { ok: true };
  }
}

export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new ReadsWithoutConfirmation(config, initial),
};
