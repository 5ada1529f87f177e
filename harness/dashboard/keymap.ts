import * as faults from './faults.ts';
import { MENUS } from './menus.ts';
import {
  nodeIds,
  targetOf,
  type Effect,
  type Pressed,
  type Question,
  type UiContext,
  type UiState,
} from './ui.ts';

/**
 * Every key, once. The footer, the help (`?` and `:`), the table in docs/dashboard.md and the tests are made from this
 * list.
 */
export interface KeyBinding {
  readonly id: string;
  /** Names of the keys, as in `KeyPress`; the first one is shown. */
  readonly keys: readonly string[];
  /** Name of the key or keys, as the user sees it. */
  readonly shown: string;
  readonly does: string;
  readonly group: 'target' | 'nodes' | 'links' | 'scenario' | 'view' | 'run';
  /** The label in the footer, and its rank there: if the footer is short, the highest ranks are left out first. */
  readonly footer?: { readonly word: string; readonly rank: number };
  /** True if the key changes the run: `--watch-only` disables it. */
  readonly changesRun?: true;
  /** True if the key works only where a dump can be written. */
  readonly needsDump?: true;
  /** `key` is the key that was pressed, because several keys can share a binding (the digits do). */
  act(ui: UiState, context: UiContext, key: string): Pressed;
}

export const KEYMAP: readonly KeyBinding[] = [
  {
    id: 'target-number',
    keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    shown: '1-9',
    does: 'choose the target node',
    group: 'target',
    act: (ui, { state }, key) => {
      const node = nodeIds(state)[Number(key) - 1];
      return only(node === undefined ? ui : { ...ui, target: node });
    },
  },
  {
    id: 'target-next',
    keys: ['tab', 'down'],
    shown: 'Tab',
    does: 'next target (on small screens: next panel)',
    group: 'target',
    act: (ui, context, key) =>
      context.compact && key === 'tab' ? only({ ...ui, tab: ui.tab + 1 }) : step(ui, context, 1),
  },
  {
    id: 'target-previous',
    keys: ['shift-tab', 'up'],
    shown: 'Shift+Tab',
    does: 'previous target (on small screens: previous panel)',
    group: 'target',
    act: (ui, context, key) =>
      context.compact && key === 'shift-tab' ? only({ ...ui, tab: ui.tab - 1 }) : step(ui, context, -1),
  },
  {
    id: 'target-leader',
    keys: ['L'],
    shown: 'L',
    does: 'target the leader (recorded as `leader`)',
    group: 'target',
    act: (ui) => only({ ...ui, target: 'leader' }),
  },
  faultKey('k', 'kill', 'kill -9 the target', 'nodes', 1, (target) => faults.kill(target)),
  faultKey('t', 'stop', 'stop the target cleanly (SIGTERM)', 'nodes', 13, (target) =>
    faults.stopNode(target),
  ),
  faultKey('r', 'restart', 'restart the target, or start it if it is down', 'nodes', 2, (target) =>
    faults.restart(target),
  ),
  faultKey(
    'z',
    'pause',
    'pause the target, or resume it (SIGSTOP, SIGCONT)',
    'nodes',
    3,
    (target, { state }) => faults.pauseOrResume(target, state.nodes[target.node]?.life === 'paused'),
  ),
  faultKey(
    'i',
    'isolate',
    'cut the target off from its peers, in both directions',
    'links',
    4,
    (target, { state }) => faults.isolate(target, nodeIds(state)),
  ),
  menuKey('I', 'one-way', 'cut one direction only: then i (to the target) or o (from the target)', 12),
  menuKey('p', 'partition', 'partition menu', 5),
  menuKey('d', 'delay', 'delay menu: 50, 200, 1000 ms, and which direction', 6),
  menuKey('b', 'bandwidth', 'bandwidth menu', 14),
  menuKey('x', 'reset', 'reset connections, or deliver in slices', 15),
  {
    id: 'heal',
    keys: ['h'],
    shown: 'h',
    does: 'heal all',
    group: 'links',
    footer: { word: 'heal', rank: 7 },
    changesRun: true,
    act: (ui, context) => inject(ui, context, faults.healAll),
  },
  {
    id: 'heal-target',
    keys: ['H'],
    shown: 'H',
    does: 'heal all faults on the target',
    group: 'links',
    changesRun: true,
    act: (ui, context) => withTarget(ui, context, (target) => inject(ui, context, faults.healNode(target))),
  },
  {
    id: 'undo',
    keys: ['u'],
    shown: 'u',
    does: 'undo the last manual fault',
    group: 'links',
    footer: { word: 'undo', rank: 8 },
    changesRun: true,
    act: (ui, context) =>
      tell(
        { ui, effects: [{ type: 'command', command: { type: 'undo' } }] },
        context,
        'undo the last manual fault',
      ),
  },
  {
    id: 'hold',
    keys: ['space'],
    shown: 'SPC',
    does: 'hold the scenario clock, or let it run',
    group: 'scenario',
    footer: { word: 'hold', rank: 9 },
    changesRun: true,
    act: (ui) => ({ ui, effects: [{ type: 'command', command: { type: 'hold' } }] }),
  },
  {
    id: 'next',
    keys: ['n'],
    shown: 'n',
    does: 'start the next step now',
    group: 'scenario',
    footer: { word: 'step', rank: 10 },
    changesRun: true,
    act: (ui, context) =>
      tell({ ui, effects: [{ type: 'command', command: { type: 'next' } }] }, context, 'next step'),
  },
  {
    id: 'charts',
    keys: ['g'],
    shown: 'g',
    does: 'large charts of the whole run, and back',
    group: 'view',
    footer: { word: 'charts', rank: 17 },
    act: (ui) => only({ ...ui, view: ui.view === 'charts' ? 'main' : 'charts' }),
  },
  {
    id: 'events',
    keys: ['e'],
    shown: 'e',
    does: 'all events (arrows and Page keys scroll), and back',
    group: 'view',
    footer: { word: 'events', rank: 16 },
    act: (ui) => only({ ...ui, view: ui.view === 'events' ? 'main' : 'events', scroll: 0 }),
  },
  {
    id: 'filter',
    keys: ['/'],
    shown: '/',
    does: 'show only events that contain a text; Esc clears it',
    group: 'view',
    act: (ui) => only({ ...ui, filtering: true }),
  },
  {
    id: 'help',
    keys: ['?', ':'],
    shown: '? :',
    does: 'this list: type to search, Enter runs the selected key',
    group: 'view',
    footer: { word: 'help', rank: 0 },
    act: (ui) => only({ ...ui, view: 'help', query: '', selected: 0 }),
  },
  {
    id: 'dump',
    keys: ['D'],
    shown: 'D',
    does: 'write this screen to a text file in the run’s folder',
    group: 'view',
    needsDump: true,
    act: (ui) => ({ ui, effects: [{ type: 'dump' }] }),
  },
  {
    id: 'quit',
    keys: ['q'],
    shown: 'q',
    does: 'stop the run: heal, check, write the report (asks first)',
    group: 'run',
    footer: { word: 'quit', rank: 11 },
    act: (ui, { state }) => {
      if (state.verdict !== null) return { ui, effects: [{ type: 'close' }] };
      return ask(ui, {
        text: 'stop the run now and write its report?',
        yes: [{ type: 'command', command: { type: 'stop' } }],
        toast: 'stopping: heal, check, report',
      });
    },
  },
  {
    id: 'interrupt',
    keys: ['ctrl-c'],
    shown: 'Ctrl+C',
    does: 'once: stop and report; twice: abort, still heal and end the nodes',
    group: 'run',
    act: (ui, context) => {
      const command = ui.stops === 0 ? ({ type: 'stop' } as const) : ({ type: 'abort' } as const);
      const text =
        ui.stops === 0
          ? 'stopping: heal, check, report; Ctrl+C again aborts'
          : 'aborting: heal, end the nodes';
      const close: Effect[] = context.state.verdict === null ? [] : [{ type: 'close' }];
      return tell(
        { ui: { ...ui, stops: ui.stops + 1 }, effects: [{ type: 'command', command }, ...close] },
        context,
        text,
      );
    },
  },
];

/** The bindings that work in this context, in the order of the list. */
export const available = (context: Pick<UiContext, 'watchOnly' | 'canDump'>): readonly KeyBinding[] =>
  KEYMAP.filter(
    (binding) => !(binding.changesRun && context.watchOnly) && !(binding.needsDump && !context.canDump),
  );

export const bindingFor = (key: string): KeyBinding | undefined =>
  KEYMAP.find((binding) => binding.keys.includes(key));

/** Injects at once, but asks first if fewer than a majority of the nodes would stay reachable. */
export function inject(ui: UiState, context: UiContext, fault: faults.ManualFault): Pressed {
  const effects: readonly Effect[] = [{ type: 'command', command: { type: 'inject', step: fault.step } }];
  // Shown until the runner answers with the line that it recorded, or with the reason why nothing was done.
  const toast = fault.says;
  const takesAway = fault.stops !== undefined || fault.cuts !== undefined;
  const { reachable, majority } = faults.reachableAfter(context.state, fault);
  if (!takesAway || reachable >= majority)
    return tell({ ui: { ...ui, menu: null }, effects }, context, toast);
  const left = `${reachable} of ${nodeIds(context.state).length} nodes could still work together (majority: ${majority})`;
  return ask(ui, { text: `${fault.says}? Only ${left}.`, yes: effects, toast });
}

export function tell(
  pressed: Pressed,
  { clock }: UiContext,
  text: string,
  level: 'info' | 'warn' = 'info',
): Pressed {
  return { ...pressed, ui: { ...pressed.ui, toast: { text, at: clock, level } } };
}

const only = (ui: UiState): Pressed => ({ ui, effects: [] });
const ask = (ui: UiState, question: Question): Pressed => only({ ...ui, menu: null, question });

function step(ui: UiState, { state }: UiContext, by: number): Pressed {
  const nodes = nodeIds(state);
  if (nodes.length === 0) return only(ui);
  const at = nodes.indexOf(targetOf(ui, state)?.node ?? nodes[0]!);
  return only({ ...ui, target: nodes[(at + by + nodes.length) % nodes.length]! });
}

function withTarget(ui: UiState, context: UiContext, act: (target: faults.Target) => Pressed): Pressed {
  const target = targetOf(ui, context.state);
  if (target !== null) return act(target);
  const why = ui.target === 'leader' ? 'no node leads now: choose a node with 1-9' : 'no node yet';
  return tell(only(ui), context, why, 'warn');
}

function faultKey(
  key: string,
  word: string,
  does: string,
  group: 'nodes' | 'links',
  rank: number,
  make: (target: faults.Target, context: UiContext) => faults.ManualFault,
): KeyBinding {
  return {
    id: word,
    keys: [key],
    shown: key,
    does,
    group,
    footer: { word, rank },
    changesRun: true,
    act: (ui, context) => withTarget(ui, context, (target) => inject(ui, context, make(target, context))),
  };
}

function menuKey(key: keyof typeof MENUS, word: string, does: string, rank: number): KeyBinding {
  return {
    id: word,
    keys: [key],
    shown: key,
    does,
    group: 'links',
    footer: { word, rank },
    changesRun: true,
    act: (ui, context) =>
      withTarget(ui, context, (target) => only({ ...ui, menu: MENUS[key](target, nodeIds(context.state)) })),
  };
}
