import { EntrySlab } from '../protocol/entry-codec.ts';
import type { LogIndex, Term } from '../raft/types.ts';
import type { Requester } from './answers.ts';

/** A client's command from its arrival to its answer. */
export interface Proposal {
  readonly data: Uint8Array;
  readonly requester: Requester;
  readonly requestId: number;
  /** Index in the log; 0: not yet in the log. */
  index: LogIndex;
  term: Term;
}

/**
 * Commands for which clients wait. At first they are collected until the write in flight has ended, so that they share
 * the next write. Then they are in the log, in order of index, until they are applied.
 */
export class Proposals {
  #gathered: Proposal[] = [];
  #gatheredBytes = 0;
  readonly #slab = new EntrySlab();
  /** Queue of commands in the log, from `#head` on. They are applied in the order of their proposal. */
  #inLog: Proposal[] = [];
  #head = 0;

  get size(): number {
    return this.#gathered.length + this.#inLog.length - this.#head;
  }

  get gathered(): number {
    return this.#gathered.length;
  }

  /** Adds a copy of `data`. Returns false if too many bytes are waiting already. */
  gather(data: Uint8Array, requester: Requester, requestId: number): boolean {
    if (this.#gatheredBytes > 0 && this.#gatheredBytes + data.length > MAX_GATHERED_BYTES) return false;
    this.#gatheredBytes += data.length;
    this.#gathered.push({
      data: this.#slab.keep(data),
      requester,
      requestId,
      index: 0 as LogIndex,
      term: 0 as Term,
    });
    return true;
  }

  takeGathered(): readonly Proposal[] {
    const taken = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return taken;
  }

  /** Call it when `proposal` is in the log at `index`, after all earlier ones. */
  proposed(proposal: Proposal, index: LogIndex, term: Term): void {
    proposal.index = index;
    proposal.term = term;
    this.#slab.seal({ index, term, kind: 'command', data: proposal.data });
    this.#inLog.push(proposal);
  }

  /** Removes and returns the proposal at `index`, which was applied; null: there is none. Indexes must rise. */
  takeApplied(index: LogIndex): Proposal | null {
    const first = this.#inLog[this.#head];
    if (first === undefined || first.index !== index) return null;
    this.#head++;
    if (this.#head === this.#inLog.length) {
      this.#inLog.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#inLog.length) {
      this.#inLog.splice(0, this.#head);
      this.#head = 0;
    }
    return first;
  }

  /** Removes and returns the proposals up to `index`, because entries in a snapshot are not applied one by one. */
  takeUpTo(index: LogIndex): readonly Proposal[] {
    let end = this.#head;
    while (end < this.#inLog.length && this.#inLog[end]!.index <= index) end++;
    const taken = this.#inLog.slice(this.#head, end);
    this.#head = end;
    return taken;
  }

  /** Removes and returns the proposals after `index`, which may never be applied. */
  takeAfter(index: LogIndex): readonly Proposal[] {
    let kept = this.#inLog.length;
    while (kept > this.#head && this.#inLog[kept - 1]!.index > index) kept--;
    return this.#inLog.splice(kept);
  }

  takeAll(): readonly Proposal[] {
    const all = [...this.#inLog.slice(this.#head), ...this.takeGathered()];
    this.#inLog = [];
    this.#head = 0;
    return all;
  }
}

/** Maximum size of the commands that are not yet in the log, in bytes. Above it clients get `busy`. */
const MAX_GATHERED_BYTES = 64 << 20;
/** Number of answered proposals at the front of the queue after which they are removed from the array. */
const COMPACT_AT = 1_024;
