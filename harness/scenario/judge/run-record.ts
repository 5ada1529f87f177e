import type { LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Op } from '../../history/op.ts';
import type { FaultRecord } from '../../nemesis/nemesis.ts';
import type { ExpectationResult, LeaderGap } from '../../result.ts';
import type { Stall } from '../../stall.ts';
import type { ClusterState } from '../../view/cluster-state.ts';
import type { Binding } from '../language/comparison.ts';
import type { Ending } from './ending.ts';
import type { RecoveryTimes } from './recovery-times.ts';

/** Everything about a finished run that its expectations are evaluated on. */
export interface RunRecord {
  readonly ops: readonly Op[];
  readonly faults: readonly FaultRecord[];
  readonly state: ClusterState;
  readonly recovery: RecoveryTimes;
  readonly bindings: readonly { readonly t: number; readonly name: string; readonly binding: Binding }[];
  /** Null if it was not checked. */
  readonly linearizability: LinearizabilityResult | null;
  readonly gaps: readonly LeaderGap[];
  /** Start of the first step and end of the last one, in ms since the run began. */
  readonly stepsFrom: number;
  readonly stepsTo: number;
  /** Times in which the harness itself stood still. */
  readonly stalls: readonly Stall[];
  /** Node and reason of the first loss of reports; null if none were lost. */
  readonly reportsLost: string | null;
  /** Reason why the run was ended early; null if it was not. */
  readonly ending: Ending | null;
}

/** One evaluated expectation, before its group and its line are added. */
export type Row = Omit<ExpectationResult, 'group' | 'line'>;

/**
 * Row of an expectation in a run that was cut short. Only a pass counts, because the run may not have had enough time.
 */
export const cutShort = (row: Row): Row =>
  row.status === 'pass'
    ? row
    : { ...row, status: 'skipped', detail: `the run was cut short (${row.detail})` };
