import type { Op, RegisterValue } from '../../history/op.ts';
import type { Violation } from '../../result.ts';
import { duration, letters, moment, plural } from '../format.ts';
import { html, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { endOf } from '../model/bins.ts';
import { faultsDuring } from '../model/faults.ts';
import type { ReportModel } from '../model/model.ts';
import { closeUpAxis } from './close-up-axis.ts';
import { applied, refusal, said, shown } from './values.ts';

const ROW = 24;
/** A window beyond that is shown around the stuck operation. */
const MOST_OPS = 60;
const LONGEST_VALUE = 160;

/** One violation: what happened in prose, the operations or trace events that prove it as a picture and as a table. */
export function closeUp(violation: Violation, index: number, model: ReportModel): Markup {
  const t = model.violationTimes[index] ?? null;
  const inForce = t === null ? [] : faultsDuring(model.faults, t - 1_000, t);
  const ops = windowOf(violation, model);
  return html`<article class="violation" id="violation-${index + 1}">
    <h3>
      <span class="no">✗ ${index + 1}</span> ${violation.anomaly}
      <span class="aside"
        >${violation.property}${violation.key === undefined ? '' : `, key ${violation.key}`}${t === null ? '' : `, at ${moment(t)}`}</span
      >
    </h3>
    <p class="prose">${violation.prose}</p>
    ${inForce.length === 0 ? nothing : html`<p class="aside">In force within the second before: ${inForce.map((f) => `${f.label} ${f.text}`).join('; ')}.</p>`}
    ${ops.length === 0 ? nothing : operationsOf(violation, ops, index)}
    ${violation.events === undefined || violation.events.length === 0 ? nothing : eventTable(violation.events)}
  </article>`;
}

/** The operations to draw, in order of invocation. */
function windowOf(violation: Violation, { opsById }: ReportModel): readonly Op[] {
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
  /** Its place in the longest prefix that can be linearized, from 1. */
  readonly order: number | null;
  readonly stuck: boolean;
  /** The register after it, in that order; or why it cannot come next. */
  readonly remark: string;
}

function operationsOf(violation: Violation, ops: readonly Op[], index: number): Markup {
  const judged = judge(violation, ops);
  const total = new Set([...(violation.opIds ?? []), ...(violation.linearizedIds ?? [])]).size;
  const cutNote =
    total > ops.length
      ? html`<p class="aside">
          ${plural(ops.length, 'operation')} of the ${total} in the window are shown, those around the stuck
          one.
        </p>`
      : nothing;
  return html`${picture(judged, violation, index)}${cutNote}${table(judged)}`;
}

function judge(violation: Violation, ops: readonly Op[]): readonly Judged[] {
  const order = violation.linearizedIds ?? [];
  const byId = new Map(ops.map((op) => [op.id, op]));
  const after = new Map<number, RegisterValue>();
  let state: RegisterValue = null;
  // The window may begin in mid-run: what the first operations found is then unknown, and taken from what they read.
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
    ? 'may or may not have happened; with it no order is found either'
    : 'could come next, but then no order is left for the others';
}

function picture(judged: readonly Judged[], violation: Violation, index: number): Markup {
  const rows = judged.toSorted((a, b) => a.op.process - b.op.process || a.op.call - b.op.call);
  const axis = closeUpAxis(rows.flatMap(({ op }) => [op.call, endOf(op)]));
  const height = rows.length * ROW + 22;
  const pct = (f: number): string => `${(100 * f).toFixed(2)}%`;
  const gutter = rows.map(({ op }, i) =>
    rows[i - 1]?.op.process === op.process
      ? nothing
      : html`<text x="100%" dx="-8" y="${i * ROW + 16}">process ${op.process}</text>`,
  );
  const bars = rows.map(({ op, order, stuck, remark }, i) => {
    const left = axis.at(op.call);
    const right = op.outcome === 'info' ? 1 : axis.at(endOf(op));
    const y = i * ROW;
    const badge = order !== null ? String(order) : stuck ? '✗' : '·';
    const text = `#${op.id} ${said(op)}${op.outcome === 'ok' ? '' : op.outcome === 'info' ? ' (unknown)' : ' (failed)'}`;
    // On the side where there is room: the text must not leave the picture.
    const beside =
      right < 0.6
        ? html`x="${pct(right)}" dx="6"`
        : left > 0.4
          ? html`x="${pct(left)}" dx="-6" text-anchor="end"`
          : html`x="${pct(left)}" dx="24"`;
    const newProcess = i > 0 && rows[i - 1]!.op.process !== op.process;
    return html`<g class="op ${op.outcome}${stuck ? ' stuck' : ''}${order === null ? ' left' : ''}">
      <title>${text}: ${moment(op.call)} – ${moment(endOf(op))}. ${remark}</title>
      ${newProcess ? html`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}" />` : nothing}
      <rect x="${pct(left)}" width="${pct(Math.max(0.004, right - left))}" y="${y + 4}" height="${ROW - 8}" />
      <text class="badge" x="${pct(left)}" dx="5" y="${y + 16}">${badge}</text
      ><text class="said" ${beside} y="${y + 16}">${text}</text></g
    >`;
  });
  return html`<div class="chart close-up">
      <div class="row">
        <svg class="gutter" height="${height}" aria-hidden="true">${gutter}</svg>
        <svg class="plot" height="${height}" role="img">
          <title>The operations of violation ${index + 1}</title>
          <desc>${violation.prose} The table below has every operation.</desc>
          ${joined(bars)}${momentLabels(axis, height)}
        </svg>
      </div>
    </div>
    <p class="legend">
      Numbers: the longest order that works. <b class="stuck">✗</b> the operation that fits nowhere after it.
      An unknown operation's bar stays open.
      <span class="aside">Order in time is exact; distances are compressed.</span>
    </p>`;
}

function momentLabels({ at, moments }: ReturnType<typeof closeUpAxis>, height: number): Markup {
  let last = -1;
  return joined(
    moments.flatMap((t) => {
      const f = at(t);
      if (f - last < 0.085) return [];
      last = f;
      const place = `${(100 * f).toFixed(2)}%`;
      return [
        html`<line class="tick" x1="${place}" x2="${place}" y1="${height - 20}" y2="${height - 15}" /><text
            class="tick-label"
            x="${place}"
            y="${height - 3}"
            text-anchor="${f < 0.05 ? 'start' : f > 0.93 ? 'end' : 'middle'}"
            >${moment(t)}</text
          >`,
      ];
    }),
  );
}

function table(judged: readonly Judged[]): Markup {
  const rank = ({ order, stuck }: Judged): number => order ?? (stuck ? 1e9 : 2e9);
  const rows = judged.toSorted((a, b) => rank(a) - rank(b) || a.op.call - b.op.call);
  return html`<div class="scroll">
    <table>
      <caption>
        The same, as a table
      </caption>
      <thead>
        <tr>
          <th>order</th>
          <th>op</th>
          <th>process</th>
          <th>node</th>
          <th>operation</th>
          <th class="n">began</th>
          <th class="n">ended</th>
          <th>outcome</th>
          <th>remark</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ op, order, stuck, remark }) =>
            html`<tr class="${stuck ? 'stuck' : ''}">
              <td>${order ?? (stuck ? '✗ stuck' : '–')}</td>
              <td>#${op.id}</td>
              <td>${op.process}</td>
              <td>${op.node}</td>
              <td class="m">${said(op, LONGEST_VALUE)}</td>
              <td class="n">${moment(op.call)}</td>
              <td class="n">${op.outcome === 'info' ? 'never' : moment(op.return)}</td>
              <td>
                ${op.outcome === 'info' ? 'unknown' : op.outcome}${op.error === undefined ? '' : ` (${op.error})`}
              </td>
              <td>${remark}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const MOST_EVENTS = 200;

function eventTable(events: NonNullable<Violation['events']>): Markup {
  const kept = events.slice(-MOST_EVENTS);
  const first = kept[0]!.t;
  return html`<div class="scroll">
    <table>
      <caption>
        What the nodes
        did${kept.length < events.length ? ` (the last ${kept.length} of ${events.length} events)` : ''}
      </caption>
      <thead>
        <tr>
          <th></th>
          <th class="n">time</th>
          <th class="n">since the first</th>
          <th>node</th>
          <th>event</th>
        </tr>
      </thead>
      <tbody>
        ${kept.map(
          (e, i) =>
            html`<tr>
              <td>${letters(i).toLowerCase()}</td>
              <td class="n">${moment(e.t)}</td>
              <td class="n">${duration(e.t - first)}</td>
              <td>${e.node}</td>
              <td class="m">${e.text}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
