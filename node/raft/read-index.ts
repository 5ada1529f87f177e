import type { ReadState } from './ready.ts';
import type { LogIndex } from './types.ts';

/** Reads that one heartbeat round proves. */
interface ReadBatch {
  readonly context: number;
  readonly index: LogIndex;
  readonly requestIds: readonly number[];
}

/**
 * A leader's reads that wait for proof that it still leads (dissertation 6.4). Contexts are rising numbers: round c
 * began after all reads of the batches up to c had arrived, so a majority's echo of c proves all of these reads. Every
 * retry has a new number, so an echo that was under way when a read arrived can never prove it (etcd#20418).
 */
export class PendingReads {
  /** Reads that arrived after the last round began. */
  #waiting: number[] = [];
  /** Reads whose round has begun, by rising context. */
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

  /** Begins round `context`. `index` is the present commit index, of an entry of the leader's own term. */
  begin(context: number, index: LogIndex): void {
    if (this.#waiting.length === 0) return;
    this.#asked.push({ context, index, requestIds: this.#waiting });
    this.#waiting = [];
  }

  /** Call it when a majority has echoed `context`: moves the reads that this proves into `proven`. */
  confirm(context: number, proven: ReadState[]): void {
    let done = 0;
    for (; done < this.#asked.length && this.#asked[done]!.context <= context; done++) {
      const { index, requestIds } = this.#asked[done]!;
      for (const requestId of requestIds) proven.push({ requestId, index });
    }
    if (done > 0) this.#asked.splice(0, done);
  }

  /** Serves the waiting reads without a round, because a lease proves them. `index`: the present commit index. */
  serve(index: LogIndex, proven: ReadState[]): void {
    for (const requestId of this.#waiting) proven.push({ requestId, index });
    this.#waiting = [];
  }

  /** Fails all reads, because the leadership is lost and none of them can be confirmed any more. */
  failAll(failed: number[]): void {
    for (const { requestIds } of this.#asked) for (const requestId of requestIds) failed.push(requestId);
    for (const requestId of this.#waiting) failed.push(requestId);
    this.#asked.length = 0;
    this.#waiting = [];
  }
}
