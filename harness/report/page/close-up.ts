import type { Op, RegisterValue } from '../../history/op.ts';
import type { Violation } from '../../result.ts';
import { type Clock, clipped, duration, moment, runClock } from '../format.ts';
import { markup, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { endOf } from '../model/bins.ts';
import { faultsDuring } from '../model/faults.ts';
import type { ReportModel } from '../model/model.ts';
import { type CloseUpAxis, closeUpAxis } from './close-up-axis.ts';
import { code, num, table, td, tr } from './table.ts';
import { applied, refusal, said, shown } from './values.ts';

const ROW = 24;
/** Maximum number of operations that are drawn; of a larger window, those around the stuck operation. */
const MOST_OPS = 60;
const LONGEST_VALUE = 160;
const LONGEST_PROSE = 8_000;

/** The part of a report that a close-up needs. */
export type CloseUpModel = Pick<ReportModel, 'faults' | 'violationTimes' | 'opsById'> & {
  /** Clock of a run if absent. */
  readonly clock?: Clock;
};

/** One violation: its prose, and the operations or trace events that prove it as a picture and as a table. */
export function closeUp(violation: Violation, index: number, model: CloseUpModel): Markup {
  const clock = model.clock ?? runClock;
  const t = model.violationTimes[index] ?? null;
  const inForce = t === null ? [] : faultsDuring(model.faults, t - 1_000, t);
  const ops = windowOf(violation, model);
  const about = [
    violation.property,
    ...(violation.key === undefined ? [] : [`key ${violation.key}`]),
    ...(t === null ? [] : [`at ${clock.moment(t)}`]),
  ];
  const faults = inForce.map((f) => `${f.label} ${f.text}`).join('; ');
  return markup`<article class="violation" id="violation-${index + 1}">
<h3><span class="no">✗ ${index + 1}</span> ${violation.anomaly} <span class="aside">${about.join(', ')}</span></h3>
<p class="prose">${clipped(violation.prose, LONGEST_PROSE)}</p>
${faults === '' ? nothing : markup`<p class="aside">In effect within the second before: ${faults}.</p>`}
${ops.length === 0 ? nothing : operationsOf(violation, ops, { index, clock })}
${violation.events === undefined || violation.events.length === 0 ? nothing : eventTable(violation.events)}
</article>`;
}

/** The operations to draw, in order of invocation. */
function windowOf(violation: Violation, { opsById }: CloseUpModel): readonly Op[] {
  const ids = new Set([
    ...(violation.opIds ?? []),
    ...(violation.linearizedIds ?? []),
    ...(violation.stuckId === undefined ? [] : [violation.stuckId]),
  ]);
  const ops = [...ids].flatMap((id) => opsById.get(id) ?? []).sort((a, b) => a.call - b.call);
  if (ops.length <= MOST_OPS) return ops;
  const stuck = ops.findIndex((op) => op.id === violation.stuckId);
  const last = Math.min(ops.length, (stuck === -1 ? ops.length : stuck) + MOST_OPS / 4);
  return ops.slice(Math.max(0, last - MOST_OPS), last);
}

interface Judged {
  readonly op: Op;
  /** Position in the longest order that works, from 1; null if it is not in it. */
  readonly order: number | null;
  readonly stuck: boolean;
  /** The register after the operation in that order, or the reason why the operation cannot come next. */
  readonly remark: string;
}

interface Shown {
  /** The violation's number, from 0. */
  readonly index: number;
  readonly clock: Clock;
}

function operationsOf(violation: Violation, ops: readonly Op[], shown: Shown): Markup {
  const judged = judge(violation, ops);
  const total = new Set([...(violation.opIds ?? []), ...(violation.linearizedIds ?? [])]).size;
  const cutNote =
    total > ops.length
      ? markup`<p class="aside">The ${ops.length} operations around the stuck one, of ${total} in the window.</p>`
      : nothing;
  return markup`${picture(judged, violation, shown)}${cutNote}${operationTable(judged, shown.clock)}`;
}

function judge(violation: Violation, ops: readonly Op[]): readonly Judged[] {
  const order = violation.linearizedIds ?? [];
  const byId = new Map(ops.map((op) => [op.id, op]));
  const after = new Map<number, RegisterValue>();
  let state: RegisterValue = null;
  // If the window begins in the middle of a run, the value before it is unknown and taken from the first read.
  for (const [i, id] of order.entries()) {
    const op = byId.get(id);
    if (op === undefined) continue;
    if (i === 0 && op.f === 'read' && op.outcome === 'ok') state = op.output ?? null;
    state = applied(state, op);
    after.set(id, state);
  }
  if (violation.stateBefore !== undefined) state = violation.stateBefore;
  const left = ops.filter((op) => !after.has(op.id));
  return ops.map((op) => {
    const place = order.indexOf(op.id);
    if (after.has(op.id))
      return {
        op,
        order: place + 1,
        stuck: false,
        remark: `then the register holds ${shown(after.get(op.id), LONGEST_VALUE)}`,
      };
    return {
      op,
      order: null,
      stuck: op.id === violation.stuckId,
      remark: order.length === 0 && violation.stateBefore === undefined ? '' : whyNotNext(op, left, state),
    };
  });
}

function whyNotNext(op: Op, left: readonly Op[], state: RegisterValue): string {
  const earlier = left.find((other) => other !== op && other.return < op.call);
  if (earlier !== undefined) return `cannot come next: #${earlier.id} had ended before it began`;
  const why = refusal(state, op);
  if (why !== null) return `cannot come next: ${why}`;
  return op.outcome === 'info'
    ? 'may or may not have happened; even with it, no order is found'
    : 'could come next, but then no order is left for the others';
}

function picture(judged: readonly Judged[], violation: Violation, { index, clock }: Shown): Markup {
  const rows = judged.toSorted((a, b) => a.op.process - b.op.process || a.op.call - b.op.call);
  const axis = closeUpAxis(rows.flatMap(({ op }) => [op.call, endOf(op)]));
  const height = rows.length * ROW + 22;
  const gutter = rows.map(({ op }, i) =>
    rows[i - 1]?.op.process === op.process
      ? nothing
      : markup`<text x="100%" dx="-8" y="${i * ROW + 16}">process ${op.process}</text>`,
  );
  const bars = rows.map(({ op, order, stuck, remark }, i) => {
    const left = axis.at(op.call);
    const right = op.outcome === 'info' ? 1 : axis.at(endOf(op));
    const y = i * ROW;
    const badge = order !== null ? String(order) : stuck ? '✗' : '·';
    const text = `#${op.id} ${said(op)}${OUTCOME_WORDS[op.outcome]}`;
    const newProcess = i > 0 && rows[i - 1]!.op.process !== op.process;
    const states = [op.outcome, ...(stuck ? ['stuck'] : []), ...(order === null ? ['left'] : [])];
    return markup`<g class="op ${states.join(' ')}">
<title>${text}: ${clock.moment(op.call)} – ${clock.moment(endOf(op))}. ${remark}</title>
${newProcess ? markup`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/>` : nothing}
<rect x="${pct(left)}" width="${pct(Math.max(0.004, right - left))}" y="${y + 4}" height="${ROW - 8}"/>
<text class="badge" x="${pct(left)}" dx="5" y="${y + 16}">${badge}</text>
<text class="said" ${beside(left, right)} y="${y + 16}">${text}</text></g>`;
  });
  return markup`<div class="chart close-up">
<div class="row">
<svg class="gutter" height="${height}" aria-hidden="true">${gutter}</svg>
<svg class="plot" height="${height}" role="img">
<title>The operations of violation ${index + 1}</title>
<desc>${clipped(violation.prose, LONGEST_VALUE)} The table below has every operation.</desc>
${joined(bars)}${momentLabels(axis, height, clock)}
</svg>
</div>
</div>
<p class="legend">
Numbers: the longest order that works. <b class="stuck">✗</b> the operation that fits nowhere after it.
An unknown operation's bar stays open.
<span class="aside">Order in time is exact; distances are compressed.</span>
</p>`;
}

const OUTCOME_WORDS = { ok: '', fail: ' (failed)', info: ' (unknown)' } as const;
const pct = (f: number): string => `${(100 * f).toFixed(2)}%`;

/** Position of a bar's text: on the side that has room, because the text must not leave the picture. */
function beside(left: number, right: number): Markup {
  if (right < 0.6) return markup`x="${pct(right)}" dx="6"`;
  if (left > 0.4) return markup`x="${pct(left)}" dx="-6" text-anchor="end"`;
  return markup`x="${pct(left)}" dx="24"`;
}

function momentLabels({ at, moments }: CloseUpAxis, height: number, clock: Clock): Markup {
  let last = -1;
  return joined(
    moments.flatMap((t) => {
      const f = at(t);
      if (f - last < 0.085) return [];
      last = f;
      const anchor = f < 0.05 ? 'start' : f > 0.93 ? 'end' : 'middle';
      return [
        markup`<line class="tick" x1="${pct(f)}" x2="${pct(f)}" y1="${height - 20}" y2="${height - 15}"/>
<text class="tick-label" x="${pct(f)}" y="${height - 3}" text-anchor="${anchor}">${clock.moment(t)}</text>`,
      ];
    }),
  );
}

function operationTable(judged: readonly Judged[], clock: Clock): Markup {
  const rank = ({ order, stuck }: Judged): number => order ?? (stuck ? 1e9 : 2e9);
  const rows = judged
    .toSorted((a, b) => rank(a) - rank(b) || a.op.call - b.op.call)
    .map(({ op, order, stuck, remark }) => {
      const outcome = op.outcome === 'info' ? 'unknown' : op.outcome;
      const cells = [
        td(order ?? (stuck ? '✗ stuck' : '–')),
        td(`#${op.id}`),
        td(op.process),
        td(op.node),
        code(said(op, LONGEST_VALUE)),
        num(clock.moment(op.call)),
        num(op.outcome === 'info' ? 'never' : clock.moment(op.return)),
        td(op.error === undefined ? outcome : `${outcome} (${op.error})`),
        td(remark),
      ];
      return tr(cells, stuck ? 'stuck' : '');
    });
  return table({
    caption: 'The same, as a table',
    columns: ['order', 'op', 'process', 'node', 'operation', '#began', '#ended', 'outcome', 'remark'],
    body: markup`<tbody>${rows}</tbody>`,
  });
}

const MOST_EVENTS = 200;

function eventTable(events: NonNullable<Violation['events']>): Markup {
  const kept = events.slice(-MOST_EVENTS);
  const first = kept[0]!.t;
  const rows = kept.map((e) =>
    tr([num(moment(e.t)), num(`+${duration(e.t - first)}`), td(e.node), code(e.text)]),
  );
  return table({
    className: 'fitted',
    caption:
      kept.length < events.length
        ? `The last ${kept.length} of ${events.length} events`
        : 'What the nodes did',
    columns: ['#at', '#since the first', 'node', 'event'],
    body: markup`<tbody>${rows}</tbody>`,
  });
}
