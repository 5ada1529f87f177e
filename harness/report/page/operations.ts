import type { Op } from '../../history/op.ts';
import { type Clock, plural, runClock } from '../format.ts';
import { markup, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { endOf } from '../model/bins.ts';
import type { ReportModel } from '../model/model.ts';
import { firstFrom } from '../../history/first-from.ts';
import type { Frame } from './axis.ts';
import { across, row, timeAxis } from './figure.ts';
import type { Backdrop } from './figure.ts';
import { said } from './values.ts';

const LANE = 13;
const MOST_LANES = 32;
/** Maximum number of bars in one window; a window with more operations is made shorter. */
const MOST_BARS = 500;
const MOST_WINDOWS = 16;
/** Maximum time between the beginnings or ends of two faults that share a window, in ms. */
const TOGETHER_MS = 20;
const BEFORE_MS = 250;
const AFTER_MS = 1_250;
/** Maximum time that an operation can be open before a window that shows it, in ms. */
const LONGEST_OP_MS = 30_000;

/** A span of time whose operations are drawn one by one. */
export interface OperationsWindow {
  readonly title: string;
  readonly frame: Frame;
}

/** Every operation around the moments at which a fault began or ended, in one lane per client. */
export function operations(model: ReportModel, backdrop: Backdrop): Markup {
  const windows = windowsOf(model);
  if (windows.length === 0)
    return markup`<p class="none">No fault was in effect during the load, so there is no window to show.</p>`;
  const edges = model.faults.filter((f) => f.end !== 'failed').length;
  const all =
    windows.length < MOST_WINDOWS
      ? nothing
      : markup`<p class="aside">The first ${MOST_WINDOWS} windows, of ${plural(edges, 'fault')}:
<code>history.jsonl</code> has every operation.</p>`;
  return markup`${windows.map((window) => operationsWindow(window, model.ops, { backdrop }))}
${OPERATIONS_LEGEND}
${all}`;
}

export const OPERATIONS_LEGEND: Markup = markup`<p class="legend"><i class="key ok"></i>ok
<i class="key fail"></i>failed <i class="key info"></i>unknown
<span class="aside">A lane is a client, named by its first process in the window.
Bars of reads are lower than those of writes.</span></p>`;

function windowsOf({ faults, ops, endMs }: ReportModel): readonly OperationsWindow[] {
  const edges = faults
    .filter((fault) => fault.end !== 'failed')
    .flatMap(({ label, text, from, to, end }) => {
      const begins = { at: from, words: `${label} begins: ${text}` };
      return end === 'healed' ? [begins, { at: to, words: `${label} is healed` }] : [begins];
    })
    .sort((a, b) => a.at - b.at);
  const windows: OperationsWindow[] = [];
  for (let i = 0; i < edges.length && windows.length < MOST_WINDOWS;) {
    const { at } = edges[i]!;
    const words: string[] = [];
    for (; i < edges.length && edges[i]!.at - at < TOGETHER_MS; i++) words.push(edges[i]!.words);
    const frame = fitted(at, ops, endMs);
    if (overlapping(ops, frame).length > 0) windows.push({ title: words.join('; '), frame });
  }
  return windows;
}

/** [at − 250 ms, at + 1250 ms], made shorter until its operations are few enough to be distinguished. */
function fitted(at: number, ops: readonly Op[], endMs: number): Frame {
  for (let scale = 1; ; scale /= 2) {
    const frame = { from: Math.max(0, at - BEFORE_MS * scale), to: Math.min(endMs, at + AFTER_MS * scale) };
    if (scale < 0.02 || firstFrom(ops, frame.to) - firstFrom(ops, frame.from) <= MOST_BARS) return frame;
  }
}

function overlapping(ops: readonly Op[], { from, to }: Frame): readonly Op[] {
  const found: Op[] = [];
  for (let i = firstFrom(ops, from - LONGEST_OP_MS); i < ops.length && ops[i]!.call <= to; i++) {
    if (endOf(ops[i]!) >= from) found.push(ops[i]!);
  }
  return found;
}

/** Every operation that overlaps the window, in one lane per client. `ops` are in order of invocation. */
export function operationsWindow(
  { title, frame }: OperationsWindow,
  ops: readonly Op[],
  { backdrop, clock = runClock }: { readonly backdrop: Backdrop; readonly clock?: Clock },
): Markup {
  const { moment, duration } = clock;
  const all = overlapping(ops, frame);
  const { placed, lanes, processes } = inLanes(all);
  const drawn = placed.filter(({ lane }) => lane < MOST_LANES).slice(0, MOST_BARS * 2);
  const height = Math.max(2, Math.min(lanes, MOST_LANES)) * LANE + 14;
  const bars = drawn.map(({ op, lane, alternate }) => {
    const low = op.f === 'read';
    const place = across(frame, op.call, endOf(op));
    const y = 12 + lane * LANE + (low ? 4 : 0);
    const error = op.error === undefined ? '' : `, ${op.error}`;
    const height = low ? LANE - 6 : LANE - 2;
    return markup`<rect class="${op.outcome}${alternate ? ' alt' : ''}" ${place} y="${y}" height="${height}">
<title>#${op.id} ${said(op)} on ${op.key}, ${op.node}, ${duration(endOf(op) - op.call)}${error}</title></rect>`;
  });
  const tally = { ok: 0, fail: 0, info: 0 };
  for (const op of all) tally[op.outcome]++;
  const left = all.length - drawn.length;
  const missing =
    left > 0
      ? markup`<p class="aside">${plural(left, 'operation')} not drawn: too many at once.</p>`
      : nothing;
  const labels = processes.slice(0, MOST_LANES).flatMap((label, lane) => {
    const at = 12 + lane * LANE + LANE / 2 - 1;
    return lane % 2 === 0 || lanes < 14 ? [{ at, label }] : [];
  });
  return markup`<div class="chart window">
<h4>${title} <span class="aside">${moment(frame.from)} – ${moment(frame.to)}</span></h4>
${row({
  backdrop: { ...backdrop, frame },
  height,
  lettered: true,
  title: `Operations from ${moment(frame.from)} to ${moment(frame.to)}`,
  description: `${title}. ${tally.ok} ok, ${tally.fail} failed, ${tally.info} unknown.`,
  labels,
  body: joined(bars),
})}${timeAxis(frame, clock)}${missing}</div>`;
}

interface Placed {
  readonly op: Op;
  readonly lane: number;
  /** True for every second operation of a lane, so that neighbours can be distinguished. */
  readonly alternate: boolean;
}

interface Lanes {
  readonly placed: readonly Placed[];
  readonly lanes: number;
  readonly processes: readonly string[];
}

/**
 * One lane per client: when its process retires after an unknown outcome, its next process continues in the same lane.
 */
function inLanes(ops: readonly Op[]): Lanes {
  const laneOf = new Map<number, number>();
  const lanes: { freeFrom: number; retired: boolean; first: number; ops: number }[] = [];
  const placed = ops.map((op) => {
    let lane = laneOf.get(op.process);
    if (lane === undefined) {
      lane = lanes.findIndex((l) => l.retired && l.freeFrom <= op.call);
      if (lane === -1) lane = lanes.push({ freeFrom: 0, retired: false, first: op.process, ops: 0 }) - 1;
      laneOf.set(op.process, lane);
    }
    lanes[lane]!.freeFrom = endOf(op);
    lanes[lane]!.retired = op.outcome === 'info';
    return { op, lane, alternate: lanes[lane]!.ops++ % 2 === 1 };
  });
  // Lanes are in order of process number, not of the first operation in this window.
  const order = lanes.map((l, i) => ({ ...l, i })).sort((a, b) => a.first - b.first);
  const rank = new Map(order.map(({ i }, place) => [i, place]));
  return {
    placed: placed.map((bar) => ({ ...bar, lane: rank.get(bar.lane)! })),
    lanes: lanes.length,
    processes: order.map(({ first }) => String(first)),
  };
}
