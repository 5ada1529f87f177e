import { Raft } from '../../../../node/raft/raft.ts';
import type { ReadResult } from '../../../../node/raft/ready.ts';
import { SHIPPED_PARTS, type SimParts } from '../server.ts';

/** A node that knows no leader answers reads from its own state, which §8 forbids. */
class ReadsWithoutLeader extends Raft {
  override readIndex(requestId: number, nowMs: number): ReadResult {
    if (this.status().leader !== null) return super.readIndex(requestId, nowMs);
    const { outbox, commitIndex } = this.state;
    outbox.reads.push({ requestId, index: commitIndex });
    return { ok: true };
  }
}

export const STALE_READS: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new ReadsWithoutLeader(config, initial),
};
