import { durationText } from '../../output/format.ts';
import { frame, span, type Glyphs, type Line, type Style } from '../../output/paint.ts';
import type { LinkState } from '../../view/model.ts';
import type { DashboardState } from '../state.ts';
import { nodeIds } from '../ui.ts';
import type { Scene, Size } from './panel.ts';

const MAX_CELL = 9;
const MIN_CELL = 5;
const ROW_HEAD = 9;

/** The link matrix: rows send, columns receive, and each cell is one direction, as Toxiproxy confirmed it. */
export function linksPanel(scene: Scene, { width, height }: Size): readonly Line[] {
  const { state, glyphs } = scene;
  const ids = nodeIds(state);
  const cell = Math.max(
    MIN_CELL,
    Math.min(MAX_CELL, Math.floor((width - 4 - ROW_HEAD) / Math.max(1, ids.length))),
  );
  const rows: Line[] = [
    [span('from\\to'.padEnd(ROW_HEAD) + ids.map((id) => id.padStart(cell)).join(''), { dim: true })],
  ];
  const senders = [...ids, 'clients'];
  for (const from of senders.slice(0, height - 3)) {
    rows.push([
      span(from.slice(0, ROW_HEAD - 1).padEnd(ROW_HEAD)),
      ...ids.map((to) =>
        from === to
          ? span('-'.padStart(cell), { dim: true })
          : linkCell(state.links[`${from}->${to}`], cell, glyphs),
      ),
    ]);
  }
  const server = state.run === null ? '' : ` via ${state.run.links.kind} ${state.run.links.version}`;
  const reading = ' (row sends to column)';
  const whole = 'LINKS'.length + reading.length + server.length <= width - 4;
  const title: Line = [span('LINKS', { bold: true }), span(whole ? reading + server : server, { dim: true })];
  return frame({ title, lines: rows, width, height, glyphs });
}

/** Width of the matrix for this number of nodes, in cells. */
export function linksWidth(state: DashboardState, room: number): number {
  const count = Math.max(1, nodeIds(state).length);
  const wanted = 4 + ROW_HEAD + count * 8;
  const least = 4 + ROW_HEAD + count * MIN_CELL;
  return Math.max(least, Math.min(wanted, room));
}

function linkCell(link: LinkState | undefined, width: number, glyphs: Glyphs): Line[number] {
  const { text, style } = linkText(link, width - 1, glyphs);
  // A `?` marks a condition that Toxiproxy has not confirmed yet.
  return span(
    `${text}${link?.pending ? '?' : ''}`.padStart(width),
    link?.pending ? { ...style, bold: true } : style,
  );
}

/** Text for the worst condition of a link, with `*` if the link has others. */
export function linkText(
  link: LinkState | undefined,
  room: number,
  glyphs: Glyphs,
): { readonly text: string; readonly style: Style } {
  if (link === undefined) return { text: 'ok', style: { dim: true } };
  const space = room - (link.pending ? 1 : 0);
  const others =
    [link.cut, link.delay, link.bandwidthKBps, link.slice].filter(
      (part) => part !== undefined && part !== false,
    ).length - 1;
  const mark = (text: string): string => (others > 0 ? `${text.slice(0, space - 1)}*` : text.slice(0, space));
  if (link.cut === 'blackhole') return { text: mark('CUT'), style: { bold: true, color: 'red' } };
  if (link.cut === 'refuse')
    return { text: mark(space < 6 ? 'REF' : 'REFUSE'), style: { bold: true, color: 'red' } };
  if (link.delay !== undefined) {
    const { latencyMs, jitterMs } = link.delay;
    const full = `+${Math.round(latencyMs)}${jitterMs > 0 ? `${glyphs.plusMinus}${Math.round(jitterMs)}` : 'ms'}`;
    const text =
      full.length <= space - (others > 0 ? 1 : 0)
        ? full
        : `+${latencyMs < 1_000 ? Math.round(latencyMs) : durationText(latencyMs)}`;
    return { text: mark(text), style: { color: 'yellow' } };
  }
  if (link.bandwidthKBps !== undefined) {
    const full = `${link.bandwidthKBps}KB/s`;
    return { text: mark(full.length <= space ? full : `${link.bandwidthKBps}K`), style: { color: 'yellow' } };
  }
  if (link.slice) return { text: mark(space < 5 ? 'SLI' : 'SLICE'), style: { color: 'yellow' } };
  return { text: 'ok', style: { dim: true } };
}
