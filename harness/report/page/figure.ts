import { type Clock, clipped, duration, moment, runClock } from '../format.ts';
import { markup, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { FaultSpan } from '../model/faults.ts';
import { fraction, timeTicks, width, x } from './axis.ts';
import type { Frame, Tick } from './axis.ts';

/** Marks that all pictures share: the shades of the faults and the lines of the violations. */
export interface Backdrop {
  readonly frame: Frame;
  readonly faults: readonly FaultSpan[];
  readonly violationTimes: readonly (number | null)[];
}

/** Assumed width of the plot on a typical screen; it only decides which labels fit. */
const USUAL_PLOT_PX = 940;
/** Width of a letter in a label, in pixels: a little more than the mean. */
const LETTER_PX = 6.8;

/** Share of the plot's width that a text of this length takes. */
export const textShare = (letters: number): number => (letters * LETTER_PX) / USUAL_PLOT_PX;

interface Row {
  readonly backdrop: Backdrop;
  readonly height: number;
  /** Title and description for readers who cannot see the picture. */
  readonly title: string;
  readonly description: string;
  readonly labels: readonly Tick[];
  readonly grid?: boolean;
  /** True if the letters of the faults are at the top of their shades. */
  readonly lettered?: boolean;
  /** True if the numbers of the violations are at the bottom of their lines. */
  readonly numbered?: boolean;
  readonly body: Markup;
}

/**
 * One strip of a picture: labels in the gutter at the left, the plot at the right. All strips of a page have the same
 * gutter, so that their time axes are aligned. Inside `svg.time` every x is a percentage: the page's script zooms by
 * stretching that element, while text and strokes keep their size.
 */
export function row({
  backdrop,
  height,
  title,
  description,
  labels,
  grid,
  lettered,
  numbered,
  body,
}: Row): Markup {
  const { frame } = backdrop;
  return markup`<div class="row"><svg class="gutter" height="${height}" aria-hidden="true">
${labels.map((tick) => markup`<text x="100%" dx="-8" y="${place(tick.at, height)}">${tick.label}</text>`)}
</svg><svg class="plot" height="${height}" role="img"><title>${title}</title><desc>${description}</desc>
<svg class="time" x="0" width="100%" height="${height}" data-from="${frame.from}" data-to="${frame.to}">
${shades(backdrop, height, lettered === true)}
${grid === true ? gridLines(labels) : nothing}
${body}
${violationLines(backdrop, height, numbered === true)}
</svg><line class="hair" y1="0" y2="${height}" x1="-9" x2="-9"/></svg></div>
`;
}

/** Position of a label; the first and last label stay inside the picture. */
const place = (y: number, height: number): string =>
  String(Math.round(Math.min(height - 4, Math.max(9, y + 4))));

/** The place of a line from top to bottom. */
const upright = (frame: Frame, t: number): Markup => markup`x1="${x(frame, t)}" x2="${x(frame, t)}"`;
/** The place of a rectangle over [from, to]. */
export const across = (frame: Frame, from: number, to: number): Markup =>
  markup`x="${x(frame, from)}" width="${width(frame, from, to)}"`;

function gridLines(ticks: readonly Tick[]): Markup {
  return joined(
    ticks.map(({ at }) => {
      const y = at.toFixed(1);
      return markup`<line class="grid" x1="0" x2="100%" y1="${y}" y2="${y}"/>`;
    }),
  );
}

function shades({ frame, faults }: Backdrop, height: number, lettered: boolean): Markup {
  let lastLabelAt = -1;
  const pieces: Markup[] = [];
  for (const { from, to, end, label } of faults) {
    if (end === 'failed' || to < frame.from || from > frame.to) continue;
    const moment = end === 'moment' || to === from;
    pieces.push(
      moment
        ? markup`<line class="shade-line" ${upright(frame, from)} y1="0" y2="${height}"/>`
        : markup`<rect class="shade" ${across(frame, from, to)} y="0" height="${height}"/>`,
    );
    const start = fraction(frame, from);
    if (!lettered || (start - lastLabelAt) * USUAL_PLOT_PX < 14) continue;
    lastLabelAt = start;
    pieces.push(markup`<text class="shade-label" x="${x(frame, from)}" dx="3" y="11">${label}</text>`);
  }
  return joined(pieces);
}

function violationLines({ frame, violationTimes }: Backdrop, height: number, numbered: boolean): Markup {
  return joined(
    violationTimes.flatMap((t, i) => {
      if (t === null || t < frame.from || t > frame.to) return [];
      const title = markup`<title>violation ${i + 1} at ${moment(t)}</title>`;
      const line = markup`<line class="broken" ${upright(frame, t)} y1="0" y2="${height}">${title}</line>`;
      const name = markup`<text class="broken-name" x="${x(frame, t)}" dx="4" y="${height - 4}">✗ ${i + 1}</text>`;
      return numbered ? [line, name] : [line];
    }),
  );
}

/** The time axis under a group of rows. */
export function timeAxis(frame: Frame, clock: Clock = runClock): Markup {
  const ticks = timeTicks(frame).map(({ at, label: seconds }) => {
    const label = clock.tick === undefined ? seconds : clock.tick(at);
    const f = fraction(frame, at);
    const anchor = f < 0.02 ? 'start' : f > 0.97 ? 'end' : 'middle';
    return markup`<line ${upright(frame, at)} y1="0" y2="4"/>
<text x="${x(frame, at)}" y="16" text-anchor="${anchor}">${label}</text>`;
  });
  return markup`<div class="row axis" aria-hidden="true"><span class="gutter"></span><svg class="plot" height="20">
<g class="ticks">${ticks}</g></svg></div>`;
}

interface Band {
  readonly frame: Frame;
  readonly from: number;
  readonly to: number;
  readonly y: number;
  readonly height: number;
  readonly className: string;
  /** Text inside the band, shortened or left out if there is little room. */
  readonly text: string;
  readonly title: string;
}

/** A band over a span of time in a lane. The page's script fits the text again when it zooms, from `data-text`. */
export function band({ frame, from, to, y, height, className, text, title }: Band): Markup {
  if (to < frame.from || from > frame.to) return nothing;
  const roomPx = (fraction(frame, to) - fraction(frame, from)) * USUAL_PLOT_PX;
  const written =
    text === ''
      ? nothing
      : markup`<text data-text="${text}" x="4" y="${height / 2 + 4}">${fitted(text, roomPx)}</text>`;
  return markup`<svg class="band ${className}" ${across(frame, from, to)} y="${y}" height="${height}">
<title>${title}: ${moment(from)} – ${moment(to)} (${duration(to - from)})</title>
<rect width="100%" height="100%"/>${written}</svg>
`;
}

/** The part of `text` that fits: its first word, or nothing if even that is too long. */
function fitted(text: string, roomPx: number): string {
  const letters = Math.floor((roomPx - 5) / LETTER_PX);
  if (text.length <= letters) return text;
  if (letters >= 6) return clipped(text, letters);
  const first = text.split(' ')[0]!;
  return first.length <= letters ? first : '';
}

/** Container for curves and areas, whose points cannot be percentages: x runs from 0 to 1000 over the frame. */
export function stretched(height: number, body: Markup): Markup {
  const box = markup`viewBox="0 0 1000 ${height}" preserveAspectRatio="none"`;
  return markup`<svg ${box} width="100%" height="${height}">${body}</svg>`;
}
