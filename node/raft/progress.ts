import { broken } from './invariant.ts';
import type { LogIndex } from './types.ts';

/**
 * What a leader knows of one follower (figure 2, "volatile state on leaders"), and how it sends to it: `probe` sends
 * one message and waits, until a success shows where the logs agree; `replicate` streams ahead of the
 * acknowledgements.
 */
export class Progress {
  mode: 'probe' | 'replicate' = 'probe';
  /** Highest entry known to be durable on the follower and equal to ours. Falls only in `#denied`. */
  matchIndex = 0 as LogIndex;
  /** Next entry to send. > matchIndex. In `probe` it moves only with answers. */
  nextIndex: LogIndex;
  /** Probe: one message is out, nothing more is sent until its answer or the next heartbeat. */
  probeOut = false;
  /** Time of the last answer in this term, ms: what CheckQuorum counts. At first: when this leader was elected. */
  lastContactMs: number;
  /** Whether an append was answered since the last heartbeat; if not and something is in flight, it may be lost. */
  answered = false;
  /** Highest read context that the follower echoed in this term. */
  readContext = 0;
  /** Refusals in a row that deny what the follower had acknowledged. */
  #denials = 0;
  /** Last index of each message in flight, ascending; only in `replicate`. */
  readonly #inflight: LogIndex[] = [];

  constructor(nextIndex: LogIndex, nowMs: number) {
    this.nextIndex = nextIndex;
    this.lastContactMs = nowMs;
  }

  get inflight(): number {
    return this.#inflight.length;
  }

  /** Entries up to `last` were sent in `replicate`. */
  sent(last: LogIndex): void {
    this.nextIndex = (last + 1) as LogIndex;
    this.#inflight.push(last);
  }

  /** The follower has everything up to `index` durable. Late or repeated acknowledgements change nothing. */
  succeeded(index: LogIndex): void {
    this.answered = true;
    if (index < this.matchIndex) return;
    this.#denials = 0;
    this.matchIndex = index;
    if (this.nextIndex <= index) this.nextIndex = (index + 1) as LogIndex;
    if (this.mode === 'probe') this.#enter('replicate');
    let freed = 0;
    while (freed < this.#inflight.length && this.#inflight[freed]! <= index) freed++;
    if (freed > 0) this.#inflight.splice(0, freed);
  }

  /**
   * The follower refused the message whose prevLogIndex was `refused`; `hint` is where §5.3's search goes on. Returns
   * whether that was news: a refusal that is not about the outstanding probe, or was overtaken by a success, is not.
   */
  refused(refused: LogIndex, hint: LogIndex): boolean {
    this.answered = true;
    if (this.mode === 'replicate') {
      if (refused <= this.matchIndex) return false;
      this.#enter('probe');
      return true;
    }
    if (refused !== this.nextIndex - 1) return false;
    this.probeOut = false;
    if (refused === this.matchIndex) return this.#denied(hint);
    this.nextIndex = Math.max(this.matchIndex + 1, Math.min(hint, refused)) as LogIndex;
    return true;
  }

  /** Nothing was heard for long: stop streaming into the void, and begin again from what is known. */
  lostContact(): void {
    if (this.mode === 'replicate') this.#enter('probe');
    this.probeOut = true;
  }

  /**
   * The follower denies the very entry it acknowledged. Once, that is an old refusal that came late. Again and again,
   * its log is gone (a wiped disk): sending it afresh costs time only, while a match that stays would shut it out. A
   * matchIndex that is too low is always safe for the commit rule.
   */
  #denied(hint: LogIndex): boolean {
    if (++this.#denials < denialsOfLoss) return true;
    this.#denials = 0;
    this.matchIndex = 0 as LogIndex;
    this.nextIndex = Math.max(1, Math.min(hint, this.nextIndex - 1)) as LogIndex;
    return true;
  }

  #enter(mode: 'probe' | 'replicate'): void {
    this.mode = mode;
    this.nextIndex = (this.matchIndex + 1) as LogIndex;
    this.probeOut = false;
    this.#inflight.length = 0;
  }

  assertSane(lastIndex: LogIndex): void {
    if (this.nextIndex <= this.matchIndex || this.matchIndex > lastIndex) {
      broken(`matchIndex ${this.matchIndex}, nextIndex ${this.nextIndex}, but the log ends at ${lastIndex}`);
    }
  }
}

/** Denials in a row, each of a probe sent after the one before was answered, that are taken for a lost log. */
const denialsOfLoss = 5;
