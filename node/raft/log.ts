import { broken } from './invariant.ts';
import type { Persisted } from './ready.ts';
import type { Entry, LogIndex, Term } from './types.ts';

/** Position before the first entry: (0, 0), or that of the last entry of a snapshot. */
export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Consecutive entries of one term, from `first` up to the next run. */
interface TermRun {
  readonly term: Term;
  readonly first: LogIndex;
}

/** A write that was handed to storage in a Ready and is not yet acknowledged. */
interface PendingWrite {
  /** Index of its last entry. */
  readonly index: LogIndex;
  readonly term: Term;
  /** The last index that its acknowledgement still proves: a later truncation lowers it. */
  provesUpTo: number;
}

/** Size of an entry for the limits of messages and of uncommitted entries, in bytes. */
export function entryCost(dataBytes: number): number {
  return dataBytes + entryOverheadBytes;
}

/**
 * The log in memory, and the position up to which it is in storage. The first entry has index `base.index + 1`. Terms
 * never fall from one entry to the next, so a short list of term runs shows where each term begins and ends.
 */
export class RaftLog {
  #base: LogBase;
  readonly #entries: Entry[];
  readonly #runs: TermRun[] = [];
  /** Last index that was handed to storage; later entries leave with the next Ready. */
  #handedIndex: number;
  /** Last index that is known to be durable on this server. ≤ #handedIndex. */
  #durableIndex: number;
  readonly #writes: PendingWrite[] = [];

  /** `entries` are durable and follow `base` without gaps. */
  constructor(entries: readonly Entry[], base: LogBase = { index: 0 as LogIndex, term: 0 as Term }) {
    this.#base = { index: base.index, term: base.term };
    this.#entries = [];
    for (const entry of entries) this.append(entry);
    this.#handedIndex = this.lastIndex;
    this.#durableIndex = this.lastIndex;
  }

  /** Position before the first entry. */
  get base(): LogBase {
    return this.#base;
  }

  get lastIndex(): LogIndex {
    return (this.#base.index + this.#entries.length) as LogIndex;
  }

  get lastTerm(): Term {
    return this.#runs.at(-1)?.term ?? this.#base.term;
  }

  get durableIndex(): LogIndex {
    return this.#durableIndex as LogIndex;
  }

  /** True if some entries have not been handed to storage. */
  get hasUnstored(): boolean {
    return this.#handedIndex < this.lastIndex;
  }

  /** The term at `index`; undefined if the log has no such entry (any more). */
  termAt(index: LogIndex): Term | undefined {
    return index === this.#base.index ? this.#base.term : this.#entries[index - this.#base.index - 1]?.term;
  }

  /** Figure 2, AppendEntries rule 2: true if there is an entry at `index` with this term. */
  matches(index: LogIndex, term: Term): boolean {
    return this.termAt(index) === term;
  }

  /** §5.4.1: whether a log that ends in (lastTerm, lastIndex) is at least as up to date as this one. */
  isUpToDate(lastIndex: LogIndex, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** The entry at `index`, which must be in the log. */
  entryAt(index: LogIndex): Entry {
    return (
      this.#entries[index - this.#base.index - 1] ??
      broken(`no entry ${index}: the log is ${this.describe()}`)
    );
  }

  /** Entries `from`..`to`, both included; empty if `from` > `to`. */
  slice(from: number, to: number): Entry[] {
    if (from > to) return [];
    if (from <= this.#base.index || to > this.lastIndex)
      broken(`entries ${from}..${to}: the log is ${this.describe()}`);
    return this.#entries.slice(from - this.#base.index - 1, to - this.#base.index);
  }

  /** Size of the entries `from`..`to` for the limits, in bytes. Both are included and in the log. */
  costOf(from: number, to: number): number {
    let cost = 0;
    const offset = this.#base.index + 1;
    for (let at = from - offset; at <= to - offset; at++) cost += entryCost(this.#entries[at]!.data.length);
    return cost;
  }

  /**
   * The last index up to which the entries from `from` on fit into `bytes`; `from` - 1 if the first one does not fit.
   */
  lastWithin(from: number, bytes: number): number {
    let left = bytes;
    let at = from - this.#base.index - 1;
    for (; at < this.#entries.length; at++) {
      left -= entryCost(this.#entries[at]!.data.length);
      if (left < 0) break;
    }
    return at + this.#base.index;
  }

  append(entry: Entry): void {
    if (entry.index !== this.lastIndex + 1) broken(`entry ${entry.index} does not follow ${this.describe()}`);
    if (entry.term < this.lastTerm)
      broken(`term ${entry.term} of entry ${entry.index} falls: ${this.describe()}`);
    // A run begins after the base, even if the base has the same term, because runs contain entries only.
    if (this.#runs.length === 0 || entry.term > this.lastTerm)
      this.#runs.push({ term: entry.term, first: entry.index });
    this.#entries.push(entry);
  }

  /** Removes `index` and all later entries. Acknowledgements of writes under way no longer prove these entries. */
  truncateFrom(index: LogIndex): void {
    if (index <= this.#base.index || index > this.lastIndex)
      broken(`truncate from ${index}: ${this.describe()}`);
    this.#entries.length = index - this.#base.index - 1;
    while (this.#runs.length > 0 && this.#runs.at(-1)!.first >= index) this.#runs.pop();
    const kept = index - 1;
    this.#handedIndex = Math.min(this.#handedIndex, kept);
    this.#durableIndex = Math.min(this.#durableIndex, kept);
    for (const write of this.#writes) write.provesUpTo = Math.min(write.provesUpTo, kept);
  }

  /** Removes the entries up to `index` from memory. They must be durable and in a snapshot. */
  compactTo(index: LogIndex): void {
    const term = this.termAt(index);
    if (term === undefined || index > this.#durableIndex) broken(`compact to ${index}: ${this.describe()}`);
    this.#entries.splice(0, index - this.#base.index);
    this.#base = { index, term };
    const first = (index + 1) as LogIndex;
    while (this.#runs.length > 1 && this.#runs[1]!.first <= first) this.#runs.shift();
    if (this.#entries.length === 0) this.#runs.length = 0;
    else if (this.#runs[0]!.first < first) this.#runs[0] = { term: this.#runs[0]!.term, first };
  }

  /** Replaces the whole log by a snapshot that ends at this position. Writes under way prove nothing any more. */
  restore({ index, term }: LogBase): void {
    this.#base = { index, term };
    this.#entries.length = 0;
    this.#runs.length = 0;
    this.#handedIndex = index;
    // The snapshot is handed out with the next Ready, before all later entries.
    this.#durableIndex = index;
    for (const write of this.#writes) write.provesUpTo = 0;
  }

  /** First index of the run that `index` (in the log) belongs to: §5.3's "first index it stores for that term". */
  firstIndexOfRun(index: LogIndex): LogIndex {
    if (index === this.#base.index) return index;
    let run = this.#runs.length - 1;
    while (run > 0 && this.#runs[run]!.first > index) run--;
    return (this.#runs[run] ?? broken(`no entry ${index}: the log is ${this.describe()}`)).first;
  }

  /** Last index whose entry is of `term`; undefined if the log (with its base) has none. */
  lastIndexOfTerm(term: Term): LogIndex | undefined {
    let run = this.#runs.length - 1;
    while (run >= 0 && this.#runs[run]!.term > term) run--;
    if (run < 0 || this.#runs[run]!.term !== term)
      return term === this.#base.term ? this.#base.index : undefined;
    const next = this.#runs[run + 1];
    return (next === undefined ? this.lastIndex : next.first - 1) as LogIndex;
  }

  /** Returns the entries that were not handed to storage yet, and marks them as handed over. */
  takeUnstored(): Entry[] {
    const taken = this.slice(this.#handedIndex + 1, this.lastIndex);
    const last = taken.at(-1);
    if (last === undefined) return taken;
    this.#handedIndex = last.index;
    this.#writes.push({ index: last.index, term: last.term, provesUpTo: last.index });
    return taken;
  }

  /**
   * Call it when the write that ended in `p`, and all earlier ones, are durable. Entries that were truncated after the
   * write began do not count, even if an entry of the same index and term was appended again, because its own write is
   * still under way.
   */
  persisted(p: Persisted): void {
    const at = this.#writes.findIndex((write) => write.index === p.index && write.term === p.term);
    if (at < 0) return;
    for (const write of this.#writes.splice(0, at + 1)) {
      this.#durableIndex = Math.max(this.#durableIndex, write.provesUpTo);
    }
    if (this.#durableIndex > this.#handedIndex)
      broken(`durable ${this.#durableIndex} > stored: ${this.describe()}`);
  }

  describe(): string {
    return `${this.#base.index + 1}..${this.lastIndex} (last term ${this.lastTerm}, stored ${this.#handedIndex})`;
  }
}

/** Approximate size of index, term, kind, length and framing, so that the limits also apply to empty commands. */
const entryOverheadBytes = 32;
