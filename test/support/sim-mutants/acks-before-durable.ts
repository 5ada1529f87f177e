import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { Raft } from '../../../node/raft/raft.ts';
import type { Ready } from '../../../node/raft/ready.ts';

/** Sends votes and acknowledgements before the disk has what they promise, so that a crash can undo it. */
class AcknowledgesBeforeDurable extends Raft {
  override takeReady(nowMs: number): Ready {
    const ready = super.takeReady(nowMs);
    const messages = [...ready.messages, ...ready.messagesAfterPersist];
    return { ...ready, messages, messagesAfterPersist: [] };
  }
}

export const parts: SimParts = {
  ...SHIPPED_PARTS,
  raft: (config, initial) => new AcknowledgesBeforeDurable(config, initial),
};
