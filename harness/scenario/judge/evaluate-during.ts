import type { Op } from '../../history/op.ts';
import type { ClusterState } from '../../view/cluster-state.ts';
import { formatDuration } from '../../duration.ts';
import { formatSelector, resolveSelector, type Selector } from '../../nemesis/selector.ts';
import type { ExpectationResult } from '../../result.ts';
import { stoppedMs, stopText } from '../../stall.ts';
import { compare, formatComparison, type Comparison } from '../language/comparison.ts';
import { doubted } from './doubt.ts';
import type { RunRecord } from './run-record.ts';
import type { DuringExpectation, DuringFigure } from '../language/schema.ts';

interface FaultWindow {
  readonly from: number;
  readonly to: number;
  /** Time at which the fault was asked for: it may have been in effect from then on. */
  readonly askedAt: number;
}

/** `during`: what must hold while a fault is live, over all windows of its name. */
export function evaluateDuring(wanted: readonly DuringExpectation[], run: RunRecord): ExpectationResult[] {
  const cutShort = run.ending !== null;
  return wanted.flatMap((expectation) => {
    const windows = windowsOf(expectation.window, run);
    const figures = Object.entries(expectation.wanted) as [
      DuringFigure,
      NonNullable<DuringExpectation['wanted'][DuringFigure]>,
    ][];
    return figures.map(([figure, comparison]) => {
      const who = expectation.node === null ? '' : `${formatSelector(expectation.node)} `;
      const name = `during ${expectation.window}: ${who}${figure} ${formatComparison(comparison)}`;
      const row = (status: ExpectationResult['status'], detail: string): ExpectationResult =>
        doubted(
          { group: 'during', name, status, detail, line: expectation.line },
          stoppedMs(run.stalls, run.stepsFrom, run.stepsTo),
          figure === 'elections' || figure === 'leader-gap' ? run.reportsLost : null,
        );
      if (windows.length === 0)
        return row(cutShort ? 'skipped' : 'unknown', `${expectation.window} was never injected`);
      const seen = measure(figure, expectation.node, windows, run);
      const shown = comparison.unit === 'ms' ? formatDuration(Math.round(seen.value)) : String(seen.value);
      const status =
        seen.unknown === true ? 'unknown' : compare(seen.value, comparison, new Map()) ? 'pass' : 'fail';
      const detail = `${shown} in ${seconds(windows)}${seen.detail}`;
      const longerMs = status === 'pass' && growsWithTime(figure, comparison) ? stoppedIn(windows, run) : 0;
      if (longerMs > 0) return row('unknown', `${detail}; ${stopText(longerMs)}, which made this longer`);
      // In a run that was cut short, too small a figure may only be due to lack of time. Too large a figure is a
      // failure.
      const wantOfTime = cutShort && (status === 'unknown' || comparison.operator.startsWith('>'));
      return row(wantOfTime && status !== 'pass' ? 'skipped' : status, detail);
    });
  });
}

/**
 * True if the expectation may hold only because the window was longer: faults stay in effect while the harness stands
 * still. This is not so for operations, because the load stands still together with the harness.
 */
const growsWithTime = (figure: DuringFigure, { operator }: Comparison): boolean =>
  (figure === 'elections' || figure === 'leader-gap') && operator.startsWith('>');

const stoppedIn = (windows: readonly FaultWindow[], { stalls }: RunRecord): number =>
  windows.reduce((sum, { askedAt, to }) => sum + stoppedMs(stalls, askedAt, to), 0);

interface Measured {
  readonly value: number;
  readonly detail: string;
  readonly unknown?: boolean;
}

function measure(
  figure: DuringFigure,
  node: Selector | null,
  windows: readonly FaultWindow[],
  run: RunRecord,
): Measured {
  const { state, gaps, linearizability, ops } = run;
  const within = (t: number): boolean => windows.some(({ from, to }) => t >= from && t <= to);
  if (figure === 'elections') {
    const elections = state.elections.filter(({ t }) => within(t));
    return {
      value: elections.length,
      detail: listed(elections.map(({ node, term }) => `${node} in term ${term}`)),
    };
  }
  if (figure === 'leader-gap') {
    const overlaps = gaps.flatMap((gap) =>
      windows.map((window) => Math.min(gap.to, window.to) - Math.max(gap.from, window.from)),
    );
    return { value: Math.max(0, ...overlaps), detail: '' };
  }
  const inWindow = answeredIn(figure, node, windows, run);
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

/**
 * Operations that were both invoked and answered ok inside one window. An operation that was in flight when the window
 * began may still succeed, and does not count.
 */
function answeredIn(
  figure: DuringFigure,
  node: Selector | null,
  windows: readonly FaultWindow[],
  { ops, bindings, state }: RunRecord,
): readonly Op[] {
  return windows.flatMap(({ from, to }) => {
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

/** Nodes that a selector of names and ids stood for when the window began. */
function nodesAt(
  node: Selector,
  t: number,
  bindings: RunRecord['bindings'],
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

function windowsOf(name: string, { faults, stepsTo }: RunRecord): readonly FaultWindow[] {
  return faults
    .filter((fault) => fault.name === name && fault.confirmedAt !== null)
    .map((fault) => ({
      askedAt: fault.requestedAt,
      from: fault.confirmedAt!,
      to: fault.healingAt ?? stepsTo,
    }));
}

const seconds = (windows: readonly FaultWindow[]): string => {
  const total = windows.reduce((sum, { from, to }) => sum + to - from, 0);
  return `${(total / 1_000).toFixed(2)} s${windows.length > 1 ? ` over ${windows.length} windows` : ''}`;
};
