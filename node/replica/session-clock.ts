import { encodeCommand } from '../kv/command.ts';
import type { StateMachine } from '../kv/state-machine.ts';
import type { CoreStatus } from '../raft/ready.ts';
import type { LogIndex, Term } from '../raft/types.ts';

/** What the log is told of the time: so much of a session's allowed idle time is what it may be late. */
const TOLD_PER_IDLE = 8;

/**
 * The cluster's time (dissertation 6.3): it passes as its leaders' monotonic clocks do, one going on where the log says
 * that the one before stood, so no node's wall clock matters and none needs be set. Told to the log now and then, it
 * makes idle sessions go on all nodes at the same index.
 */
export class SessionClock {
  readonly #idleMs: number;
  readonly #sessions: StateMachine['sessions'];
  #lead: Lead | null = null;

  /** `idleMs`: 0: sessions do not go by time. */
  constructor(idleMs: number, sessions: StateMachine['sessions']) {
    this.#idleMs = idleMs;
    this.#sessions = sessions;
  }

  /** A command to propose, if one is due; null: none is. */
  due({ role, term, lastIndex }: CoreStatus, applied: LogIndex, nowMs: number): Uint8Array | null {
    if (role !== 'leader' || this.#idleMs === 0) {
      this.#lead = null;
      return null;
    }
    if (this.#lead?.term !== term) this.#lead = { term, from: lastIndex, since: null };
    const lead = this.#lead;
    // Only when all that its predecessors have told is applied does a leader know where the clock stands.
    if (lead.since === null && applied >= lead.from) {
      const { clockMs } = this.#sessions;
      lead.since = { nowMs, clockMs, toldMs: clockMs };
    }
    if (lead.since === null || this.#sessions.size === 0) return null;
    const clockMs = lead.since.clockMs + Math.floor(nowMs - lead.since.nowMs);
    if (clockMs - lead.since.toldMs < this.#idleMs / TOLD_PER_IDLE) return null;
    lead.since.toldMs = clockMs;
    return encodeCommand({ type: 'expire-sessions', clockMs, idleMs: this.#idleMs });
  }
}

/** One lead of this node. */
interface Lead {
  readonly term: Term;
  /** Where the log ended when it was noticed. */
  readonly from: LogIndex;
  /** Since when it tells the time, where the log's clock stood then, and what it last said; null: not yet. */
  since: { readonly nowMs: number; readonly clockMs: number; toldMs: number } | null;
}
