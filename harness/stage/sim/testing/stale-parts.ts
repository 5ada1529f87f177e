import { Raft } from '../../../../node/raft/raft.ts';
import type { ReadResult } from '../../../../node/raft/ready.ts';
import { SHIPPED_PARTS, type SimParts } from '../server.ts';

/** A node that has lost its leader, or its lead, answers reads from what it has (§8). */
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
