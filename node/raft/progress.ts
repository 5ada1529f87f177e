import { broken } from './invariant.ts';
import type { LogIndex } from './types.ts';

/**
 * A leader's knowledge of one follower (figure 2, "volatile state on leaders"), and how it sends to this follower. In
 * mode `probe` it sends one message and waits until a success shows where the logs agree. In `replicate` it sends ahead
 * of the acknowledgements. In `snapshot` it sends no entries while the driver streams a snapshot.
 */
export class Progress {
  mode: 'probe' | 'replicate' | 'snapshot' = 'probe';
  /** Last index up to which the follower's log is known to be durable and equal to ours. Falls only in `#denied`. */
  matchIndex = 0 as LogIndex;
  /** Index of the next entry to send; > matchIndex. In mode `probe` only answers change it. */
  nextIndex: LogIndex;
  /** In mode `probe`: true if a message was sent. The next one is sent after its answer or at the next heartbeat. */
  probeOut = false;
  /** In mode `snapshot`: last index of the snapshot under way; else 0. */
  pendingSnapshot = 0 as LogIndex;
  /** Incarnation of the follower to which these values belong; null: the leader has not heard from it yet. */
  incarnation: number | null;
  /** Time of the last answer in this term in ms, for CheckQuorum. At first it is the time of this leader's election. */
  lastContactMs: number;
  /** True if an append was answered since the last heartbeat. If not, the messages in flight may be lost. */
  answered = false;
  /** True if there was no answer for a long time. Only probes are sent until the next answer. */
  #away = false;
  /** Highest read context that the follower echoed in this term. */
  readContext = 0;
  /** Number of consecutive refusals that contradict the follower's acknowledgements. */
  #denials = 0;
  /** Last index of each message in flight, ascending, and the size of its entries. Used only in mode `replicate`. */
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

  /** Size of all entries in flight, in bytes. */
  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  /**
   * Notes an answer. A follower with a new incarnation does not have the entries that it acknowledged before. Returns
   * true if there was no answer for a long time before: then the leader must ask for the follower's position.
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
      // A snapshot under way continues, because every incarnation can use it.
      if (this.mode === 'replicate') this.#enter('probe');
    }
    this.incarnation = incarnation;
  }

  /** Notes that entries up to `last`, of size `bytes`, were sent in mode `replicate`. */
  sent(last: LogIndex, bytes: number): void {
    this.nextIndex = (last + 1) as LogIndex;
    this.#inflight.push(last);
    this.#costs.push(bytes);
    this.#inflightBytes += bytes;
  }

  /**
   * Notes that all entries up to `index` are durable on the follower. Late or repeated acknowledgements change nothing.
   * A follower that has all entries up to `base`, where the leader's log begins, needs no snapshot any more.
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
   * Notes that the follower refused the message whose prevLogIndex was `refused`. `hint` is the index where §5.3's
   * search continues. Returns false if the refusal changed nothing, because it is not about the open probe, or because
   * a success has arrived since.
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

  /** Notes that a snapshot that ends at `index` is being sent. */
  awaitSnapshot(index: LogIndex): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
  }

  /**
   * Notes that the snapshot has arrived (`ok`), or that its transfer has failed. The leader's log may begin after the
   * end of this snapshot already, at `base`.
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

  /** Stops streaming because there was no answer for a long time; continues with a probe after matchIndex. */
  lostContact(): void {
    if (this.mode === 'replicate') this.#enter('probe');
    this.probeOut = true;
    this.#away = true;
  }

  /** Continues with a probe after matchIndex, because the messages in flight may be lost with their connection. */
  linkMade(): void {
    if (this.mode === 'replicate') this.#enter('probe');
    this.probeOut = false;
  }

  /**
   * Handles a refusal of an entry that the follower acknowledged before. One such refusal is an old one that arrived
   * late. If it is repeated, the follower has lost its log (a wiped disk), and the log must be sent again. If
   * matchIndex stayed, the follower could never catch up. A matchIndex that is too low is always safe for the commit
   * rule.
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

/**
 * Number of consecutive refusals of acknowledged entries after which the follower's log counts as lost. Each one
 * answers a probe that was sent after the answer before it.
 */
const denialsOfLoss = 5;
