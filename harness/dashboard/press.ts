import type { HarnessEvent } from '../event.ts';
import { available, bindingFor, inject, tell, type KeyBinding } from './keymap.ts';
import type { Pressed, UiContext, UiState } from './ui.ts';

/**
 * Name of a key that was pressed: a printable character is its own name; the others are `tab`, `shift-tab`, `enter`,
 * `escape`, `backspace`, `space`, `up`, `down`, `left`, `right`, `pageup`, `pagedown`, `home`, `end`, `ctrl-c`.
 */
export type KeyPress = string;

/**
 * The effect of a key on the current screen. An open question, text input, menu or view handles the key first;
 * otherwise the key's binding runs.
 */
export function press(ui: UiState, key: KeyPress, context: UiContext): Pressed {
  // Ctrl+C must end the run from every screen.
  if (key === 'ctrl-c')
    return bindingFor(key)!.act({ ...ui, question: null, menu: null, filtering: false }, context, key);
  if (ui.question !== null) return answered(ui, key, context);
  if (ui.filtering) return only(filterTyped(ui, key));
  if (ui.view === 'help') return helpTyped(ui, key, context);
  if (ui.menu !== null) return menuChosen(ui, key, context);
  if (ui.view === 'events' && scrolled(ui, key, context) !== null) return only(scrolled(ui, key, context)!);
  if (key === 'escape')
    return only({ ...ui, view: 'main', filter: ui.view === 'main' ? '' : ui.filter, toast: null });
  return run(bindingFor(key), ui, key, context);
}

/** Shows the run's answer to a manual action as a toast: the line that was recorded, or why nothing was done. */
export const answer = (ui: UiState, event: HarnessEvent, clock: number): UiState =>
  event.type === 'note' && event.by === 'manual'
    ? { ...ui, toast: { text: event.text, at: clock, level: event.level === 'info' ? 'info' : 'warn' } }
    : ui;

/** The bindings that the help shows for a search. */
export function helpMatches(
  query: string,
  context: Pick<UiContext, 'watchOnly' | 'canDump'>,
): readonly KeyBinding[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return available(context).filter((binding) => {
    const text = `${binding.shown} ${binding.id} ${binding.does} ${binding.group}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function run(binding: KeyBinding | undefined, ui: UiState, key: KeyPress, context: UiContext): Pressed {
  if (binding === undefined) return only(ui);
  if (available(context).includes(binding)) return binding.act(ui, context, key);
  return binding.changesRun
    ? tell(only(ui), context, '--watch-only: keys that change the run are off', 'warn')
    : only(ui);
}

function answered(ui: UiState, key: KeyPress, context: UiContext): Pressed {
  const { yes, toast } = ui.question!;
  const rest = { ...ui, question: null };
  if (key === 'y' || key === 'Y') return tell({ ui: rest, effects: yes }, context, toast);
  return tell(only(rest), context, 'no: nothing was done');
}

function filterTyped(ui: UiState, key: KeyPress): UiState {
  if (key === 'escape') return { ...ui, filtering: false, filter: '' };
  if (key === 'enter') return { ...ui, filtering: false };
  return { ...ui, filter: typed(ui.filter, key), scroll: 0 };
}

function helpTyped(ui: UiState, key: KeyPress, context: UiContext): Pressed {
  const matches = helpMatches(ui.query, context);
  const selected = Math.min(ui.selected, Math.max(0, matches.length - 1));
  switch (key) {
    case 'escape':
      return only({ ...ui, view: 'main' });
    case 'up':
      return only({ ...ui, selected: Math.max(0, selected - 1) });
    case 'down':
    case 'tab':
      return only({ ...ui, selected: Math.min(matches.length - 1, selected + 1) });
    case 'enter': {
      const binding = matches[selected];
      return run(binding, { ...ui, view: 'main' }, binding?.keys[0] ?? '', context);
    }
    // `?` opened the help and also closes it, as long as nothing has been typed.
    case '?':
      return only(
        ui.query === '' ? { ...ui, view: 'main' } : { ...ui, query: typed(ui.query, key), selected: 0 },
      );
    default:
      return only({ ...ui, query: typed(ui.query, key), selected: 0 });
  }
}

function menuChosen(ui: UiState, key: KeyPress, context: UiContext): Pressed {
  const chosen = ui.menu!.items.find((item) => item.key === key);
  if (chosen === undefined) return only({ ...ui, menu: null });
  return 'menu' in chosen.does
    ? only({ ...ui, menu: chosen.does.menu })
    : inject({ ...ui, menu: null }, context, chosen.does.fault);
}

function scrolled(ui: UiState, key: KeyPress, { state, pageRows }: UiContext): UiState | null {
  const by = {
    up: 1,
    down: -1,
    pageup: pageRows,
    pagedown: -pageRows,
    home: state.events.length,
    end: -state.events.length,
  }[key];
  return by === undefined
    ? null
    : { ...ui, scroll: Math.max(0, Math.min(state.events.length, ui.scroll + by)) };
}

const MAX_TYPED = 60;
function typed(text: string, key: KeyPress): string {
  if (key === 'backspace') return text.slice(0, -1);
  if (key === 'space') return `${text} `.slice(0, MAX_TYPED);
  return Array.from(key).length === 1 ? (text + key).slice(0, MAX_TYPED) : text;
}

const only = (ui: UiState): Pressed => ({ ui, effects: [] });
