import { count, duration, plural } from '../format.ts';
import { html, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { Bins } from '../model/bins.ts';
import type { ReportModel } from '../model/model.ts';
import { linearScale, logScale, width, x } from './axis.ts';
import type { Frame, Scale } from './axis.ts';
import { band, row, stretched, timeAxis } from './figure.ts';
import type { Backdrop } from './figure.ts';

const RATE_HEIGHT = 132;
const LATENCY_HEIGHT = 150;
const FAULT_LANE = 20;
/** More than that, and faults that overlap share the last lane. */
const MOST_FAULT_LANES = 6;

/** Faults, throughput and latency over the whole run, one above the other. */
export function overview(model: ReportModel, backdrop: Backdrop): Markup {
  if (model.ops.length === 0 && model.faults.length === 0) {
    return html`<p class="none">No operation was invoked and no fault was injected.</p>`;
  }
  return html`<div class="chart">
      ${faultLanes(model, backdrop)}
      ${model.ops.length === 0 ? html`<p class="none">No operation was invoked.</p>` : html`${throughput(model, backdrop)}${latencies(model, backdrop)}`}
      ${timeAxis(backdrop.frame)}
    </div>
    <p class="legend">
      <i class="key ok"></i>ok <i class="key fail"></i>failed (did not happen) <i class="key info"></i>unknown
      (may have happened) <i class="key shade"></i>fault in
      force${model.violationTimes.some((t) => t !== null) ? html` <i class="key broken"></i>violation` : nothing}
      <span class="aside"
        >Rates count completions in bins of ${duration(model.bins.widthMs)}. Latencies are of ok operations,
        placed where they were invoked.</span
      >
    </p>`;
}

function faultLanes({ faults }: ReportModel, { frame, violationTimes }: Backdrop): Markup {
  if (faults.length === 0) return nothing;
  const ends: number[] = [];
  const placed = faults.map((fault) => {
    let lane = ends.findIndex((end) => end <= fault.from);
    if (lane === -1) lane = Math.min(ends.length, MOST_FAULT_LANES - 1);
    ends[lane] = Math.max(ends[lane] ?? 0, fault.to, fault.from + (frame.to - frame.from) / 60);
    return { fault, lane };
  });
  const bands = placed.map(({ fault, lane }) => {
    const momentary = fault.end === 'moment' || fault.end === 'failed';
    const to = momentary ? fault.from + (frame.to - frame.from) / 250 : fault.to;
    return band({
      frame,
      from: fault.from,
      to,
      y: lane * FAULT_LANE + 1,
      height: FAULT_LANE - 2,
      className: `fault ${fault.end} ${fault.by}`,
      text: `${fault.label}  ${fault.text}`,
      title: `${fault.label} ${fault.text}${fault.by === 'manual' ? ' (by hand)' : ''}${fault.end === 'failed' ? ' FAILED' : ''}`,
    });
  });
  return row({
    backdrop: { frame, faults: [], violationTimes },
    height: ends.length * FAULT_LANE + 2,
    title: 'Faults over time',
    description: `${plural(faults.length, 'fault')}; the table of faults below has their times.`,
    labels: [{ at: FAULT_LANE / 2, label: 'faults' }],
    body: joined(bands),
  });
}

function throughput({ bins, result }: ReportModel, backdrop: Backdrop): Markup {
  const perSecond = 1000 / bins.widthMs;
  const sums = bins.ok.map((ok, i) => (ok + bins.fail[i]! + bins.info[i]!) * perSecond);
  const scale = linearScale(Math.max(...sums), RATE_HEIGHT - 14);
  const layers: [string, (i: number) => number, (i: number) => number][] = [
    ['ok', () => 0, (i) => bins.ok[i]!],
    ['fail', (i) => bins.ok[i]!, (i) => bins.ok[i]! + bins.fail[i]!],
    ['info', (i) => bins.ok[i]! + bins.fail[i]!, (i) => bins.ok[i]! + bins.fail[i]! + bins.info[i]!],
  ];
  const areas = layers.map(([name, low, high]) => {
    const path = steps(
      bins,
      backdrop.frame,
      (i) => shifted(scale.y(low(i) * perSecond)),
      (i) => shifted(scale.y(high(i) * perSecond)),
    );
    return path === '' ? nothing : html`<path class="area ${name}" d="${path}" />`;
  });
  return row({
    backdrop,
    height: RATE_HEIGHT,
    grid: true,
    lettered: true,
    title: 'Operations per second, by outcome',
    description: `${count(result.counts.ok)} ok, ${count(result.counts.fail)} failed, ${count(result.counts.info)} unknown; highest rate ${count(Math.max(...sums))} per second.`,
    labels: moved(scale).map((tick, i, all) =>
      i === all.length - 1 ? { ...tick, label: `${tick.label} op/s` } : tick,
    ),
    body: html`${stretched(RATE_HEIGHT, joined(areas))}${rug(bins, backdrop.frame, RATE_HEIGHT)}`,
  });
}

/** Room at the top for the faults' letters. */
const TOP = 14;
const shifted = (y: number): number => y + TOP;
const moved = (scale: Scale): Scale['ticks'] =>
  scale.ticks.map((tick) => ({ ...tick, at: shifted(tick.at) }));

/** The outline of bars that touch; stretches of equal zero are left out. */
function steps(bins: Bins, frame: Frame, low: (i: number) => number, high: (i: number) => number): string {
  const at = (i: number): string => ((1000 * i * bins.widthMs) / (frame.to - frame.from)).toFixed(2);
  const pieces: string[] = [];
  for (let i = 0; i < bins.count;) {
    if (low(i) === high(i)) {
      i++;
      continue;
    }
    let last = i;
    while (last + 1 < bins.count && low(last + 1) !== high(last + 1)) last++;
    let path = `M${at(i)} ${low(i).toFixed(1)}`;
    for (let k = i; k <= last; k++) path += `V${high(k).toFixed(1)}H${at(k + 1)}`;
    for (let k = last; k >= i; k--) path += `V${low(k).toFixed(1)}H${at(k)}`;
    pieces.push(`${path}Z`);
    i = last + 1;
  }
  return pieces.join('');
}

/** A mark at the foot of each bin with an unknown or failed operation: two of them among 400 ok ones must not vanish. */
function rug(bins: Bins, frame: Frame, height: number): Markup {
  const marks: Markup[] = [];
  for (let i = 0; i < bins.count; i++) {
    const from = i * bins.widthMs;
    const place = html`x="${x(frame, from)}" width="${width(frame, from, from + bins.widthMs)}"`;
    if (bins.fail[i]! > 0) marks.push(html`<rect class="fail" ${place} y="${height - 4}" height="4" />`);
    if (bins.info[i]! > 0)
      marks.push(html`<rect class="info" ${place} y="${height - (bins.fail[i]! > 0 ? 8 : 4)}" height="4" />`);
  }
  return joined(marks);
}

function latencies({ bins, result }: ReportModel, backdrop: Backdrop): Markup {
  const seen = [...bins.p50, ...bins.max].filter((v) => v !== null);
  if (seen.length === 0)
    return html`<p class="none">No operation ended ok, so there is no latency to show.</p>`;
  const scale = logScale(Math.min(...seen), Math.max(...seen), LATENCY_HEIGHT - TOP);
  const curve = (name: 'p50' | 'p99' | 'max'): Markup =>
    html`<path
      class="curve ${name}"
      d="${curvePath(bins, backdrop.frame, bins[name], (v) => shifted(scale.y(v)))}"
    />`;
  const endLabels = labelled(bins, (v) => shifted(scale.y(v)));
  const { p50, p99, max } = result.latencyMs;
  const said = [p50, p99, max].map((v) => (v === null ? 'none' : duration(v)));
  return row({
    backdrop,
    height: LATENCY_HEIGHT,
    grid: true,
    title: 'Latency of ok operations: median, 99th percentile, maximum; logarithmic',
    description: `Over the run: p50 ${said[0]!}, p99 ${said[1]!}, maximum ${said[2]!}.`,
    labels: moved(scale),
    body: html`${stretched(LATENCY_HEIGHT, joined([curve('max'), curve('p99'), curve('p50')]))}${endLabels}`,
  });
}

/** A flat piece per bin, joined to its neighbours; bins without an operation leave a gap. */
function curvePath(
  bins: Bins,
  frame: Frame,
  values: readonly (number | null)[],
  y: (v: number) => number,
): string {
  let path = '';
  let drawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const left = ((1000 * i * bins.widthMs) / (frame.to - frame.from)).toFixed(2);
    const right = ((1000 * (i + 1) * bins.widthMs) / (frame.to - frame.from)).toFixed(2);
    path += `${drawing ? 'V' : `M${left} `}${y(value).toFixed(1)}H${right}`;
    drawing = true;
  });
  return path;
}

/** Names the curves where they begin, each at its own height. */
function labelled(bins: Bins, y: (v: number) => number): Markup {
  const first = bins.p50.findIndex((v) => v !== null);
  const at = `${((100 * first) / bins.count).toFixed(2)}%`;
  let above = Infinity;
  return joined(
    (['p50', 'p99', 'max'] as const).map((name) => {
      above = Math.min(above - 11, y(bins[name][first]!) + 3);
      return html`<text class="curve-name ${name}" x="${at}" dx="-5" y="${above.toFixed(1)}" text-anchor="end"
        >${name}</text
      >`;
    }),
  );
}
