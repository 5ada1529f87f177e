import { count, duration, moment, plural } from '../format.ts';
import { markup, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { Bins } from '../model/bins.ts';
import type { FaultSpan } from '../model/faults.ts';
import type { ReportModel } from '../model/model.ts';
import { fraction, linearScale, logScale, x } from './axis.ts';
import type { Frame, Scale } from './axis.ts';
import { across, band, row, stretched, textShare, timeAxis } from './figure.ts';
import type { Backdrop } from './figure.ts';

const RATE_HEIGHT = 132;
const LATENCY_HEIGHT = 150;
const STRIP_HEIGHT = 14;
const FAULT_LANE = 20;
/** Maximum number of lanes of faults; if more faults overlap, they share the last lane. */
const MOST_FAULT_LANES = 6;

/** Faults, throughput and latency over the whole run, one above the other. */
export function overview(model: ReportModel, backdrop: Backdrop): Markup {
  if (model.ops.length === 0 && model.faults.length === 0) {
    return markup`<p class="none">No operation was invoked and no fault was injected.</p>`;
  }
  const load =
    model.ops.length === 0
      ? [markup`<p class="none">No operation was invoked.</p>`]
      : [
          throughput(model, backdrop),
          strip(model, backdrop, 'fail', 'failed'),
          strip(model, backdrop, 'info', 'unknown'),
          markup`<div class="space"></div>`,
          latencies(model, backdrop),
        ];
  const broken = model.violationTimes.some((t) => t !== null)
    ? markup`<i class="key broken"></i>violation `
    : nothing;
  return markup`<div class="chart">
${faultLanes(backdrop)}${stallLane(model, backdrop)}${load}${timeAxis(backdrop.frame)}
</div>
<p class="legend"><i class="key ok"></i>ok <i class="key fail"></i>failed (did not happen)
<i class="key info"></i>unknown (may have happened) <i class="key line p50"></i>p50 <i class="key line p99"></i>p99
<i class="key line max"></i>max <i class="key in-force"></i>fault in effect ${broken}
<span class="aside">Rates count completions in bins of ${duration(model.bins.widthMs)}.
Latencies are of ok operations, placed where they were invoked.</span></p>`;
}

function faultLanes({ frame, faults, violationTimes }: Backdrop): Markup {
  if (faults.length === 0) return nothing;
  const ends: number[] = [];
  const placed = faults.map((fault) => {
    const [from, to] = roomFor(fault, frame);
    let lane = ends.findIndex((end) => end <= from);
    if (lane === -1) lane = Math.min(ends.length, MOST_FAULT_LANES - 1);
    ends[lane] = Math.max(ends[lane] ?? 0, to);
    return { fault, lane };
  });
  const bands = placed.map(({ fault, lane }) => faultBand(fault, lane * FAULT_LANE + 1, frame));
  return row({
    backdrop: { frame, faults: [], violationTimes },
    height: ends.length * FAULT_LANE + 2,
    title: 'Faults over time',
    description: `${plural(faults.length, 'fault')}; the table of faults below has their times.`,
    labels: [{ at: FAULT_LANE / 2, label: 'faults' }],
    numbered: true,
    body: joined(bands),
  });
}

/** Times in which the harness itself stood still, so that the pictures do not show its normal behaviour. */
function stallLane({ result: { stalls = [] } }: ReportModel, { frame, violationTimes }: Backdrop): Markup {
  const place = { frame, y: 1, height: FAULT_LANE - 2, className: 'gap' };
  const shown = stalls.filter(({ from }) => from <= frame.to);
  if (shown.length === 0) return nothing;
  const bands = shown.map(({ from, to }) => {
    const span = { from: Math.max(from, frame.from), to: Math.min(to, frame.to) };
    return band({ ...place, ...span, text: 'stopped', title: 'the harness was stopped' });
  });
  return row({
    backdrop: { frame, faults: [], violationTimes },
    height: FAULT_LANE + 2,
    title: 'Times in which the harness was stopped',
    description: `${plural(shown.length, 'time')}: ${shown.map(({ from, to }) => `${moment(from)} to ${moment(to)}`).join('; ')}.`,
    labels: [{ at: FAULT_LANE / 2, label: 'harness' }],
    body: joined(bands),
  });
}

const momentary = ({ end }: FaultSpan): boolean => end === 'moment' || end === 'failed';
const late = (fault: FaultSpan, frame: Frame): boolean => fraction(frame, fault.from) > 0.8;

/** The span of time that a fault's band or its text covers. */
function roomFor(fault: FaultSpan, frame: Frame): readonly [from: number, to: number] {
  const least = (frame.to - frame.from) / 60;
  if (!momentary(fault)) return [fault.from, Math.max(fault.to, fault.from + least)];
  const text = textShare(fault.text.length + 4) * (frame.to - frame.from);
  return late(fault, frame) ? [fault.from - text, fault.from + least] : [fault.from, fault.from + text];
}

function faultBand(fault: FaultSpan, y: number, frame: Frame): Markup {
  const marks = [fault.by === 'manual' ? ' (by hand)' : '', fault.end === 'failed' ? ' FAILED' : ''].join('');
  const text = `${fault.label} ${fault.text}`;
  const title = `${text}${marks}`;
  if (!momentary(fault)) {
    const className = `fault ${fault.end} ${fault.by}`;
    return band({ frame, from: fault.from, to: fault.to, y, height: FAULT_LANE - 2, className, text, title });
  }
  // A momentary fault: its text is next to the mark, on the side that has room.
  const side = late(fault, frame) ? markup`dx="-6" text-anchor="end"` : markup`dx="6"`;
  const place = markup`x="${x(frame, fault.from)}" y="${y + 13}" ${side}`;
  return markup`<g class="moment ${fault.end}"><title>${title}: ${moment(fault.from)}</title>
<rect x="${x(frame, fault.from)}" width="3" y="${y}" height="${FAULT_LANE - 2}"/><text ${place}>${text}</text></g>`;
}

function throughput({ bins, result }: ReportModel, backdrop: Backdrop): Markup {
  const perSecond = 1000 / bins.widthMs;
  const { ok, fail, info } = result.counts;
  const outcomes = `${count(ok)} ok, ${count(fail)} failed, ${count(info)} unknown`;
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
    return path === '' ? nothing : markup`<path class="area ${name}" d="${path}"/>`;
  });
  return row({
    backdrop,
    height: RATE_HEIGHT,
    grid: true,
    lettered: true,
    title: 'Operations per second, by outcome',
    description: `${outcomes}; highest rate ${count(Math.max(...sums))} per second.`,
    labels: moved(scale).map((tick, i, all) =>
      i === all.length - 1 ? { ...tick, label: `${tick.label} op/s` } : tick,
    ),
    body: markup`${stretched(RATE_HEIGHT, joined(areas))}`,
  });
}

/** Room at the top for the faults' letters. */
const TOP = 14;
const shifted = (y: number): number => y + TOP;
const moved = (scale: Scale): Scale['ticks'] =>
  scale.ticks.map((tick) => ({ ...tick, at: shifted(tick.at) }));

/** The outline of adjacent bars; spans of zero are left out. */
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

/**
 * Failed and unknown operations again, each kind in a separate strip, because two of them among 400 ok ones would be
 * invisible. A darker shade means more operations in the bin.
 */
function strip(model: ReportModel, backdrop: Backdrop, name: 'fail' | 'info', label: string): Markup {
  const counts = model.bins[name];
  const most = Math.max(...counts);
  if (most === 0) return nothing;
  const marks = counts.flatMap((n, i) => {
    if (n === 0) return [];
    const from = i * model.bins.widthMs;
    const place = across(backdrop.frame, from, from + model.bins.widthMs);
    const opacity = (0.35 + (0.65 * Math.log2(1 + n)) / Math.log2(1 + most)).toFixed(2);
    return [markup`<rect class="${name}" ${place} y="2" height="10" opacity="${opacity}"/>`];
  });
  return row({
    backdrop,
    height: STRIP_HEIGHT,
    title: `When operations were ${label}`,
    description: `At most ${count(most)} in ${duration(model.bins.widthMs)}.`,
    labels: [{ at: STRIP_HEIGHT / 2, label }],
    body: joined(marks),
  });
}

function latencies({ bins, result }: ReportModel, backdrop: Backdrop): Markup {
  const seen = [...bins.p50, ...bins.max].filter((v) => v !== null);
  if (seen.length === 0)
    return markup`<p class="none">No operation ended ok, so there is no latency to show.</p>`;
  const scale = logScale(Math.min(...seen), Math.max(...seen), LATENCY_HEIGHT - TOP);
  const curve = (name: 'p50' | 'p99' | 'max'): Markup => {
    const path = curvePath(bins, backdrop.frame, bins[name], (v) => shifted(scale.y(v)));
    return markup`<path class="curve ${name}" d="${path}"/>`;
  };
  const { p50, p99, max } = result.latencyMs;
  const said = [p50, p99, max].map((v) => (v === null ? 'none' : duration(v)));
  return row({
    backdrop,
    height: LATENCY_HEIGHT,
    grid: true,
    title: 'Latency of ok operations: median, 99th percentile, maximum; logarithmic',
    description: `Over the run: p50 ${said[0]!}, p99 ${said[1]!}, maximum ${said[2]!}.`,
    labels: moved(scale),
    body: markup`${stretched(LATENCY_HEIGHT, joined([curve('max'), curve('p99'), curve('p50')]))}`,
  });
}

/** One horizontal piece per bin, connected to its neighbours; bins without an operation leave a gap. */
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
