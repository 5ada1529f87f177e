import type { OpsFigures } from '../event.ts';
import type { Op, OpFunction } from '../history/op.ts';
import type { Violation } from '../result.ts';

/** What the load is, from the scenario's `workload:`. */
export interface WorkloadPlan {
  readonly clients: number;
  /** Operations per second over all clients; null: as fast as the nodes answer. */
  readonly ratePerSecond: number | null;
  readonly keys: number;
  /** `uniform`, or Zipf's exponent: key 0 is then the hottest. */
  readonly skew: 'uniform' | { readonly zipf: number };
  /** Shares that add up to 1. */
  readonly mix: Readonly<Record<OpFunction, number>>;
  readonly timeoutMs: number;
  /**
   * `leader`: follow the leader's hints and try others when one does not answer; `pinned`: client i stays on node i
   * mod n whatever it says; `mixed`: half of the clients each (what shows both progress and what a cut-off node tells
   * its clients).
   */
  readonly routing: 'leader' | 'pinned' | 'mixed';
  readonly seed: number;
}

export interface OpsWindow extends OpsFigures {
  readonly t: number;
  readonly okByFunction: Readonly<Record<OpFunction, number>>;
}

export type WorkloadEvent =
  /** Every 250 ms. */
  | ({ readonly type: 'window' } & OpsWindow)
  /**
   * A completed operation with an outcome worth a line (info, or a failure other than not-leader / cas-mismatch), at
   * most 20 a second.
   */
  | { readonly type: 'op'; readonly t: number; readonly op: Op }
  /**
   * Linearizability, judged while the load runs: all operations that ended by `t` are, on `keys` keys, of which
   * `undecided` are left to the final check. Every 250 ms.
   */
  | { readonly type: 'checked'; readonly t: number; readonly keys: number; readonly undecided: number }
  /** The operation that ended at `t` completes a violation: no order exists whatever those under way come to. */
  | { readonly type: 'violation'; readonly t: number; readonly violation: Violation }
  /** Nothing is judged live from here on, because the checker broke. */
  | { readonly type: 'unchecked'; readonly t: number; readonly reason: string }
  /** The load itself broke: an internal error, not an operation's. The run is an `error`. */
  | { readonly type: 'broken'; readonly t: number; readonly message: string };

/** Port: clients in a worker thread against real nodes, or simulated clients. */
export interface Workload {
  subscribe(listener: (event: WorkloadEvent) => void): () => void;
  /** Opens the clients' connections and begins. */
  start(): Promise<void>;
  /**
   * Stops invoking, waits for what is in flight at most `timeoutMs`, then returns every operation in order of
   * invocation, as the history file has them; it is complete when it returns. Idempotent.
   */
  stop(): Promise<readonly Op[]>;
  [Symbol.asyncDispose](): Promise<void>;
}
