import type { LinearizabilityResult } from '../checker/linearizable.ts';
import type { Op } from '../history/op.ts';
import type { ClusterState } from '../nemesis/cluster-state.ts';
import type { FaultRecord } from '../nemesis/nemesis.ts';
import { formatDuration } from '../nemesis/quantity.ts';
import { formatSelector, resolveSelector, type Selector } from '../nemesis/selector.ts';
import type { ExpectationGroup, ExpectationResult, LeaderGap } from '../result.ts';
import { compare, formatComparison, type Binding } from './comparison.ts';
import type { Recovery } from './recovery.ts';
import type { DuringExpectation, DuringFigure, Expectations } from './schema.ts';

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
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const result = (group: ExpectationGroup, name: string, line: number, status: ExpectationResult['status'], detail: string): ExpectationResult => ({
  group, name, status, detail,
  ...(line > 0 && { line }),
}); // prettier-ignore

/** `during`: what must hold while a fault lives, over all windows of its name. */
export function judgeDuring(wanted: readonly DuringExpectation[], evidence: Evidence): ExpectationResult[] {
  return wanted.flatMap((expectation) => {
    const spans = windowsOf(expectation.window, evidence);
    const figures = Object.entries(expectation.wanted) as [
      DuringFigure,
      NonNullable<DuringExpectation['wanted'][DuringFigure]>,
    ][];
    return figures.map(([figure, comparison]) => {
      const who = expectation.node === null ? '' : `${formatSelector(expectation.node)} `;
      const name = `during ${expectation.window}: ${who}${figure} ${formatComparison(comparison)}`;
      if (spans.length === 0)
        return result(
          'during',
          name,
          expectation.line,
          'unknown',
          `${expectation.window} was never injected`,
        );
      const seen = measure(figure, expectation.node, spans, evidence);
      const shown = comparison.unit === 'ms' ? formatDuration(Math.round(seen.value)) : String(seen.value);
      const status =
        seen.unknown === true ? 'unknown' : compare(seen.value, comparison, new Map()) ? 'pass' : 'fail';
      return result('during', name, expectation.line, status, `${shown} in ${seconds(spans)}${seen.detail}`);
    });
  });
}

interface Measured {
  readonly value: number;
  readonly detail: string;
  readonly unknown?: boolean;
}

function measure(
  figure: DuringFigure,
  node: Selector | null,
  spans: readonly Span[],
  evidence: Evidence,
): Measured {
  const { state, gaps, linearizability, ops } = evidence;
  const within = (t: number): boolean => spans.some(({ from, to }) => t >= from && t <= to);
  if (figure === 'elections') {
    const elections = state.elections.filter(({ t }) => within(t));
    return {
      value: elections.length,
      detail: listed(elections.map(({ node, term }) => `${node} in term ${term}`)),
    };
  }
  if (figure === 'leader-gap') {
    const overlaps = gaps.flatMap((gap) =>
      spans.map((span) => Math.min(gap.to, span.to) - Math.max(gap.from, span.from)),
    );
    return { value: Math.max(0, ...overlaps), detail: '' };
  }
  const inWindow = answeredIn(figure, node, spans, evidence);
  if (figure === 'stale-reads') {
    const named = new Set(
      linearizability?.violations
        .filter(({ anomaly }) => anomaly.includes('stale'))
        .flatMap(({ opIds }) => opIds ?? []),
    );
    const stale = inWindow.filter(({ id }) => named.has(id));
    const unknown = linearizability === null || linearizability.verdict === 'unknown';
    return {
      value: stale.length,
      detail: unknown ? ', but the checker has not judged every key' : `, of ${inWindow.length} reads`,
      unknown,
    };
  }
  const asked = ops.filter(({ call, f }) => within(call) && kindFits(figure, f)).length;
  return {
    value: inWindow.length,
    detail: `, of ${asked} invoked${listed(inWindow.slice(0, node === null ? 0 : 3).map(describeOp))}`,
  };
}

const listed = (items: readonly string[]): string => (items.length === 0 ? '' : `: ${items.join(', ')}`);
const describeOp = ({ id, f, key, node, call }: Op): string =>
  `operation ${id} (${f} ${key}) by ${node} at ${(call / 1_000).toFixed(3)} s`;

/** Operations that were invoked and answered ok inside one window: what was under way before it may still end well. */
function answeredIn(
  figure: DuringFigure,
  node: Selector | null,
  spans: readonly Span[],
  { ops, bindings, state }: Evidence,
): readonly Op[] {
  return spans.flatMap(({ from, to }) => {
    const nodes = node === null ? null : nodesAt(node, from, bindings, state);
    return ops.filter(
      (op) =>
        op.outcome === 'ok' &&
        op.call >= from &&
        op.return <= to &&
        kindFits(figure, op.f) &&
        (nodes === null || nodes.includes(op.node)),
    );
  });
}

function kindFits(figure: DuringFigure, f: Op['f']): boolean {
  if (figure === 'acked-ops') return true;
  return (f === 'read') === (figure === 'acked-reads' || figure === 'stale-reads');
}

/** What a selector of names and ids meant when the window began. */
function nodesAt(
  node: Selector,
  t: number,
  bindings: Evidence['bindings'],
  state: ClusterState,
): readonly string[] {
  const bound = new Map(
    bindings.filter((entry) => entry.t <= t).map(({ name, binding }) => [name, binding.nodes]),
  );
  const electorate = {
    nodes: state.ids,
    up: [],
    leader: null,
    lastIndex: new Map<string, number>(),
    killed: [],
    bound,
  };
  const noDraws = { float: () => 0, int: (min: number) => min, pick: <T>(items: readonly T[]) => items[0]! };
  return resolveSelector(node, electorate, noDraws);
}

function windowsOf(name: string, { faults, stepsTo }: Evidence): readonly Span[] {
  return faults
    .filter((fault) => fault.name === name && fault.confirmedAt !== null)
    .map((fault) => ({ from: fault.confirmedAt!, to: fault.healingAt ?? stepsTo }));
}

const seconds = (spans: readonly Span[]): string => {
  const total = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  return `${(total / 1_000).toFixed(2)} s${spans.length > 1 ? ` over ${spans.length} windows` : ''}`;
};

/** `recovery`: how fast the cluster came back after the last heal. */
export function judgeRecovery(
  wanted: Expectations['recovery'],
  { recovery, ops }: Evidence,
): ExpectationResult[] {
  const { since } = recovery;
  const firstWrite =
    since === null
      ? undefined
      : ops
          .filter((op) => op.f !== 'read' && op.outcome === 'ok' && op.call >= since)
          .map((op) => op.return - since);
  const writesMs =
    firstWrite === undefined || firstWrite.length === 0 ? null : Math.min(...firstWrite.slice(0, 1_000));
  const rows = [
    ['leader-within', wanted.leaderWithinMs, recovery.leaderMs(), 'a leader stood'],
    ['caught-up-within', wanted.caughtUpWithinMs, recovery.caughtUpMs(), 'every node had caught up'],
    ['writes-within', wanted.writesWithinMs, writesMs, 'a write was acknowledged'],
  ] as const;
  return rows.flatMap(([name, limitMs, tookMs, what]) => {
    if (limitMs === null) return [];
    const row = (status: ExpectationResult['status'], detail: string): ExpectationResult[] => [
      {
        ...result('recovery', `${name} ${formatDuration(limitMs)}`, wanted.line, status, detail),
        ...(tookMs !== null && { tookMs: Math.round(tookMs) }),
      },
    ];
    if (since === null) return row('unknown', 'nothing was healed in this run');
    if (tookMs === null)
      return row(
        'fail',
        name === 'writes-within'
          ? 'no write was acknowledged after the last heal'
          : `not yet: ${recovery.missing()}`,
      );
    return row(
      tookMs <= limitMs ? 'pass' : 'fail',
      `${what} ${formatDuration(Math.round(tookMs))} after the last heal`,
    );
  });
}

/** `not-vacuous`: whether the run tested anything at all. */
export function judgeVacuity(wanted: Expectations['notVacuous'], evidence: Evidence): ExpectationResult[] {
  const { ops, faults, state, stepsFrom } = evidence;
  const rows: ExpectationResult[] = [];
  const atLeast = (name: string, limit: number, seen: number, what: string): void => {
    rows.push(
      result(
        'not-vacuous',
        `${name} ${limit}`,
        wanted.line,
        seen >= limit ? 'pass' : 'fail',
        `${seen} ${what}`,
      ),
    );
  };
  if (wanted.ops !== null)
    atLeast('ops', wanted.ops, ops.filter(({ outcome }) => outcome === 'ok').length, 'operations ended ok');
  if (wanted.elections !== null) {
    atLeast(
      'elections',
      wanted.elections,
      state.elections.filter(({ t }) => t >= stepsFrom).length,
      'leaders were elected after the first step began',
    );
  }
  if (wanted.faultsObserved !== null) rows.push(faultsObserved(wanted.faultsObserved, wanted.line, faults));
  return rows;
}

function faultsObserved(
  wanted: 'all' | number,
  line: number,
  faults: readonly FaultRecord[],
): ExpectationResult {
  const injected = faults.filter(({ confirmedAt }) => confirmedAt !== null);
  const bit = injected.filter(({ evidence }) => evidence !== null);
  const unseen = injected.filter(({ evidence }) => evidence === null);
  const enough = wanted === 'all' ? unseen.length === 0 && bit.length > 0 : bit.length >= wanted;
  const shown = enough
    ? bit.slice(0, 3).map(({ id, evidence }) => `${id}: ${evidence}`)
    : unseen.map(({ id, aimed }) => `nothing shows that ${id} (${aimed.text}) bit`);
  const detail =
    injected.length === 0
      ? 'no fault was injected'
      : `${bit.length} of ${injected.length} faults were seen to bite; ${shown.join('; ')}`;
  return result('not-vacuous', `faults-observed ${wanted}`, line, enough ? 'pass' : 'fail', detail);
}
