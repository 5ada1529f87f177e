import type { EventLine } from '../../output/event-line.ts';
import { clockText } from '../../output/format.ts';
import { fit, frame, lineCells, span, spread, type Line, type Style } from '../../output/paint.ts';
import type { Scene, Size } from './panel.ts';

const STYLES: Readonly<Record<EventLine['level'], Style>> = {
  info: {},
  good: { color: 'green' },
  warn: { color: 'yellow' },
  bad: { bold: true, color: 'red' },
};

/** The newest events that match the filter, the newest last. */
export function eventsPanel(scene: Scene, size: Size): readonly Line[] {
  return eventList(scene, size, 0);
}

/** All events in memory, scrolled. */
export function allEventsPanel(scene: Scene, size: Size): readonly Line[] {
  return eventList(scene, size, scene.ui.scroll);
}

function eventList({ state, ui, glyphs }: Scene, { width, height }: Size, scroll: number): readonly Line[] {
  const wanted = ui.filter.toLowerCase();
  const matching =
    wanted === ''
      ? state.events
      : state.events.filter((event) => textOf(event).toLowerCase().includes(wanted));
  const rows = Math.max(0, height - 2);
  const end = matching.length - Math.min(scroll, Math.max(0, matching.length - rows));
  const shown = matching.slice(Math.max(0, end - rows), end);
  const title: Line = [
    span('EVENTS', { bold: true }),
    ...(ui.filtering || wanted !== ''
      ? [
          span(` /${ui.filter}${ui.filtering ? '_' : ''}`, { color: 'cyan' }),
          span(` ${matching.length} of ${state.events.length}`, { dim: true }),
        ]
      : [span(' (e: all, /: filter)', { dim: true })]),
    ...(scroll > 0 ? [span(` ${matching.length - end} newer below`, { dim: true })] : []),
  ];
  return frame({
    title,
    lines: shown.map((event) => eventRow(event, width - 4, glyphs)),
    width,
    height,
    glyphs,
  });
}

function eventRow(event: EventLine, width: number, glyphs: Scene['glyphs']): Line {
  const head: Line = [
    span(`${clockText(event.t)} `, { dim: true }),
    span(
      `${event.kind.padEnd(6)} `,
      event.kind === 'MANUAL' ? { bold: true, color: 'magenta' } : STYLES[event.level],
    ),
  ];
  const left: Line = [...head, span(event.text, event.level === 'bad' ? STYLES.bad : {})];
  const detail: Line = detailOf(event) === '' ? [] : [span(detailOf(event), { dim: true })];
  if (lineCells(left) + lineCells(detail) + 1 <= width) return spread(left, detail, width);
  return fit([...left, span(' '), ...detail], width, glyphs);
}

const detailOf = (event: EventLine): string =>
  event.more === undefined ? event.detail : `${event.detail} +${event.more} more`.trim();
const textOf = (event: EventLine): string =>
  `${clockText(event.t)} ${event.kind} ${event.text} ${event.detail}`;
