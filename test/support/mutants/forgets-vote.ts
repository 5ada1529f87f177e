import type { LogWrite } from '../../../node/replica/ports.ts';
import { runNode } from '../../../node/server/run-node.ts';
import { Wal } from '../../../node/storage/wal.ts';

/**
 * Stores the term on disk, but not the vote (Raft figure 2 requires both). After a restart the node may vote for
 * another candidate in the same term, so that two leaders of one term are possible. As in cornerstone#65.
 */
class VotelessWal extends Wal {
  override write(batch: readonly LogWrite[]): Promise<void> {
    return super.write(
      batch.map((step) => ({ ...step, hardState: step.hardState && { ...step.hardState, votedFor: null } })),
    );
  }
}

await runNode(process.argv.slice(2), { storage: (options) => new VotelessWal(options) });
