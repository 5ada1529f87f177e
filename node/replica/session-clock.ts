import { encodeCommand } from '../kv/command.ts';
import type { StateMachine } from '../kv/state-machine.ts';
import type { CoreStatus } from '../raft/ready.ts';
import type { LogIndex, Term } from '../raft/types.ts';

/** Number of times that the time is written into the log during a session's maximum idle time. */
const TOLD_PER_IDLE = 8;

/**
 * The cluster's time (dissertation 6.3), measured by the monotonic clocks of its leaders. Each leader continues from
 * the last time in the log, so no wall clock is needed. The time is written into the log at intervals, so that all
 * nodes remove idle sessions at the same index.
 */
export class SessionClock {
  readonly #idleMs: number;
  readonly #sessions: StateMachine['sessions'];
  #lead: Lead | null = null;

  /** `idleMs`: maximum idle time of a session; 0: there is no limit. */
  constructor(idleMs: number, sessions: StateMachine['sessions']) {
    this.#idleMs = idleMs;
    this.#sessions = sessions;
  }

  /** Returns a command to propose, or null if none is due. */
  due({ role, term, lastIndex }: CoreStatus, applied: LogIndex, nowMs: number): Uint8Array | null {
    if (role !== 'leader' || this.#idleMs === 0) {
      this.#lead = null;
      return null;
    }
    if (this.#lead?.term !== term) this.#lead = { term, from: lastIndex, since: null };
    const lead = this.#lead;
    // A leader knows the time of the clock only after it has applied all entries of its predecessors.
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

/** State of one leadership of this node. */
interface Lead {
  readonly term: Term;
  /** Last index of the log when the leadership was noticed. */
  readonly from: LogIndex;
  /** This node's time and the log's time when it began to write the time, and the last written time; null: not yet. */
  since: { readonly nowMs: number; readonly clockMs: number; toldMs: number } | null;
}
