import { duration, moment } from '../format.ts';
import { html, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { FaultSpan } from '../model/faults.ts';
import { fraction, timeTicks, width, x } from './axis.ts';
import type { Frame, Tick } from './axis.ts';

/** What stands behind and across every picture: the faults' shades and the violations' lines. */
export interface Backdrop {
  readonly frame: Frame;
  readonly faults: readonly FaultSpan[];
  readonly violationTimes: readonly (number | null)[];
}

/** The plot's width on an ordinary screen: only for choosing which labels fit. */
const USUAL_PLOT_PX = 940;

interface Row {
  readonly backdrop: Backdrop;
  readonly height: number;
  /** For who cannot see the picture: what it is, and what it shows. */
  readonly title: string;
  readonly description: string;
  readonly labels: readonly Tick[];
  readonly grid?: boolean;
  /** Letters of the faults at the top of their shades. */
  readonly lettered?: boolean;
  readonly body: Markup;
}

/**
 * One strip of a picture: labels in the gutter at the left, the plot at the right. All strips of a page have the same
 * gutter, so that their time axes stand above one another. Inside `svg.time` every x is a percentage: the page's script
 * zooms by stretching that element, and text and strokes keep their size.
 */
export function row({ backdrop, height, title, description, labels, grid, lettered, body }: Row): Markup {
  const h = String(height);
  return html`<div class="row">
    <svg class="gutter" height="${h}" aria-hidden="true">
      ${labels.map((tick) => html`<text x="100%" dx="-8" y="${place(tick.at, height)}">${tick.label}</text>`)}
    </svg>
    <svg class="plot" height="${h}" role="img">
      <title>${title}</title>
      <desc>${description}</desc>
      <svg
        class="time"
        x="0"
        width="100%"
        height="${h}"
        data-from="${backdrop.frame.from}"
        data-to="${backdrop.frame.to}"
      >
        ${shades(backdrop, height, lettered === true)}${grid === true ? gridLines(labels) : nothing}${body}${violationLines(backdrop, height)}
      </svg>
      <line class="hair" y1="0" y2="${h}" x1="-9" x2="-9" />
    </svg>
  </div> `;
}

/** Keeps the first and last label inside the picture. */
const place = (y: number, height: number): string =>
  String(Math.round(Math.min(height - 4, Math.max(9, y + 4))));

function gridLines(ticks: readonly Tick[]): Markup {
  return joined(
    ticks.map(
      ({ at }) => html`<line class="grid" x1="0" x2="100%" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" />`,
    ),
  );
}

function shades({ frame, faults }: Backdrop, height: number, lettered: boolean): Markup {
  let lastLabelAt = -1;
  const pieces: Markup[] = [];
  for (const fault of faults) {
    if (fault.end === 'failed' || fault.to < frame.from || fault.from > frame.to) continue;
    const start = fraction(frame, fault.from);
    const fits = lettered && (start - lastLabelAt) * USUAL_PLOT_PX > 14;
    if (fits) lastLabelAt = start;
    const instant = fault.end === 'moment' || fault.to === fault.from;
    const area = instant
      ? html`<line
          class="shade-line"
          x1="${x(frame, fault.from)}"
          x2="${x(frame, fault.from)}"
          y1="0"
          y2="${height}"
        />`
      : html`<rect
          class="shade"
          x="${x(frame, fault.from)}"
          width="${width(frame, fault.from, fault.to)}"
          y="0"
          height="${height}"
        />`;
    pieces.push(area);
    if (fits)
      pieces.push(
        html`<text class="shade-label" x="${x(frame, fault.from)}" dx="3" y="11">${fault.label}</text>`,
      );
  }
  return joined(pieces);
}

function violationLines({ frame, violationTimes }: Backdrop, height: number): Markup {
  return joined(
    violationTimes.flatMap((t, i) =>
      t === null || t < frame.from || t > frame.to
        ? []
        : [
            html`<line class="broken" x1="${x(frame, t)}" x2="${x(frame, t)}" y1="0" y2="${height}"
              ><title>violation ${i + 1} at ${moment(t)}</title></line
            >`,
          ],
    ),
  );
}

/** The time axis under a group of rows. */
export function timeAxis(frame: Frame): Markup {
  const ticks = timeTicks(frame);
  return html`<div class="row axis" aria-hidden="true">
    <span class="gutter"></span>
    <svg class="plot" height="20">
      <g class="ticks">
        ${ticks.map(({ at, label }) => {
          const f = fraction(frame, at);
          const anchor = f < 0.02 ? 'start' : f > 0.97 ? 'end' : 'middle';
          return html`<line x1="${x(frame, at)}" x2="${x(frame, at)}" y1="0" y2="4" /><text
              x="${x(frame, at)}"
              y="16"
              text-anchor="${anchor}"
              >${label}</text
            >`;
        })}
      </g>
    </svg>
  </div> `;
}

interface Band {
  readonly frame: Frame;
  readonly from: number;
  readonly to: number;
  readonly y: number;
  readonly height: number;
  readonly className: string;
  /** Written in the band where there is room. */
  readonly text: string;
  readonly title: string;
}

/** A stretch of time in a lane. Its text is clipped by the band, and left out where not even its first letter fits. */
export function band({ frame, from, to, y, height, className, text, title }: Band): Markup {
  if (to < frame.from || from > frame.to) return nothing;
  const roomPx = (fraction(frame, to) - fraction(frame, from)) * USUAL_PLOT_PX;
  const wanted =
    text === ''
      ? nothing
      : html`<text class="${roomPx < 13 ? 'tight' : ''}" x="4" y="${height / 2 + 4}">${text}</text>`;
  return html`<svg
    class="band ${className}"
    x="${x(frame, from)}"
    width="${width(frame, from, to)}"
    y="${y}"
    height="${height}"
  >
    <title>${title}: ${moment(from)} – ${moment(to)} (${duration(to - from)})</title>
    <rect width="100%" height="100%" />
    ${wanted}
  </svg>`;
}

/** Curves and areas, whose points cannot be percentages: x runs from 0 to 1000 over the frame. */
export function stretched(height: number, body: Markup): Markup {
  return html`<svg viewBox="0 0 1000 ${height}" preserveAspectRatio="none" width="100%" height="${height}">
    ${body}
  </svg>`;
}
