import type { ClientModule } from '../ports/client.ts';
import type { WorkloadEvent, WorkloadPlan } from '../ports/workload.ts';

/** Input of the workload's thread. */
export interface WorkerInput {
  readonly plan: WorkloadPlan;
  readonly client: ClientModule;
  /** `host:port` of the client link to each node. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Time of the beginning of the run, on the clock `monotonicMs`. */
  readonly originMs: number;
  readonly historyPath: string;
  /** True if linearizability is checked during the load. */
  readonly live: boolean;
}

/** Stops the load: no new operations, a wait of at most `drainMs` for the open ones, then the history is closed. */
export interface ToWorker {
  readonly type: 'stop';
  readonly drainMs: number;
}

export type FromWorker =
  | WorkloadEvent
  | { readonly type: 'started' }
  /**
   * The last message: the history file is closed. `historyBytes` is the size of its complete lines, even if the disk
   * refused others.
   */
  | { readonly type: 'finished'; readonly historyBytes: number };
