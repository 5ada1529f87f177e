import type { ClientModule } from '../ports/client.ts';
import type { WorkloadEvent, WorkloadPlan } from '../ports/workload.ts';

/** Input of the workload's thread. */
export interface WorkerInput {
  readonly plan: WorkloadPlan;
  readonly client: ClientModule;
  /** `host:port` of the client link to each node. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The run's beginning on `monotonicMs`. */
  readonly originMs: number;
  readonly historyPath: string;
  /** Whether linearizability is judged as the operations end. */
  readonly live: boolean;
}

/** Stop: invoke nothing more, wait at most `drainMs` for the operations under way, close the history. */
export interface ToWorker {
  readonly type: 'stop';
  readonly drainMs: number;
}

export type FromWorker =
  | WorkloadEvent
  | { readonly type: 'started' }
  /**
   * The last message: the history file is closed. The number of bytes covers its whole lines, even if the disk refused
   * some.
   */
  | { readonly type: 'finished'; readonly historyBytes: number };
