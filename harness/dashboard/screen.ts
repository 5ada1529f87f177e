import { clockText } from '../output/format.ts';
import { fit, plainText, span, type Line } from '../output/paint.ts';
import { allEventsPanel, eventsPanel } from './panels/events.ts';
import { footer } from './panels/footer.ts';
import { header, phaseSpan, stepText, twoLeadersBanner } from './panels/header.ts';
import { linksPanel, linksWidth } from './panels/links.ts';
import { nodesHeight, NODES_FULL_WIDTH, nodesPanel } from './panels/nodes.ts';
import { helpPanel, menuPanel } from './panels/overlays.ts';
import type { Panel, Scene, Size } from './panels/panel.ts';
import { latencyPlot, opsPlot } from './panels/plots.ts';
import { scenarioPanel } from './panels/scenario.ts';
import { TOAST_MS } from './ui.ts';
import { verdictLine, verdictPanel } from './panels/verdict.ts';

/** A panel and its size on the screen. */
export interface Placed {
  readonly panel: Panel;
  readonly size: Size;
}
/** Panels side by side, all of the same height. */
export type Row = readonly Placed[];

export type LayoutKind = 'wide' | 'medium' | 'compact' | 'line';

/** The largest of the four layouts that fits into a terminal. */
export function layoutKind({ width, height }: Size): LayoutKind {
  if (width >= 96 && height >= 28) return 'wide';
  if (width >= 76 && height >= 22) return 'medium';
  if (width >= 56 && height >= 14) return 'compact';
  return 'line';
}

/**
 * The rows of the screen, from top to bottom. Each is exactly as wide as the terminal; together they are never higher.
 */
export function screenRows(scene: Scene, size: Size): readonly Row[] {
  const kind = layoutKind(size);
  if (size.width < 1 || size.height < 1) return [];
  if (kind === 'line') return [[{ panel: statusLine, size: { width: size.width, height: 1 } }]];
  const { width } = size;
  const line = (panel: Panel): Row => [{ panel, size: { width, height: 1 } }];
  const top = [line(header), ...(scene.state.leadership.twoLeaders === null ? [] : [line(twoLeadersBanner)])];
  const bottom = [
    ...(kind === 'wide' ? [[{ panel: verdictPanel, size: { width, height: 3 } }]] : [line(verdictLine)]),
    line(footer),
  ];
  const room = size.height - heightOf(top) - heightOf(bottom);
  return [...top, ...body(scene, kind, { width, height: room }), ...bottom];
}

/** The whole screen as text, without styles, for the key `D` and for tests. */
export function screenText(scene: Scene, size: Size): string {
  return screenRows(scene, size)
    .flatMap((row) => {
      const drawn = row.map(({ panel, size: own }) => panel(scene, own));
      return drawn[0]!.map((_, line) =>
        drawn
          .map((lines) => plainText(lines[line]!))
          .join('')
          .trimEnd(),
      );
    })
    .join('\n');
}

/** Panels that `Tab` goes through on a small screen. */
const TABS: readonly Panel[] = [eventsPanel, scenarioPanel, linksPanel, opsPlot(false), latencyPlot(false)];

function body(scene: Scene, kind: 'wide' | 'medium' | 'compact', { width, height }: Size): readonly Row[] {
  const whole = (panel: Panel): readonly Row[] => [[{ panel, size: { width, height } }]];
  switch (scene.ui.view) {
    case 'help':
      return whole(helpPanel);
    case 'events':
      return whole(allEventsPanel);
    case 'charts': {
      const upper = Math.floor(height / 2);
      return [
        [{ panel: opsPlot(true), size: { width, height: upper } }],
        [{ panel: latencyPlot(true), size: { width, height: height - upper } }],
      ];
    }
    case 'main':
      break;
    default:
      return scene.ui.view satisfies never;
  }
  return kind === 'compact' ? compactBody(scene, { width, height }) : mainBody(scene, { width, height });
}

function mainBody(scene: Scene, { width, height }: Size): readonly Row[] {
  // The link matrix has one more row than nodes, for the clients' links; the leadership line of the nodes panel is
  // beside it.
  const nodes = Math.min(nodesHeight(scene.state), height - 11);
  const links = linksWidth(scene.state, width - Math.min(NODES_FULL_WIDTH, width - 30));
  const left = Math.floor(width / 2);
  const rest = height - nodes;
  const charts = Math.max(5, Math.floor(rest * 0.5));
  const lower = rest - charts;
  const second = scene.ui.menu === null ? eventsPanel : menuPanel;
  return [
    [
      { panel: nodesPanel, size: { width: width - links, height: nodes } },
      { panel: linksPanel, size: { width: links, height: nodes } },
    ],
    [
      { panel: opsPlot(false), size: { width: left, height: charts } },
      { panel: latencyPlot(false), size: { width: width - left, height: charts } },
    ],
    [
      { panel: scenarioPanel, size: { width: left, height: lower } },
      { panel: second, size: { width: width - left, height: lower } },
    ],
  ];
}

function compactBody(scene: Scene, { width, height }: Size): readonly Row[] {
  const nodes = Math.min(nodesHeight(scene.state), height - 4);
  const tab = TABS[((scene.ui.tab % TABS.length) + TABS.length) % TABS.length]!;
  const panel = scene.ui.menu === null ? tab : menuPanel;
  return [
    [{ panel: nodesPanel, size: { width, height: nodes } }],
    [{ panel, size: { width, height: height - nodes } }],
  ];
}

/** The only line that fits into a very small terminal. Questions and messages replace it while they are shown. */
function statusLine(scene: Scene, size: Size): readonly Line[] {
  const { toast, question } = scene.ui;
  if (question !== null || (toast !== null && scene.clock - toast.at < TOAST_MS)) return footer(scene, size);
  const { state, now, glyphs } = scene;
  const { twoLeaders, leader } = state.leadership;
  const two =
    twoLeaders === null
      ? []
      : [span(`2 LEADERS TERM ${twoLeaders.term} `, { bold: true, inverse: true, color: 'red' })];
  const bad = state.violationCount === 0 ? [] : [span(' VIOLATION', { bold: true, color: 'red' })];
  const text = ` ${clockText(now, 0)} ${stepText(state)} ${leader ?? 'no'} leads ok ${state.totals.ok}`;
  return [fit([...two, phaseSpan(state), ...bad, span(text)], size.width, glyphs)];
}

const heightOf = (rows: readonly Row[]): number =>
  rows.reduce((sum, row) => sum + (row[0]?.size.height ?? 0), 0);
