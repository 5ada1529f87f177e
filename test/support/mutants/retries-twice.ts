import { type Recall, Sessions } from '../../../node/kv/sessions.ts';
import type { Outcome } from '../../../node/kv/state-machine.ts';
import { KvStore } from '../../../node/kv/store.ts';
import { runNode } from '../../../node/server/run-node.ts';

/**
 * Treats a retried write as a new one: if the answer to the first attempt was lost, the command is applied twice.
 * Sessions exist to prevent this (dissertation 6.3).
 */
class ForgetfulSessions extends Sessions<Outcome> {
  override recall(session: number, seq: number): Recall<Outcome> {
    const recall = super.recall(session, seq);
    return recall.type === 'answered' ? { type: 'new' } : recall;
  }
}

await runNode(process.argv.slice(2), { stateMachine: () => new KvStore(new ForgetfulSessions()) });
