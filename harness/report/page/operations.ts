import type { Op } from '../../history/op.ts';
import { duration, moment, plural } from '../format.ts';
import { html, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { endOf } from '../model/bins.ts';
import type { ReportModel } from '../model/model.ts';
import { firstFrom } from '../model/phases.ts';
import type { Frame } from './axis.ts';
import { width, x } from './axis.ts';
import { row, timeAxis } from './figure.ts';
import type { Backdrop } from './figure.ts';
import { said } from './values.ts';

const LANE = 11;
const MOST_LANES = 32;
/** Bars of one window; a denser window is made shorter. */
const MOST_BARS = 500;
const MOST_WINDOWS = 16;
const BEFORE_MS = 250;
const AFTER_MS = 1_250;
/** An operation may have been invoked that long before the window in which it still is open. */
const LONGEST_OP_MS = 30_000;

interface Window {
  readonly title: string;
  readonly frame: Frame;
}

/** Every single operation, in lanes of clients, around the moments at which a fault began or ended. */
export function operations(model: ReportModel, backdrop: Backdrop): Markup {
  const windows = windowsOf(model);
  if (windows.length === 0)
    return html`<p class="none">No fault fell into the load, so there is nothing to look at closely.</p>`;
  const edges = model.faults.filter((f) => f.end !== 'failed').length;
  return html`${windows.map((window) => windowPicture(window, model, backdrop))}
    <p class="legend">
      <i class="key ok"></i>ok <i class="key fail"></i>failed <i class="key info"></i>unknown, open to the
      right <span class="aside">A lane is a client; reads are drawn low, writes full.</span>
    </p>
    ${windows.length === MOST_WINDOWS ? html`<p class="aside">The first ${MOST_WINDOWS} windows of ${plural(edges, 'fault')} are shown; <code>history.jsonl</code> has every operation.</p>` : nothing}`;
}

function windowsOf({ faults, ops, endMs }: ReportModel): readonly Window[] {
  const edges: { at: number; words: string[] }[] = [];
  const add = (at: number, words: string): void => {
    const near = edges.find((edge) => Math.abs(edge.at - at) < 20);
    if (near === undefined) edges.push({ at, words: [words] });
    else near.words.push(words);
  };
  for (const fault of faults) {
    if (fault.end === 'failed') continue;
    add(fault.from, `${fault.label} begins: ${fault.text}`);
    if (fault.end === 'healed') add(fault.to, `${fault.label} is healed`);
  }
  return edges
    .sort((a, b) => a.at - b.at)
    .map(({ at, words }) => ({ title: words.join('; '), frame: fitted(at, ops, endMs) }))
    .filter(({ frame }) => overlapping(ops, frame).length > 0)
    .slice(0, MOST_WINDOWS);
}

/** [at − 250 ms, at + 1250 ms], made shorter until its operations can be told apart. */
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

function windowPicture({ title, frame }: Window, model: ReportModel, backdrop: Backdrop): Markup {
  const all = overlapping(model.ops, frame);
  const { placed, lanes, processes } = inLanes(all);
  const drawn = placed.filter(({ lane }) => lane < MOST_LANES).slice(0, MOST_BARS * 2);
  const height = Math.max(2, Math.min(lanes, MOST_LANES)) * LANE + 14;
  const bars = drawn.map(({ op, lane }) => {
    const low = op.f === 'read';
    const y = 12 + lane * LANE + (low ? 4 : 0);
    const h = low ? LANE - 6 : LANE - 2;
    const to = op.outcome === 'info' ? frame.to : endOf(op);
    return html`<rect
      class="${op.outcome}"
      x="${x(frame, op.call)}"
      width="${width(frame, op.call, Math.min(to, endOf(op)))}"
      y="${y}"
      height="${h}"
      ><title>
        #${op.id} ${said(op)} on ${op.key}, ${op.node},
        ${duration(endOf(op) - op.call)}${op.error === undefined ? '' : `, ${op.error}`}
      </title></rect
    >`;
  });
  const left = all.length - drawn.length;
  const tally = { ok: 0, fail: 0, info: 0 };
  for (const op of all) tally[op.outcome]++;
  return html`<div class="chart window">
    <h4>${title} <span class="aside">${moment(frame.from)} – ${moment(frame.to)}</span></h4>
    ${row({
      backdrop: { ...backdrop, frame },
      height,
      lettered: true,
      title: `Operations from ${moment(frame.from)} to ${moment(frame.to)}`,
      description: `${title}. ${tally.ok} ok, ${tally.fail} failed, ${tally.info} unknown.`,
      labels: processes
        .slice(0, MOST_LANES)
        .flatMap((name, lane) =>
          lane % 2 === 0 || lanes < 14 ? [{ at: 12 + lane * LANE + LANE / 2 - 1, label: name }] : [],
        ),
      body: joined(bars),
    })}${timeAxis(frame)}${left > 0 ? html`<p class="aside">${plural(left, 'operation')} of this window not drawn: too many at once.</p>` : nothing}
  </div>`;
}

/** A client is one lane: when its process retires after an unknown outcome, the process that replaces it goes on there. */
function inLanes(ops: readonly Op[]): {
  placed: readonly { op: Op; lane: number }[];
  lanes: number;
  processes: readonly string[];
} {
  const laneOf = new Map<number, number>();
  const lanes: { freeFrom: number; retired: boolean; first: number }[] = [];
  const placed = ops.map((op) => {
    let lane = laneOf.get(op.process);
    if (lane === undefined) {
      lane = lanes.findIndex((l) => l.retired && l.freeFrom <= op.call);
      if (lane === -1) lane = lanes.push({ freeFrom: 0, retired: false, first: op.process }) - 1;
      laneOf.set(op.process, lane);
    }
    lanes[lane]!.freeFrom = endOf(op);
    lanes[lane]!.retired = op.outcome === 'info';
    return { op, lane };
  });
  // Lanes in order of their processes' numbers, not of who happened to come first in this window.
  const order = lanes.map((l, i) => ({ ...l, i })).sort((a, b) => a.first - b.first);
  const rank = new Map(order.map(({ i }, place) => [i, place]));
  return {
    placed: placed.map(({ op, lane }) => ({ op, lane: rank.get(lane)! })),
    lanes: lanes.length,
    processes: order.map(({ first }) => String(first)),
  };
}
