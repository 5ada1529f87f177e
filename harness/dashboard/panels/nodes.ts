import { clockText, countText, durationText } from '../../output/format.ts';
import { frame, span, type Line, type Style } from '../../output/paint.ts';
import type { NodeState } from '../../view/model.ts';
import type { DashboardState } from '../state.ts';
import { nodeIds, targetOf } from '../ui.ts';
import { STALE_MS, type Scene, type Size } from './panel.ts';

interface Column {
  readonly head: string;
  readonly width: number;
  /** Rank of the column: in a narrow panel, the columns with the highest ranks are left out first. */
  readonly rank: number;
  text(node: NodeState, now: number): string;
}

const COLUMNS: readonly Column[] = [
  { head: 'TERM', width: 6, rank: 1, text: ({ status }) => figure(status?.term) },
  { head: 'COMMIT', width: 8, rank: 2, text: ({ status }) => figure(status?.commit) },
  { head: 'APPLIED', width: 8, rank: 3, text: ({ status }) => figure(status?.applied) },
  { head: 'LOG', width: 8, rank: 4, text: ({ status }) => figure(status?.lastIndex) },
  { head: 'PID', width: 8, rank: 5, text: ({ pid }) => figure(pid ?? undefined) },
  {
    head: 'UPTIME',
    width: 7,
    rank: 6,
    text: ({ upSince }, now) => (upSince === null ? '-' : clockText(now - upSince, 0)),
  },
];
const ROLE_WIDTH = 10;

/** One row per node with its role and log, and below them the leader and the time without one. */
export function nodesPanel(scene: Scene, { width, height }: Size): readonly Line[] {
  const { state, ui, now, glyphs } = scene;
  const ids = nodeIds(state);
  const nameWidth = Math.min(10, Math.max(4, ...ids.map((id) => id.length))) + 1;
  const columns = fitting(width - 4 - 2 - nameWidth - ROLE_WIDTH);
  const selected = targetOf(ui, state)?.node;
  const heads = columns.map((column) => column.head.padStart(column.width)).join('');
  const rows: Line[] = [
    [span(`  ${'NODE'.padEnd(nameWidth)}${'ROLE'.padEnd(ROLE_WIDTH)}${heads}`, { dim: true })],
  ];
  for (const id of ids) {
    const node = state.nodes[id];
    if (node !== undefined)
      rows.push(
        nodeRow(node, {
          now,
          columns,
          nameWidth,
          selected: id === selected,
          twoLeaders: state.leadership.twoLeaders?.nodes ?? [],
        }),
      );
  }
  rows.push(leadershipLine(state, now, glyphs.dot));
  const title: Line = [
    span('NODES', { bold: true }),
    ...(ui.target === 'leader' ? [span(' target: leader', { dim: true })] : []),
  ];
  return frame({ title, lines: rows, width, height, glyphs });
}

/** Number of rows that the panel needs, including its frame. */
export const nodesHeight = (state: DashboardState): number => nodeIds(state).length + 4;

/** Number of cells that the panel needs to show every column. */
export const NODES_FULL_WIDTH =
  4 + 2 + 5 + ROLE_WIDTH + COLUMNS.reduce((sum, column) => sum + column.width, 0);

interface RowStyle {
  readonly now: number;
  readonly columns: readonly Column[];
  readonly nameWidth: number;
  readonly selected: boolean;
  readonly twoLeaders: readonly string[];
}

function nodeRow(node: NodeState, { now, columns, nameWidth, selected, twoLeaders }: RowStyle): Line {
  const stale = node.status !== null && now - node.status.at > STALE_MS;
  const { text, style } = roleOf(node);
  const weak: Style = stale || node.life === 'down' ? { dim: true } : {};
  const figures = columns.map((column) => column.text(node, now).padStart(column.width)).join('');
  const role = `${text.padEnd(ROLE_WIDTH - 1)}${stale ? '~' : ' '}`;
  return [
    span(selected ? '> ' : '  ', { bold: true, color: 'cyan' }),
    span(node.id.padEnd(nameWidth), selected ? { bold: true } : {}),
    span(
      role,
      twoLeaders.includes(node.id) && text === 'LEADER'
        ? { bold: true, color: 'red' }
        : { ...style, ...weak },
    ),
    span(figures, weak),
  ];
}

/** The node's state in one word: the state of its process if it is not up, else its role. */
export function roleOf(node: NodeState): { readonly text: string; readonly style: Style } {
  switch (node.life) {
    case 'down':
      return { text: 'DOWN', style: { bold: true, color: 'red' } };
    case 'paused':
      return { text: 'PAUSED', style: { bold: true, color: 'cyan' } };
    case 'starting':
      return { text: 'STARTING', style: { color: 'yellow' } };
    case 'stopping':
      return { text: 'STOPPING', style: { color: 'yellow' } };
    case 'up':
      break;
    default:
      node.life satisfies never;
  }
  const role = node.status?.role;
  if (role === undefined) return { text: 'UP', style: {} };
  if (role === 'leader') return { text: 'LEADER', style: { bold: true, color: 'green' } };
  if (role === 'follower') return { text: 'follower', style: {} };
  return { text: role === 'candidate' ? 'candidate' : 'pre-cand', style: { color: 'yellow' } };
}

function leadershipLine({ leadership, leaderGaps }: DashboardState, now: number, dot: string): Line {
  const { gapSince, gapTotalMs, gapLongestMs, elections, leader } = leadership;
  const elected = `${dot} elections ${elections}`;
  if (leader === null && gapSince === null) return [span(`  no leader yet ${elected}`, { dim: true })];
  const current = gapSince === null ? 0 : Math.max(0, now - gapSince);
  const total = durationText(gapTotalMs + current);
  const longest = durationText(Math.max(gapLongestMs, current));
  const text = leaderGaps.length === 0 ? 'no leader: never' : `no leader: ${total} total, longest ${longest}`;
  if (gapSince === null) return [span(`  ${text} ${elected}`, { dim: true })];
  return [
    span(`  NO LEADER for ${durationText(current)}`, { bold: true, color: 'yellow' }),
    span(` ${dot} ${text.slice('no leader: '.length)} ${elected}`, { dim: true }),
  ];
}

function fitting(room: number): readonly Column[] {
  let chosen = COLUMNS;
  const used = (): number => chosen.reduce((sum, column) => sum + column.width, 0);
  while (chosen.length > 0 && used() > room) {
    const last = Math.max(...chosen.map((column) => column.rank));
    chosen = chosen.filter((column) => column.rank !== last);
  }
  return chosen;
}

/** Figures of ten million or more are shortened, because a figure wider than its column would shift the row. */
function figure(value: number | undefined): string {
  if (value === undefined) return '-';
  return value < 10_000_000 ? String(value) : `${countText(value / 1_000_000)}M`;
}
