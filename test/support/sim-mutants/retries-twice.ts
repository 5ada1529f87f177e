import { SHIPPED_PARTS, type SimParts } from '../../../harness/stage/sim/server.ts';
import { type Recall, Sessions } from '../../../node/kv/sessions.ts';
import type { Outcome } from '../../../node/kv/state-machine.ts';
import { KvStore } from '../../../node/kv/store.ts';

/** Applies a write again if it is retried because its answer was lost (dissertation 6.3). */
class NoMemory extends Sessions<Outcome> {
  override recall(session: number, seq: number): Recall<Outcome> {
    const recall = super.recall(session, seq);
    return recall.type === 'answered' ? { type: 'new' } : recall;
  }
}

export const parts: SimParts = { ...SHIPPED_PARTS, stateMachine: () => new KvStore(new NoMemory()) };
