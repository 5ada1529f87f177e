/** A session as it is stored in a snapshot. */
export interface SessionRecord<Outcome> {
  readonly number: number;
  /** Highest seq that was applied; 0: none yet. The first write of a session has seq 1. */
  readonly seq: number;
  /** The answer to the last write; null: unknown. */
  readonly outcome: Outcome | null;
  /** Time of its last use by the clock of the log, in ms. */
  readonly usedMs: number;
}

/**
 * Client sessions (dissertation 6.3): the answer to each session's last write, so that a retried write is applied once.
 * They are part of the replicated state: every node removes the same session at the same log index, because there are
 * too many sessions, or because the session was idle for too long by the clock of the log.
 */
export class Sessions<Outcome> {
  readonly #open = new Map<number, Session<Outcome>>();
  /** Ends of a linked list in order of last use. Every write moves its session, and a Map is slow to reorder. */
  #oldest: Session<Outcome> | null = null;
  #newest: Session<Outcome> | null = null;
  readonly #cap: number;
  #clockMs = 0;

  constructor(cap: number = SESSION_CAP) {
    this.#cap = cap;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The last time in the log, in ms since the cluster began. It never falls. */
  get clockMs(): number {
    return this.#clockMs;
  }

  /** Sets the time to `clockMs`, and removes the sessions that were not used for more than `idleMs`. */
  expire(clockMs: number, idleMs: number): void {
    this.#clockMs = Math.max(this.#clockMs, clockMs);
    while (this.#oldest !== null && this.#clockMs - this.#oldest.usedMs > idleMs) this.#drop(this.#oldest);
  }

  /** Returns a copy of all sessions, in order of last use. */
  records(): SessionRecord<Outcome>[] {
    const records: SessionRecord<Outcome>[] = [];
    for (let each = this.#oldest; each !== null; each = each.newer) {
      const { number, seq, outcome, usedMs } = each;
      records.push({ number, seq, outcome, usedMs });
    }
    return records;
  }

  /** Replaces all sessions by `records`, which are in order of last use. */
  replace(clockMs: number, records: Iterable<SessionRecord<Outcome>>): void {
    this.#clockMs = clockMs;
    this.#open.clear();
    this.#oldest = null;
    this.#newest = null;
    for (const record of records) this.#add({ ...record, older: null, newer: null });
  }

  /** Opens a session, whose number is the log index of its entry. Above `cap` the least recently used are removed. */
  open(session: number, cap: number = this.#cap): void {
    const usedMs = this.#clockMs;
    this.#add({ number: session, seq: 0, outcome: null, usedMs, older: null, newer: null });
    while (this.#open.size > cap) this.#drop(this.#oldest!);
  }

  /** Looks up the write (session, seq). This counts as a use of the session. */
  recall(session: number, seq: number): Recall<Outcome> {
    const last = this.#open.get(session);
    if (last === undefined) return EXPIRED;
    last.usedMs = this.#clockMs;
    if (last !== this.#newest) {
      this.#takeOut(last);
      this.#putLast(last);
    }
    if (seq > last.seq) return NEW;
    if (seq < last.seq || last.outcome === null) return { type: 'stale', lastSeq: last.seq };
    return { type: 'answered', outcome: last.outcome };
  }

  /** Stores the answer to the session's write `seq`, in place of the answer before. */
  remember(session: number, seq: number, outcome: Outcome): void {
    const last = this.#open.get(session);
    if (last === undefined) return;
    last.seq = seq;
    last.outcome = outcome;
  }

  #add(session: Session<Outcome>): void {
    this.#open.set(session.number, session);
    this.#putLast(session);
  }

  #drop(session: Session<Outcome>): void {
    this.#takeOut(session);
    this.#open.delete(session.number);
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
  seq: number;
  outcome: Outcome | null;
  usedMs: number;
  older: Session<Outcome> | null;
  newer: Session<Outcome> | null;
}

export type Recall<Outcome> =
  /** The session was never opened, or has been removed. */
  | { readonly type: 'expired' }
  | { readonly type: 'new' }
  /** A retry of the last write. */
  | { readonly type: 'answered'; readonly outcome: Outcome }
  /** A later write was applied. */
  | { readonly type: 'stale'; readonly lastSeq: number };

const EXPIRED = { type: 'expired' } as const;
const NEW = { type: 'new' } as const;
