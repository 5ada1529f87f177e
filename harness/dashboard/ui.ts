import type { ManualCommand } from '../event.ts';
import type { ManualFault, Target } from './faults.ts';
import type { DashboardState } from './state.ts';

/** What the person at the keyboard has chosen to see and is being asked. Not part of the run: no event carries it. */
export interface UiState {
  /** A node's id, or `leader`: whoever leads when a key is pressed. */
  readonly target: string;
  readonly view: View;
  /** On small screens: which panel is below the nodes. */
  readonly tab: number;
  readonly menu: Menu | null;
  readonly question: Question | null;
  /** Text that events must contain; `filtering` while it is typed. */
  readonly filter: string;
  readonly filtering: boolean;
  /** In `help`: what is searched for, and which of the matches is chosen. */
  readonly query: string;
  readonly selected: number;
  /** In `events`: how many lines up from the newest. */
  readonly scroll: number;
  readonly toast: { readonly text: string; readonly at: number; readonly level: 'info' | 'warn' } | null;
  /** How often the person has asked for the run's end. */
  readonly stops: number;
}
export type View = 'main' | 'events' | 'charts' | 'help';

export interface Menu {
  readonly title: string;
  readonly items: readonly MenuItem[];
}
export interface MenuItem {
  readonly key: string;
  readonly label: string;
  readonly does: { readonly fault: ManualFault } | { readonly menu: Menu };
}
/** Asked with No as the default: only `y` does it. */
export interface Question {
  readonly text: string;
  readonly yes: readonly Effect[];
  readonly toast: string;
}

/** What a key does beyond the screen. */
export type Effect =
  | { readonly type: 'command'; readonly command: ManualCommand }
  | { readonly type: 'dump' }
  | { readonly type: 'close' };

export interface UiContext {
  readonly state: DashboardState;
  /** ms since the run began, as the screen shows it. */
  readonly now: number;
  /** The local clock that toasts fade by, ms. */
  readonly clock: number;
  readonly watchOnly: boolean;
  readonly canDump: boolean;
  /** True where the nodes and one more panel are all that fits: Tab then chooses the panel. */
  readonly compact: boolean;
  /** Lines of a full-screen list. */
  readonly pageRows: number;
}

export interface Pressed {
  readonly ui: UiState;
  readonly effects: readonly Effect[];
}

export const INITIAL_UI: UiState = {
  target: 'n1',
  view: 'main',
  tab: 0,
  menu: null,
  question: null,
  filter: '',
  filtering: false,
  query: '',
  selected: 0,
  scroll: 0,
  toast: null,
  stops: 0,
};

export const TOAST_MS = 4_000;

export const nodeIds = (state: DashboardState): readonly string[] =>
  state.run?.nodes ?? Object.keys(state.nodes);

/** The node that a fault key is for now; null while there is none (no leader, or no node yet). */
export function targetOf(ui: UiState, state: DashboardState): Target | null {
  if (ui.target === 'leader') {
    const { leader } = state.leadership;
    return leader === null ? null : { selector: 'leader', node: leader };
  }
  const nodes = nodeIds(state);
  const node = nodes.includes(ui.target) ? ui.target : nodes[0];
  return node === undefined ? null : { selector: node, node };
}
