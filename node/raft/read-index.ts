import type { ReadState } from './ready.ts';
import type { LogIndex } from './types.ts';

/** Reads that one heartbeat round asks for. */
interface ReadBatch {
  readonly context: number;
  readonly index: LogIndex;
  readonly requestIds: readonly number[];
}

/**
 * A leader's reads that wait for proof that it still leads (dissertation 6.4). Contexts are numbers that only rise:
 * round c began after every read of batch ≤ c arrived, so a majority's echo of c proves all of these. A retry takes a
 * new number, so an echo that was under way when a read arrived can never prove it (etcd#20418).
 */
export class PendingReads {
  /** Arrived, and no round has begun since. */
  #waiting: number[] = [];
  /** Asked for, by rising context. */
  readonly #asked: ReadBatch[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  get rounds(): number {
    return this.#asked.length;
  }

  add(requestId: number): void {
    this.#waiting.push(requestId);
  }

  /** Round `context` begins now; `index` is the commit index now, of an entry of the leader's own term. */
  begin(context: number, index: LogIndex): void {
    if (this.#waiting.length === 0) return;
    this.#asked.push({ context, index, requestIds: this.#waiting });
    this.#waiting = [];
  }

  /** A majority has echoed `context`: moves the reads that this proves into `proven`. */
  confirm(context: number, proven: ReadState[]): void {
    let done = 0;
    for (; done < this.#asked.length && this.#asked[done]!.context <= context; done++) {
      const { index, requestIds } = this.#asked[done]!;
      for (const requestId of requestIds) proven.push({ requestId, index });
    }
    if (done > 0) this.#asked.splice(0, done);
  }

  /** Serves the waiting reads, by another proof. `index`: the present commit index. */
  serve(index: LogIndex, proven: ReadState[]): void {
    for (const requestId of this.#waiting) proven.push({ requestId, index });
    this.#waiting = [];
  }

  /** Leadership is lost: none of these reads can be confirmed any more. */
  failAll(failed: number[]): void {
    for (const { requestIds } of this.#asked) for (const requestId of requestIds) failed.push(requestId);
    for (const requestId of this.#waiting) failed.push(requestId);
    this.#asked.length = 0;
    this.#waiting = [];
  }
}
