import type { OpsFigures } from '../event.ts';
import type { Op, OpFunction } from '../history/op.ts';
import type { Violation } from '../result.ts';

/** The plan of the load, from the scenario's `workload:`. */
export interface WorkloadPlan {
  readonly clients: number;
  /** Operations per second of all clients together; null means as fast as the nodes answer. */
  readonly ratePerSecond: number | null;
  readonly keys: number;
  /** `uniform`, or Zipf's exponent: key 0 is then the hottest. */
  readonly skew: 'uniform' | { readonly zipf: number };
  /** Shares that add up to 1. */
  readonly mix: Readonly<Record<OpFunction, number>>;
  readonly timeoutMs: number;
  /**
   * `leader`: clients follow hints to the leader and try other nodes if one does not answer. `pinned`: client i stays
   * on node i mod n, even if it does not lead. `mixed`: half of the clients each, which shows both the progress and the
   * answers of a node that is cut off.
   */
  readonly routing: 'leader' | 'pinned' | 'mixed';
  readonly seed: number;
}

export interface OpsWindow extends OpsFigures {
  readonly t: number;
  readonly okByFunction: Readonly<Record<OpFunction, number>>;
}

export type WorkloadEvent =
  /** Reported every 250 ms. */
  | ({ readonly type: 'window' } & OpsWindow)
  /**
   * A completed operation that gets a line in the output (`info`, or a failure other than not-leader or cas-mismatch);
   * at most 20 per second.
   */
  | { readonly type: 'op'; readonly t: number; readonly op: Op }
  /**
   * Progress of the live check, every 250 ms: all operations that ended by `t` are checked for linearizability, on
   * `keys` keys, of which `undecided` are left to the final check.
   */
  | { readonly type: 'checked'; readonly t: number; readonly keys: number; readonly undecided: number }
  /** The operation that ended at `t` completes a violation: no order exists for any outcome of the open operations. */
  | { readonly type: 'violation'; readonly t: number; readonly violation: Violation }
  /** The live check has ended because the checker failed. */
  | { readonly type: 'unchecked'; readonly t: number; readonly reason: string }
  /** The load itself failed because of an internal error, not because of an operation. The run is an `error`. */
  | { readonly type: 'broken'; readonly t: number; readonly message: string };

/** Port: clients in a worker thread against real nodes, or simulated clients. */
export interface Workload {
  subscribe(listener: (event: WorkloadEvent) => void): () => void;
  /** Opens the clients' connections and starts the load. */
  start(): Promise<void>;
  /**
   * Stops the load, waits at most `timeoutMs` for open operations, and returns all operations in order of invocation,
   * as in the history file, which is then complete. Idempotent.
   */
  stop(): Promise<readonly Op[]>;
  [Symbol.asyncDispose](): Promise<void>;
}
