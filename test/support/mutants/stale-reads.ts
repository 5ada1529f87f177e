import type { ReadResult } from '../../../node/raft/ready.ts';
import { Raft } from '../../../node/raft/raft.ts';
import { runNode } from '../../../node/server/run-node.ts';

/**
 * A leader that believes in itself: it answers reads at once instead of confirming its lead with a majority
 * (dissertation 6.4), and does not step down when it has lost contact with one (6.2). Cut off, it goes on to
 * serve what it knew. As etcd and Consul did in 2014 (found by Jepsen).
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
