/**
 * Client sessions (dissertation 6.3): what each session's last write was answered with, so that a retried
 * write is applied once. Part of the replicated state: every node evicts the same session at the same log
 * index.
 */
export class Sessions<Outcome> {
  readonly #open = new Map<number, Session<Outcome>>();
  /** The ends of a list in order of last use: every write moves its session, and a Map is slow to reorder. */
  #oldest: Session<Outcome> | null = null;
  #newest: Session<Outcome> | null = null;
  readonly #cap: number;

  constructor(cap: number = SESSION_CAP) {
    this.#cap = cap;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens a session under the log index of its entry; beyond the cap the least recently used one goes. */
  open(session: number): void {
    const opened: Session<Outcome> = { number: session, seq: 0, outcome: null, older: null, newer: null };
    this.#open.set(session, opened);
    this.#putLast(opened);
    if (this.#open.size > this.#cap) {
      const oldest = this.#oldest!;
      this.#takeOut(oldest);
      this.#open.delete(oldest.number);
    }
  }

  /** How (session, seq) stands. Counts as a use of the session. */
  recall(session: number, seq: number): Recall<Outcome> {
    const last = this.#open.get(session);
    if (last === undefined) return EXPIRED;
    if (last !== this.#newest) {
      this.#takeOut(last);
      this.#putLast(last);
    }
    if (seq > last.seq) return NEW;
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

  #putLast(session: Session<Outcome>): void {
    session.older = this.#newest;
    session.newer = null;
    if (this.#newest === null) this.#oldest = session;
    else this.#newest.newer = session;
    this.#newest = session;
  }

  #takeOut({ older, newer }: Session<Outcome>): void {
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
  }
}

export const SESSION_CAP = 10_000;

interface Session<Outcome> {
  readonly number: number;
  /** Highest seq that was applied; 0: none yet, a session's first write has seq 1. */
  seq: number;
  outcome: Outcome | null;
  older: Session<Outcome> | null;
  newer: Session<Outcome> | null;
}

export type Recall<Outcome> =
  /** Never opened, or evicted. */
  | { readonly type: 'expired' }
  | { readonly type: 'new' }
  /** A retry of the last write. */
  | { readonly type: 'answered'; readonly outcome: Outcome }
  /** A later write was applied. */
  | { readonly type: 'stale'; readonly lastSeq: number };

const EXPIRED = { type: 'expired' } as const;
const NEW = { type: 'new' } as const;
