import type { LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Op } from '../../history/op.ts';
import type { ClusterState } from '../../view/cluster-state.ts';
import type { FaultRecord } from '../../nemesis/nemesis.ts';
import { formatDuration } from '../../duration.ts';
import type { ExpectationResult, LeaderGap } from '../../result.ts';
import type { Binding } from '../language/comparison.ts';
import { isOwn, type Ending } from './ending.ts';
import type { Recovery } from './recovery.ts';
import type { Expectations } from '../language/schema.ts';

/** What a finished run has to show for itself. */
export interface Evidence {
  readonly ops: readonly Op[];
  readonly faults: readonly FaultRecord[];
  readonly state: ClusterState;
  readonly recovery: Recovery;
  readonly bindings: readonly { readonly t: number; readonly name: string; readonly binding: Binding }[];
  /** null: not checked. */
  readonly linearizability: LinearizabilityResult | null;
  readonly gaps: readonly LeaderGap[];
  /** When the first step began, and when the last was over. */
  readonly stepsFrom: number;
  readonly stepsTo: number;
  /** Why the run did not come to its own end; null: it did. */
  readonly ending: Ending | null;
}

type Row = Omit<ExpectationResult, 'group' | 'line'>;

/** `recovery`: how fast the cluster came back after the last heal. */
export function judgeRecovery(
  wanted: Expectations['recovery'],
  { recovery, ops, ending }: Evidence,
): ExpectationResult[] {
  const { since } = recovery;
  const never = `not yet: ${recovery.missing()}`;
  const rows = [
    ['leader-within', wanted.leaderWithinMs, recovery.leaderMs(), 'a leader stood', never],
    ['caught-up-within', wanted.caughtUpWithinMs, recovery.caughtUpMs(), 'every node had caught up', never],
    [
      'writes-within',
      wanted.writesWithinMs,
      firstWriteMs(since, ops),
      'a write was acknowledged',
      'no write was',
    ],
  ] as const;
  const judge = (
    limitMs: number,
    tookMs: number | null,
    what: string,
    missing: string,
  ): Omit<Row, 'name'> => {
    if (since === null) return { status: 'unknown', detail: 'nothing was healed in this run' };
    if (tookMs === null) return { status: 'fail', detail: missing };
    const detail = `${what} ${formatDuration(Math.round(tookMs))} after the last heal`;
    return { status: tookMs <= limitMs ? 'pass' : 'fail', detail, tookMs: Math.round(tookMs) };
  };
  const cutShort = ending !== null && !isOwn(ending);
  return rows.flatMap(([name, limitMs, tookMs, what, missing]) => {
    if (limitMs === null) return [];
    const row = { name: `${name} ${formatDuration(limitMs)}`, ...judge(limitMs, tookMs, what, missing) };
    return [{ group: 'recovery' as const, line: wanted.line, ...(cutShort ? skipped(row) : row) }];
  });
}

/** From the heal to the first answer to a write that was invoked after it. */
function firstWriteMs(since: number | null, ops: readonly Op[]): number | null {
  let first: number | null = null;
  for (const { f, outcome, call, return: returned } of ops) {
    if (since === null || f === 'read' || outcome !== 'ok' || call < since) continue;
    first = Math.min(first ?? Infinity, returned - since);
  }
  return first;
}

/** `not-vacuous`: whether the run tested anything at all. */
export function judgeVacuity(wanted: Expectations['notVacuous'], evidence: Evidence): ExpectationResult[] {
  const { ops, faults, state, stepsFrom, ending } = evidence;
  const rows: Row[] = [];
  const atLeast = (name: string, limit: number, seen: number, what: string): void => {
    rows.push({
      name: `${name} ${limit}`,
      status: seen >= limit ? 'pass' : 'fail',
      detail: `${what}: ${seen}`,
    });
  };
  if (wanted.ops !== null) {
    atLeast(
      'ops',
      wanted.ops,
      ops.filter(({ outcome }) => outcome === 'ok').length,
      'operations that ended ok',
    );
  }
  if (wanted.elections !== null) {
    const elections = state.elections.filter(({ t }) => t >= stepsFrom);
    atLeast('elections', wanted.elections, elections.length, 'leaders elected after the first step began');
  }
  if (wanted.faultsObserved !== null) rows.push(faultsObserved(wanted.faultsObserved, faults));
  // A run that was cut short cannot be blamed for what it had no time for.
  return rows.map((row) => ({
    group: 'not-vacuous',
    line: wanted.line,
    ...(ending === null ? row : skipped(row)),
  }));
}

function faultsObserved(wanted: 'all' | number, faults: readonly FaultRecord[]): Row {
  const injected = faults.filter(({ confirmedAt }) => confirmedAt !== null);
  const bit = injected.filter(({ evidence }) => evidence !== null);
  const unseen = injected.filter(({ evidence }) => evidence === null);
  const enough = wanted === 'all' ? unseen.length === 0 && bit.length > 0 : bit.length >= wanted;
  const shown = enough
    ? bit.slice(0, 3).map(({ id, evidence }) => `${id}: ${evidence}`)
    : unseen.map(({ id, aimed }) => `nothing shows that ${id} (${aimed.text}) bit`);
  const seen = `${bit.length} of ${injected.length} faults were seen to bite; ${shown.join('; ')}`;
  const detail = injected.length === 0 ? 'no fault was injected' : seen;
  return { name: `faults-observed ${wanted}`, status: enough ? 'pass' : 'fail', detail };
}

const skipped = (row: Row): Row =>
  row.status === 'pass'
    ? row
    : { ...row, status: 'skipped', detail: `the run was cut short (${row.detail})` };
