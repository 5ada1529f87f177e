import type { ManualCommand } from '../event.ts';
import type { ManualFault, Target } from './faults.ts';
import type { DashboardState } from './state.ts';

/**
 * The user's choices on the screen and the question that is open. They are not part of the run: no event carries them.
 */
export interface UiState {
  /** The id of a node, or `leader`: the node that leads when a key is pressed. */
  readonly target: string;
  readonly view: View;
  /** On small screens: number of the panel that is below the nodes. */
  readonly tab: number;
  readonly menu: Menu | null;
  readonly question: Question | null;
  /** Text that events must contain to be shown; `filtering` is true while the user types it. */
  readonly filter: string;
  readonly filtering: boolean;
  /** In `help`: the search text, and the number of the chosen match. */
  readonly query: string;
  readonly selected: number;
  /** In `events`: number of lines scrolled up from the newest. */
  readonly scroll: number;
  readonly toast: { readonly text: string; readonly at: number; readonly level: 'info' | 'warn' } | null;
  /** Number of times that the user has asked to end the run. */
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
/** A question whose default answer is No: only `y` runs its effects. */
export interface Question {
  readonly text: string;
  readonly yes: readonly Effect[];
  readonly toast: string;
}

/** An effect of a key outside the screen. */
export type Effect =
  | { readonly type: 'command'; readonly command: ManualCommand }
  | { readonly type: 'dump' }
  | { readonly type: 'close' };

export interface UiContext {
  readonly state: DashboardState;
  /** Time since the run began, in ms, as the screen shows it. */
  readonly now: number;
  /** The local clock in ms; it decides when toasts disappear. */
  readonly clock: number;
  readonly watchOnly: boolean;
  readonly canDump: boolean;
  /** True if only the nodes and one more panel fit on the screen: Tab then chooses that panel. */
  readonly compact: boolean;
  /** Number of lines of a full-screen list. */
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

/** The current target of the fault keys; null if there is none (no leader, or no node yet). */
export function targetOf(ui: UiState, state: DashboardState): Target | null {
  if (ui.target === 'leader') {
    const { leader } = state.leadership;
    return leader === null ? null : { selector: 'leader', node: leader };
  }
  const nodes = nodeIds(state);
  const node = nodes.includes(ui.target) ? ui.target : nodes[0];
  return node === undefined ? null : { selector: node, node };
}
