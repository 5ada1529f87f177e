import type { Clock } from '../clock.ts';
import type { Capability } from './capability.ts';
import type { Cluster } from './cluster.ts';
import type { Links } from './links.ts';
import type { System } from './system.ts';
import type { Workload, WorkloadPlan } from './workload.ts';

/** Everything that a stage needs to set up one run. */
export interface StageSetup {
  readonly seed: number;
  /** Number of nodes; their ids are n1, n2 and so on. */
  readonly nodes: number;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly workload: WorkloadPlan;
  /** True if linearizability is checked during the load. */
  readonly live: boolean;
  /** Folder of the run, for the data folders, the node logs and `history.jsonl`. */
  readonly dir: string;
  /** Its abort ends the setup of the stage. */
  readonly signal: AbortSignal;
  readonly onNote: (level: 'info' | 'warn' | 'error', text: string) => void;
  /** Called if the environment fails during the run, for example because the Toxiproxy server ended. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Port: the place where a run happens. `local` has real processes behind a real Toxiproxy, `sim` has our own node under
 * virtual time. Nothing runs until the runner starts the cluster.
 */
export interface Stage {
  readonly name: string;
  readonly system: System;
  readonly clock: Clock;
  readonly cluster: Cluster;
  readonly links: Links;
  readonly workload: Workload;
  readonly capabilities: ReadonlySet<Capability>;
  /** Lets time pass until the work is done. Under virtual time, nothing happens outside this call. */
  play<T>(work: () => Promise<T>): Promise<T>;
  /** Ends everything that the stage has started. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
