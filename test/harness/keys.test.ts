import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { reachableAfter, type ManualFault } from '../../harness/dashboard/faults.ts';
import { available, KEYMAP } from '../../harness/dashboard/keymap.ts';
import { MENUS } from '../../harness/dashboard/menus.ts';
import { UNICODE, plainText } from '../../harness/output/paint.ts';
import { keysLine } from '../../harness/dashboard/panels/footer.ts';
import { answer, helpMatches, press } from '../../harness/dashboard/press.ts';
import { reduceAll } from '../../harness/dashboard/reducer.ts';
import {
  INITIAL_UI,
  type Effect,
  type Menu,
  type UiContext,
  type UiState,
} from '../../harness/dashboard/ui.ts';
import type { HarnessEvent, ManualCommand } from '../../harness/event.ts';
import { stepLine } from '../../harness/scenario/language/step-line.ts';
import { manualStep } from '../../harness/scenario/play/manual-control.ts';
import { runEvent, statusEvent } from '../support/events.ts';

const nodesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index + 1}`);
/** A healthy cluster that n2 leads. */
const healthy = (count = 3): HarnessEvent[] => [
  runEvent(nodesOf(count)),
  ...nodesOf(count).map((node, index): HarnessEvent => ({
    t: 1,
    type: 'life',
    node,
    life: 'up',
    pid: index + 1,
  })),
  statusEvent(2, 'n2', 'leader', 4),
  { t: 1_000, type: 'phase', phase: 'running' },
];
const contextOf = (events: readonly HarnessEvent[], more: Partial<UiContext> = {}): UiContext => ({
  state: reduceAll(events),
  now: 23_870,
  clock: 0,
  watchOnly: false,
  canDump: true,
  compact: false,
  pageRows: 10,
  ...more,
});

/** Presses keys one after the other. Returns the effects, the commands, and the state of the screen. */
function typing(
  keys: readonly string[],
  context: UiContext,
  ui: UiState = INITIAL_UI,
): { ui: UiState; effects: Effect[]; commands: ManualCommand[] } {
  const effects: Effect[] = [];
  for (const key of keys) {
    const pressed = press(ui, key, context);
    effects.push(...pressed.effects);
    ui = pressed.ui;
  }
  return {
    ui,
    effects,
    commands: effects.flatMap((effect) => (effect.type === 'command' ? [effect.command] : [])),
  };
}

describe('a key', () => {
  test.each<[keys: string[], step: Record<string, unknown>]>([
    [['k'], { kill: { node: 'n1' } }],
    [['2', 't'], { stop: { node: 'n2' } }],
    [['tab', 'r'], { restart: { node: 'n2' } }],
    [['shift-tab', 'z'], { pause: { node: 'n3' } }],
    [['L', 'k'], { kill: { node: 'leader' } }],
    [['3', 'i'], { partition: { isolate: 'n3' } }],
    [['I', 'i'], { cut: { from: 'not(n1)', to: 'n1' } }],
    [['I', 'o'], { cut: { from: 'n1', to: 'not(n1)' } }],
    [['p', '3'], { cut: { links: ['n1->n2', 'n2->n1'] } }],
    [['d', '2', '2'], { delay: { from: 'n1', add: '200ms', jitter: '20ms' } }],
    [['b', '4', '3'], { bandwidth: { from: 'clients', to: 'n1', rate: '1KB/s' } }],
    [['x', '2'], { reset: { from: 'clients', to: 'n1' } }],
    [['h'], { heal: 'all' }],
    [['2', 'H'], { heal: { node: 'n2' } }],
  ])('%s injects the step that is recorded', (keys, step) => {
    expect(typing(keys, contextOf(healthy())).commands).toEqual([{ type: 'inject', step }]);
  });

  test.each<[string, ManualCommand]>([
    ['u', { type: 'undo' }],
    ['space', { type: 'hold' }],
    ['n', { type: 'next' }],
  ])('%s sends its command to the run', (key, command) => {
    expect(typing([key], contextOf(healthy())).commands).toEqual([command]);
  });

  test('z resumes a paused node', () => {
    const paused = contextOf([...healthy(), { t: 3, type: 'life', node: 'n1', life: 'paused', pid: 1 }]);
    expect(typing(['z'], paused).commands).toEqual([{ type: 'inject', step: { resume: { node: 'n1' } } }]);
  });

  test('aimed at the leader does nothing while there is no leader, and says so', () => {
    const leaderless = contextOf([runEvent()]);
    const { commands, ui } = typing(['L', 'k'], leaderless);
    expect(commands).toEqual([]);
    expect(ui.toast?.text).toContain('no node leads');
  });

  test('says what it does, and then shows the answer of the run: the recorded line, or why nothing was done', () => {
    const { ui } = typing(['k'], contextOf(healthy()));
    expect(ui.toast).toMatchObject({ text: 'kill n1', level: 'info' });
    const line = '{at: 22.87s, kill: {node: n1}, by: manual, as: manual-1, resolved: [n1]}';
    const recorded: HarnessEvent = { t: 23_875, type: 'note', level: 'info', text: line, by: 'manual' };
    expect(answer(ui, recorded, 9).toast).toEqual({ text: line, at: 9, level: 'info' });
    const refused = { ...recorded, level: 'warn', text: 'not done: too late' } as const;
    expect(answer(ui, refused, 9).toast).toEqual({ text: refused.text, at: 9, level: 'warn' });
    expect(answer(ui, { t: 1, type: 'note', level: 'info', text: 'x' }, 9)).toBe(ui);
  });
});

describe('every fault that a key or a menu can make', () => {
  test.each([3, 5, 7])('is a valid step of the scenario language, in a cluster of %i', (count) => {
    const steps = [...directFaults(count), ...menuFaults(count)];
    expect(steps.length).toBeGreaterThan(40);
    for (const { step } of steps)
      expect(() => manualStep(step, { nodes: count, handles: new Set(), names: new Set() })).not.toThrow();
  });

  test.each([3, 5])('is recorded as YAML that parses to the same step, in a cluster of %i', (count) => {
    for (const fault of [...directFaults(count), ...menuFaults(count)]) {
      const step = { at: '1.23s', ...fault.step, by: 'manual' };
      expect(parse(stepLine(step))).toEqual(step);
    }
  });

  function directFaults(count: number): ManualFault[] {
    return KEYMAP.filter((binding) => binding.changesRun).flatMap((binding) =>
      [INITIAL_UI, { ...INITIAL_UI, target: 'leader' }].flatMap((ui) => {
        const { effects, ui: after } = press(ui, binding.keys[0]!, contextOf(healthy(count)));
        const all = [...effects, ...(after.question?.yes ?? [])];
        return all.flatMap((effect) =>
          effect.type === 'command' && effect.command.type === 'inject'
            ? [{ says: binding.id, step: effect.command.step }]
            : [],
        );
      }),
    );
  }

  function menuFaults(count: number): ManualFault[] {
    const targets = [
      { selector: 'n1', node: 'n1' },
      { selector: 'leader', node: 'n2' },
    ];
    const all = (menu: Menu): ManualFault[] =>
      menu.items.flatMap(({ does }) => ('menu' in does ? all(does.menu) : [does.fault]));
    return targets.flatMap((target) =>
      Object.values(MENUS).flatMap((menu) => all(menu(target, nodesOf(count)))),
    );
  }
});

test('a step line quotes values that would otherwise be parsed as something else', () => {
  for (const value of [
    'true',
    'null',
    '1',
    '1e3',
    'a: b',
    '',
    '~',
    '[x]',
    'n1->n2',
    'not(n1)',
    '200ms',
    '64KB/s',
    'yes',
    '0x10',
  ])
    expect(parse(stepLine({ value }))).toEqual({ value });
});

describe('a question', () => {
  const oneDown = contextOf([...healthy(), { t: 3, type: 'life', node: 'n3', life: 'down', pid: null }]);

  test('is asked if fewer nodes than a majority could still work together, and No is the default', () => {
    for (const answer of ['enter', 'n', 'k', 'escape', 'space']) {
      const { commands, ui } = typing(['k', answer], oneDown);
      expect(commands).toEqual([]);
      expect(ui.question).toBeNull();
    }
    expect(typing(['k'], oneDown).ui.question?.text).toBe(
      'kill n1? Only 1 of 3 nodes could still work together (majority: 2).',
    );
    expect(typing(['k', 'y'], oneDown).commands).toEqual([
      { type: 'inject', step: { kill: { node: 'n1' } } },
    ]);
  });

  test('is not asked while a majority remains, nor for keys that stop or cut nothing', () => {
    expect(typing(['k'], contextOf(healthy())).ui.question).toBeNull();
    for (const keys of [['r'], ['h'], ['x', '1'], ['d', '1', '3']])
      expect(typing(keys, oneDown).ui.question).toBeNull();
  });

  test('counts nodes as together only if both directions between them pass', () => {
    const half: HarnessEvent = { t: 3, type: 'link', link: 'n2->n3', pending: false, cut: 'blackhole' };
    const state = reduceAll([...healthy(), half]);
    expect(reachableAfter(state, { says: '', step: {} })).toEqual({ reachable: 3, majority: 2 });
    expect(reachableAfter(state, { says: '', step: {}, stops: ['n1'] })).toEqual({
      reachable: 1,
      majority: 2,
    });
  });

  test('is asked by q before it stops the run, but not when the run has ended', () => {
    expect(typing(['q', 'n'], contextOf(healthy())).commands).toEqual([]);
    expect(typing(['q', 'y'], contextOf(healthy())).commands).toEqual([{ type: 'stop' }]);
    const done = contextOf([
      ...healthy(),
      { t: 9, type: 'verdict', verdict: 'pass', exitCode: 0, sentence: '', report: '' },
    ]);
    expect(typing(['q'], done).effects).toEqual([{ type: 'close' }]);
  });
});

test('Ctrl+C stops the run and a second one aborts it, from every view, menu and question', () => {
  for (const first of [[], ['?'], ['/', 'x'], ['p'], ['q'], ['e']]) {
    expect(typing([...first, 'ctrl-c', 'ctrl-c'], contextOf(healthy())).commands).toEqual([
      { type: 'stop' },
      { type: 'abort' },
    ]);
  }
});

describe('--watch-only', () => {
  const watching = contextOf(healthy(), { watchOnly: true });

  test('lets no key change the run, except to stop it', () => {
    for (const key of KEYMAP.filter((binding) => binding.changesRun).flatMap((binding) => binding.keys)) {
      const { effects, ui } = typing([key], watching);
      expect(effects).toEqual([]);
      expect(ui.menu).toBeNull();
      expect(ui.toast?.text).toContain('--watch-only');
    }
    expect(typing(['q', 'y'], watching).commands).toEqual([{ type: 'stop' }]);
  });

  test('offers no key that changes the run in the help', () => {
    expect(helpMatches('', watching).some((binding) => binding.changesRun)).toBe(false);
  });
});

describe('help', () => {
  test('finds a key by what it does, and runs it', () => {
    const context = contextOf(healthy());
    expect(helpMatches('sigstop', context).map(({ id }) => id)).toEqual(['pause']);
    const { commands, ui } = typing(['?', ...Array.from('sigstop'), 'enter'], context);
    expect(commands).toEqual([{ type: 'inject', step: { pause: { node: 'n1' } } }]);
    expect(ui.view).toBe('main');
  });

  test('moves with the arrows, searches while typing, and closes with Esc', () => {
    const { ui } = typing([':', 'down', 'down', 'up'], contextOf(healthy()));
    expect([ui.view, ui.selected]).toEqual(['help', 1]);
    expect(typing([':', 'h', 'e', 'backspace'], contextOf(healthy())).ui.query).toBe('h');
    expect(typing([':', 'escape'], contextOf(healthy())).ui.view).toBe('main');
  });
});

describe('views', () => {
  test('open and close with e and g, and Esc returns to the main screen', () => {
    const context = contextOf(healthy());
    expect(typing(['e'], context).ui.view).toBe('events');
    expect(typing(['e', 'e'], context).ui.view).toBe('main');
    expect(typing(['g'], context).ui.view).toBe('charts');
    expect(typing(['g', 'escape'], context).ui.view).toBe('main');
  });

  test('have a filter that is typed, kept by Enter and cleared by Esc', () => {
    const context = contextOf(healthy());
    expect(typing(['/', 'k', '1', 'space', 'x', 'enter'], context).ui).toMatchObject({
      filter: 'k1 x',
      filtering: false,
    });
    expect(typing(['/', 'k', 'enter', 'escape'], context).ui.filter).toBe('');
    expect(typing(['/', 'k', 'k'], context).commands).toEqual([]);
  });

  test('switch panels with Tab and nodes with the arrows on a small screen', () => {
    const { ui } = typing(['tab', 'tab', 'shift-tab', 'down'], contextOf(healthy(), { compact: true }));
    expect([ui.tab, ui.target]).toEqual([1, 'n2']);
  });
});

describe('the keymap', () => {
  const all = { watchOnly: false, canDump: true };

  test('gives every key exactly one meaning', () => {
    const keys = KEYMAP.flatMap((binding) => binding.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(KEYMAP.map(({ id }) => id)).size).toBe(KEYMAP.length);
    const ranks = KEYMAP.flatMap(({ footer }) => footer?.rank ?? []);
    expect(new Set(ranks).size).toBe(ranks.length);
  });

  test('has the keys k r z i p h q ?, each in the footer at 100 columns', () => {
    const scene = { ...contextOf(healthy()), ui: INITIAL_UI, glyphs: UNICODE };
    const footer = plainText(keysLine(scene, 100));
    expect(footer).toBe(
      ' n1> k kill r restart z pause i isolate p partition d delay h heal u undo SPC hold n step ? help',
    );
    for (const key of ['k', 'r', 'z', 'i', 'p', 'h', 'q', '?'])
      expect(available(all).some((binding) => binding.keys.includes(key))).toBe(true);
    expect(plainText(keysLine(scene, 108))).toContain(' q quit ');
  });

  test('shows the help key in the footer at any width', () => {
    const scene = { ...contextOf(healthy()), ui: INITIAL_UI, glyphs: UNICODE };
    for (let width = 16; width < 220; width++) {
      const footer = plainText(keysLine(scene, width));
      expect(footer.length).toBeLessThanOrEqual(width);
      expect(footer.endsWith('? help')).toBe(true);
    }
  });

  test('has no key for a dump if there is no folder to write it to', () => {
    expect(typing(['D'], contextOf(healthy())).effects).toEqual([{ type: 'dump' }]);
    expect(typing(['D'], contextOf(healthy(), { canDump: false })).effects).toEqual([]);
    expect(helpMatches('screen to a text file', { watchOnly: false, canDump: false })).toEqual([]);
  });

  test('is the table in docs/dashboard.md', () => {
    const doc = readFileSync(new URL('../../docs/dashboard.md', import.meta.url), 'utf8');
    const table = doc.split('\n').filter((line) => line.startsWith('| `'));
    expect(table).toEqual(
      KEYMAP.map(
        ({ shown, does }) =>
          `| ${shown
            .split(' ')
            .map((key) => `\`${key}\``)
            .join(' ')} | ${does} |`,
      ),
    );
  });
});
