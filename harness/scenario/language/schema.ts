import type { LinkEnds } from '../../nemesis/fault.ts';
import type { Range } from '../../nemesis/quantity.ts';
import type { Selector } from '../../nemesis/selector.ts';
import type { Able } from '../../ports/capability.ts';
import type { WorkloadPlan } from '../../ports/workload.ts';
import type { Comparison } from './comparison.ts';
import type { Condition } from './condition.ts';

/** What must hold while a fault is live. */
export interface DuringExpectation {
  readonly window: string;
  readonly node: Selector | null;
  /** Comparisons by figure. */
  readonly wanted: Readonly<Partial<Record<DuringFigure, Comparison>>>;
  readonly line: number;
}
export const DURING_FIGURES = [
  'acked-writes',
  'acked-reads',
  'acked-ops',
  'stale-reads',
  'elections',
  'leader-gap',
] as const;
export type DuringFigure = (typeof DURING_FIGURES)[number];

export interface Expectations {
  readonly always: {
    /** Time limit of the checker in ms; null: not checked. */
    readonly linearizableMs: number | null;
    readonly invariants: 'all' | readonly string[];
    readonly line: number;
  };
  readonly during: readonly DuringExpectation[];
  readonly recovery: {
    readonly leaderWithinMs: number | null;
    readonly caughtUpWithinMs: number | null;
    readonly writesWithinMs: number | null;
    readonly line: number;
  };
  readonly notVacuous: {
    readonly ops: number;
    /** Under the faults of each name; 0: none needs to succeed. */
    readonly opsDuringFaults: number;
    /** null: the scenario does not say. 0: none needs to be seen. */
    readonly faultsObserved: 'all' | number | null;
    readonly elections: number | null;
    readonly line: number;
  };
}

interface StepBase {
  /** Line number in the file, from 1; 0 for a step by hand. */
  readonly line: number;
  /** The step in the file's words, on one line. */
  readonly text: string;
  /** The step as it is written in the file. A recorded run is made from it. */
  readonly source: Readonly<Record<string, unknown>>;
  /** Earliest start after the first step, in ms; null: right after the step before. */
  readonly atMs: number | null;
}

/** Names for the nodes that a fault chose: one name for all, or one per end of its links. */
export type Bind = string | { readonly from?: string | undefined; readonly to?: string | undefined };

/** The nodes that a recorded fault chose, together or at each end of its links. */
export type Resolved = readonly string[] | LinkEnds;

export interface FaultStep extends StepBase {
  readonly kind: 'fault';
  readonly verb: string;
  /** Output of the fault's own schema. */
  readonly spec: unknown;
  readonly forMs: Range | null;
  readonly as: string | null;
  readonly bind: Bind | null;
  readonly onEmpty: 'fail' | 'skip';
  readonly by: 'scenario' | 'manual';
  readonly resolved: Resolved;
}
export interface HealStep extends StepBase {
  readonly kind: 'heal';
  readonly what: { readonly names: readonly string[] } | 'all' | { readonly node: Selector };
  readonly by: 'scenario' | 'manual';
}
export interface WaitStep extends StepBase {
  readonly kind: 'wait';
  readonly what: { readonly forMs: Range } | { readonly until: Condition; readonly withinMs: number };
}
export interface CheckStep extends StepBase {
  readonly kind: 'check';
  readonly condition: Condition;
}
export interface NoteStep extends StepBase {
  readonly kind: 'note';
  readonly note: string;
}
export interface ParallelStep extends StepBase {
  readonly kind: 'parallel';
  readonly branches: readonly (readonly Step[])[];
}
export interface RepeatStep extends StepBase {
  readonly kind: 'repeat';
  readonly times: number | null;
  readonly forMs: number | null;
  readonly steps: readonly Step[];
}
export type Step = FaultStep | HealStep | WaitStep | CheckStep | NoteStep | ParallelStep | RepeatStep;

export interface SteadyCondition {
  readonly condition: Condition;
  readonly withinMs: number;
  readonly line: number;
  readonly text: string;
}

/** Maximum number of nodes of a cluster. */
export const MOST_NODES = 9;

/** Default values of `cluster`. */
export const DEFAULT_CLUSTER = { nodes: 3, system: 'raft' } as const;

/** A scenario without mistakes. */
export interface Scenario {
  readonly name: string;
  readonly path: string;
  /** null: the run draws a seed and prints it. */
  readonly seed: number | null;
  readonly cluster: {
    readonly nodes: number;
    /** Name of the system under test. */
    readonly system: string;
    readonly electionTimeoutMs: [number, number];
    readonly heartbeatMs: number;
  };
  readonly workload: Omit<WorkloadPlan, 'seed'>;
  readonly steady: readonly SteadyCondition[];
  readonly steps: readonly Step[];
  readonly expect: Expectations;
  /** The top-level steps, for the dashboard and the report. */
  readonly outline: readonly { readonly text: string; readonly line: number }[];
  /** Content of the file as plain data. A recorded run is made from it. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** The stage and the system that a scenario will run on. A fault needs its capabilities from both. */
export interface Chosen {
  readonly system: Able;
  readonly stage: Able;
}

/** Returns the stage and the system that a scenario will run on, by the name of the system in the file. */
export type ChooseBySystem = (system: string) => Chosen;

/** The names that a step may use in a run that has already begun. */
export interface Known {
  /** Number of nodes of the cluster. */
  readonly nodes: number;
  /** Names of faults. */
  readonly handles: ReadonlySet<string>;
  /** Names that `bind:` gave to nodes. */
  readonly names: ReadonlySet<string>;
  /** Absent: everything is possible. */
  readonly chosen?: Chosen | undefined;
}
