import type { ReadResult } from '../../../node/raft/ready.ts';
import { Raft } from '../../../node/raft/raft.ts';
import { runNode } from '../../../node/server/run-node.ts';

/**
 * A leader that answers reads at once instead of confirming with a majority that it still leads (dissertation 6.4),
 * and that does not step down when it has lost contact with a majority (6.2). When it is cut off, it keeps serving old
 * values. As etcd and Consul did in 2014 (found by Jepsen).
 */
class SelfAssuredRaft extends Raft {
  override readIndex(requestId: number, nowMs: number): ReadResult {
    const { role, outbox, commitIndex: index } = this.state;
    if (role.name !== 'leader') return super.readIndex(requestId, nowMs);
    outbox.reads.push({ requestId, index });
    return { ok: true };
  }

  override tick(nowMs: number): void {
    const { role } = this.state;
    if (role.name === 'leader') for (const progress of role.progress.values()) progress.lastContactMs = nowMs;
    super.tick(nowMs);
  }
}

await runNode(process.argv.slice(2), { raft: (config, initial) => new SelfAssuredRaft(config, initial) });
