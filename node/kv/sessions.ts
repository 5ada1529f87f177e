/**
 * Client sessions (dissertation 6.3): what each session's last write was answered with, so that a retried
 * write is applied once. Part of the replicated state: every node evicts the same session at the same log
 * index.
 */
export class Sessions<Outcome> {
  /** In order of last use: a Map keeps insertion order, and every use inserts anew. */
  readonly #open = new Map<number, LastWrite<Outcome>>();
  readonly #cap: number;

  constructor(cap: number = SESSION_CAP) {
    this.#cap = cap;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens a session under the log index of its entry; beyond the cap the least recently used one goes. */
  open(session: number): void {
    this.#open.set(session, { seq: 0, outcome: null });
    if (this.#open.size > this.#cap) {
      const [oldest] = this.#open.keys();
      this.#open.delete(oldest!);
    }
  }

  /** How (session, seq) stands. Counts as a use of the session. */
  recall(session: number, seq: number): Recall<Outcome> {
    const last = this.#open.get(session);
    if (last === undefined) return { type: 'expired' };
    this.#open.delete(session);
    this.#open.set(session, last);
    if (seq > last.seq) return { type: 'new' };
    if (seq < last.seq || last.outcome === null) return { type: 'stale', lastSeq: last.seq };
    return { type: 'answered', outcome: last.outcome };
  }

  /** What the session's write `seq` was answered with; forgets the one before. */
  remember(session: number, seq: number, outcome: Outcome): void {
    const last = this.#open.get(session);
    if (last === undefined) return;
    last.seq = seq;
    last.outcome = outcome;
  }
}

export const SESSION_CAP = 10_000;

interface LastWrite<Outcome> {
  /** Highest seq that was applied; 0: none yet, a session's first write has seq 1. */
  seq: number;
  outcome: Outcome | null;
}

export type Recall<Outcome> =
  /** Never opened, or evicted. */
  | { readonly type: 'expired' }
  | { readonly type: 'new' }
  /** A retry of the last write. */
  | { readonly type: 'answered'; readonly outcome: Outcome }
  /** A later write was applied. */
  | { readonly type: 'stale'; readonly lastSeq: number };
