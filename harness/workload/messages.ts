import type { Op } from '../history/op.ts';
import type { WorkloadEvent, WorkloadPlan } from './port.ts';

/** What the workload's thread is started with. */
export interface WorkerInput {
  readonly plan: WorkloadPlan;
  /** `host:port` of the client link to each node. */
  readonly addresses: Readonly<Record<string, string>>;
  /** The run's beginning on `monotonicMs`. */
  readonly originMs: number;
  readonly historyPath: string;
}

/** Stop: invoke nothing more, wait for what is under way at most `drainMs`, hand over the operations. */
export interface ToWorker {
  readonly type: 'stop';
  readonly drainMs: number;
}

export type FromWorker =
  | WorkloadEvent
  | { readonly type: 'started' }
  /** The next operations, in order of invocation. */
  | { readonly type: 'ops'; readonly ops: readonly Op[] }
  /** The last message: the history file is complete. */
  | { readonly type: 'finished' };
