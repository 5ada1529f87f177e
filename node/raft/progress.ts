import { broken } from './invariant.ts';
import type { LogIndex } from './types.ts';

/**
 * A leader's knowledge of one follower (figure 2, "volatile state on leaders"), and its way of sending to it: `probe`
 * sends one message and waits until a success shows where the logs agree; `replicate` streams ahead of the
 * acknowledgements; `snapshot` sends nothing while the driver streams the part that is not in the log any more.
 */
export class Progress {
  mode: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** Highest entry known to be durable on the follower and equal to ours. Falls only in `#denied`. */
  matchIndex = 0 as LogIndex;
  /** Next entry to send. > matchIndex. In `probe` it moves only with answers. */
  nextIndex: LogIndex;
  /** Probe: one message is out, nothing more is sent until its answer or the next heartbeat. */
  probeOut = false;
  /** Snapshot: where the one that is under way ends; else 0. */
  pendingSnapshot = 0 as LogIndex;
  /** Incarnation of the follower that all of this is about; null: the leader has not heard from it yet. */
  incarnation: number | null;
  /** Time of the last answer in this term in ms, for CheckQuorum. At first it is the time of this leader's election. */
  lastContactMs: number;
  /** Whether an append was answered since the last heartbeat; if not and something is in flight, it may be lost. */
  answered = false;
  /** True if there was no answer for long: only probes are sent until the next answer. */
  #away = false;
  /** Highest read context that the follower echoed in this term. */
  readContext = 0;
  /** Number of consecutive refusals that contradict the follower's acknowledgements. */
  #denials = 0;
  /** Last index of each message in flight, ascending, and the size of its entries; only in `replicate`. */
  readonly #inflight: LogIndex[] = [];
  readonly #costs: number[] = [];
  #inflightBytes = 0;

  constructor(first: {
    readonly nextIndex: LogIndex;
    readonly incarnation: number | null;
    readonly nowMs: number;
  }) {
    this.nextIndex = first.nextIndex;
    this.incarnation = first.incarnation;
    this.lastContactMs = first.nowMs;
  }

  get inflight(): number {
    return this.#inflight.length;
  }

  /** Size of all entries in flight. */
  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  /**
   * Notes an answer. Another incarnation does not have the acknowledged entries. Returns true if it was away: then its
   * position must be asked.
   */
  heard(incarnation: number, nowMs: number): boolean {
    this.lastContactMs = nowMs;
    const back = this.#away;
    this.#away = false;
    if (back && this.mode === 'probe') this.probeOut = false;
    if (this.incarnation !== incarnation) this.#becomes(incarnation);
    return back;
  }

  #becomes(incarnation: number): void {
    if (this.incarnation !== null) {
      this.matchIndex = 0 as LogIndex;
      this.readContext = 0;
      this.#denials = 0;
      // A snapshot under way is useful for any incarnation.
      if (this.mode === 'replicate') this.#enter('probe');
    }
    this.incarnation = incarnation;
  }

  /** Entries up to `last`, which cost `bytes`, were sent in `replicate`. */
  sent(last: LogIndex, bytes: number): void {
    this.nextIndex = (last + 1) as LogIndex;
    this.#inflight.push(last);
    this.#costs.push(bytes);
    this.#inflightBytes += bytes;
  }

  /**
   * The follower has all entries up to `index` durable. Late or repeated acknowledgements change nothing. From `base`
   * on, where the leader's log begins, no snapshot is needed any more.
   */
  succeeded(index: LogIndex, base: LogIndex): void {
    this.answered = true;
    if (index < this.matchIndex) return;
    this.#denials = 0;
    this.matchIndex = index;
    if (this.nextIndex <= index) this.nextIndex = (index + 1) as LogIndex;
    if (this.mode === 'probe' || (this.mode === 'snapshot' && index >= base)) this.#enter('replicate');
    let freed = 0;
    while (freed < this.#inflight.length && this.#inflight[freed]! <= index)
      this.#inflightBytes -= this.#costs[freed++]!;
    if (freed === 0) return;
    this.#inflight.splice(0, freed);
    this.#costs.splice(0, freed);
  }

  /**
   * The follower refused the message whose prevLogIndex was `refused`; `hint`: the index where §5.3's search continues.
   * Returns true if this was news; a refusal of another message than the open probe, or one that was overtaken by a
   * success, is not.
   */
  refused(refused: LogIndex, hint: LogIndex): boolean {
    this.answered = true;
    if (this.mode === 'snapshot') return false;
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

  /** A snapshot that ends in `index` is on its way. */
  awaitSnapshot(index: LogIndex): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
  }

  /**
   * The snapshot has arrived (`ok`), or its transfer has ended otherwise. It may be older than a newer base already.
   */
  snapshotSent(ok: boolean, base: LogIndex): void {
    if (this.mode !== 'snapshot') return;
    const arrived = ok && this.pendingSnapshot >= base;
    const next = arrived ? this.pendingSnapshot + 1 : this.matchIndex + 1;
    this.#enter('probe');
    this.nextIndex = next as LogIndex;
    // A failed transfer waits for the next heartbeat, and does not begin again at once.
    this.probeOut = !arrived;
  }

  /** No answer for long: stops streaming, and begins again from the known state. */
  lostContact(): void {
    if (this.mode === 'replicate') this.#enter('probe');
    this.probeOut = true;
    this.#away = true;
  }

  /** The messages in flight may be lost with their connection: begins again from the known state. */
  linkMade(): void {
    if (this.mode === 'replicate') this.#enter('probe');
    this.probeOut = false;
  }

  /**
   * The follower denies that it has an entry that it acknowledged. If this happens once, it is an old refusal that
   * arrived late. If it is repeated, the follower's log is lost (a wiped disk), and it must be sent again: this only
   * costs time, while a matchIndex that stays would exclude the follower for ever. A matchIndex that is too low is
   * always safe for the commit rule.
   */
  #denied(hint: LogIndex): boolean {
    if (++this.#denials < denialsOfLoss) return true;
    this.#denials = 0;
    this.matchIndex = 0 as LogIndex;
    this.nextIndex = Math.max(1, Math.min(hint, this.nextIndex - 1)) as LogIndex;
    return true;
  }

  #enter(mode: 'probe' | 'replicate' | 'snapshot'): void {
    this.mode = mode;
    this.pendingSnapshot = 0 as LogIndex;
    this.nextIndex = (this.matchIndex + 1) as LogIndex;
    this.probeOut = false;
    this.#inflight.length = 0;
    this.#costs.length = 0;
    this.#inflightBytes = 0;
  }

  assertSane(lastIndex: LogIndex): void {
    if (this.nextIndex <= this.matchIndex || this.matchIndex > lastIndex) {
      broken(`matchIndex ${this.matchIndex}, nextIndex ${this.nextIndex}, but the log ends at ${lastIndex}`);
    }
  }
}

/** Denials in a row, each of a probe sent after the one before was answered, that are taken for a lost log. */
const denialsOfLoss = 5;
