import { axisTop, chartIndent, chartPoints, drawChart, type ChartSeries } from '../charts.ts';
import { clockText, latencyText } from '../../output/format.ts';
import { frame, span, type Glyphs, type Line, type Span } from '../../output/paint.ts';
import type { DashboardState, OpsPoint, TimeSpan } from '../state.ts';
import type { Scene, Size } from './panel.ts';

/** Lengths of the main screen's time axis: the shortest one that covers the run, or the last minute of a longer run. */
const MAIN_SPANS_MS = [15_000, 30_000, 60_000] as const;
/** Minimum length of the time axis of the large charts, which show all data in memory. */
const LEAST_SPAN_MS = 10_000;

/** ok operations per second over time. */
export const opsPlot =
  (wholeRun: boolean) =>
  (scene: Scene, size: Size): readonly Line[] => {
    const { ops, totals } = scene.state;
    const last = recent(ops, scene.now);
    const title: Line = [
      span('OPS/S', { bold: true }),
      span(` ok ${Math.round(mean(last.map((point) => point.okPerSecond)))}`, { color: 'green' }),
      span(` fail ${totals.fail} unknown ${totals.info}`, totals.info > 0 ? { color: 'yellow' } : {}),
    ];
    return plot(scene, size, {
      title,
      wholeRun,
      series: [{ color: 'green', of: (point) => point.okPerSecond, join: mean }],
    });
  };

/** p50 and p99 of ok operations over time; the upper line is p99. */
export const latencyPlot =
  (wholeRun: boolean) =>
  (scene: Scene, size: Size): readonly Line[] => {
    const last = recent(scene.state.ops, scene.now);
    const p50 = last.findLast((point) => point.p50 !== null)?.p50 ?? null;
    const p99 = last.findLast((point) => point.p99 !== null)?.p99 ?? null;
    const title: Line = [
      span('LATENCY ms', { bold: true }),
      span(` p50 ${latencyText(p50)}`, { color: 'cyan' }),
      span(` p99 ${latencyText(p99)}`, { color: 'magenta' }),
    ];
    return plot(scene, size, {
      title,
      wholeRun,
      series: [
        { color: 'magenta', of: (point) => point.p99, join: (values) => Math.max(...values) },
        { color: 'cyan', of: (point) => point.p50, join: mean },
      ],
    });
  };

interface Plot {
  readonly title: Line;
  readonly wholeRun: boolean;
  readonly series: readonly {
    readonly color: ChartSeries['color'];
    readonly of: (point: OpsPoint) => number | null;
    /** Combines the values of several windows that share a point on the screen. */
    readonly join: (values: readonly number[]) => number;
  }[];
}

function plot(scene: Scene, { width, height }: Size, { title, wholeRun, series }: Plot): readonly Line[] {
  const { state, now, glyphs } = scene;
  const inner = width - 4;
  const rows = height - 3;
  const { ops } = state;
  const begin = ops[0]?.t ?? 0;
  const length = MAIN_SPANS_MS.find((ms) => now - begin <= ms) ?? MAIN_SPANS_MS.at(-1)!;
  const from = wholeRun ? begin : Math.max(begin, now - length);
  const to = Math.max(now, from + (wholeRun ? LEAST_SPAN_MS : length));
  const shown = ops.filter((point) => point.t >= from);
  const top = axisTop(Math.max(1, ...shown.flatMap((point) => series.map(({ of }) => of(point) ?? 0))));
  const points = chartPoints(inner, top);
  const bins = binned(shown, { from, to, points });
  const lines = drawChart({
    width: inner,
    height: rows,
    maxY: top,
    glyphs,
    labels: bins.map((_, index) =>
      clockText(from + ((to - from) * index) / bins.length, to - from < 30_000 ? 1 : 0),
    ),
    series: series.map(({ color, of, join }) => ({
      color,
      values: bins.map((bin) => {
        const values = bin.map(of).filter((value) => value !== null);
        return values.length === 0 ? null : join(values);
      }),
    })),
  });
  const band = bandLine(state, { from, to, now, glyphs, indent: chartIndent(top), width: inner });
  return frame({ title, lines: [...lines, band], width, height, glyphs });
}

/**
 * The windows that fall on each point of the time axis. If points are shorter than a window, the window is on all
 * points that it lasted for.
 */
function binned(
  shown: readonly OpsPoint[],
  { from, to, points }: { from: number; to: number; points: number },
): OpsPoint[][] {
  const bins: OpsPoint[][] = Array.from({ length: points }, () => []);
  const perMs = points / (to - from);
  let previous = -1;
  for (const point of shown) {
    const at = Math.min(points - 1, Math.floor((point.t - from) * perMs));
    // Consecutive windows begin less than a second apart; a longer distance is a gap.
    const first = previous >= 0 && at - previous > 1 && (at - previous) / perMs < 1_000 ? previous + 1 : at;
    for (let index = first; index <= at; index++) bins[index]!.push(point);
    previous = at;
  }
  return bins;
}

/** Bands below a chart: the times with a fault in effect, and the times without a leader. */
function bandLine(
  { faultSpans, leaderGaps }: DashboardState,
  options: { from: number; to: number; now: number; glyphs: Glyphs; indent: number; width: number },
): Line {
  const { from, to, now, glyphs, indent, width } = options;
  const cells = Math.max(0, width - indent);
  const covers = (list: readonly TimeSpan[], start: number, end: number): boolean =>
    start < now && list.some((item) => item.from < end && (item.to ?? now) > start);
  const spans: Span[] = [span('flt'.slice(0, indent).padEnd(indent), { dim: true })];
  for (let cell = 0; cell < cells; cell++) {
    const start = from + ((to - from) * cell) / cells;
    const end = from + ((to - from) * (cell + 1)) / cells;
    const fault = covers(faultSpans, start, end);
    const gap = covers(leaderGaps, start, end);
    const text =
      fault && gap ? glyphs.faultAndLeaderless : fault ? glyphs.fault : gap ? glyphs.leaderless : ' ';
    const last = spans.at(-1)!;
    const style = gap ? ({ color: 'red' } as const) : fault ? ({ color: 'yellow' } as const) : {};
    if (last.color === style.color && spans.length > 1)
      spans[spans.length - 1] = { ...last, text: last.text + text };
    else spans.push(span(text, style));
  }
  return spans;
}

/** The last second's windows. */
const recent = (ops: readonly OpsPoint[], now: number): readonly OpsPoint[] =>
  ops.slice(-4).filter((point) => now - point.t < 2_000);
const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
