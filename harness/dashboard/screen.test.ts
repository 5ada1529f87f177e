import { stripVTControlCharacters } from 'node:util';
import { renderToString } from 'ink';
import { createElement } from 'react';
import { beforeAll, describe, expect, test } from 'vitest';
import { anyEvents, anyUi, fc } from '../../test/support/arbitrary.ts';
import { DemoRun } from '../../test/support/demo-run.ts';
import { opsEvent, runEvent, statusEvent } from '../../test/support/events.ts';
import type { HarnessEvent } from '../event.ts';
import { ASCII, lineCells, sgr, UNICODE } from '../output/paint.ts';
import type { Scene } from './panels/panel.ts';
import { reduceAll } from './reducer.ts';
import { layoutKind, screenRows, screenText } from './screen.ts';
import { INITIAL_UI } from './ui.ts';
import { Screen } from './view.ts';

const SIZES = [
  [200, 60],
  [100, 30],
  [80, 24],
  [60, 16],
  [40, 8],
].map(([width, height]) => ({ width: width!, height: height! }));

function sceneOf(events: Iterable<HarnessEvent>, more: Partial<Scene> = {}): Scene {
  const state = reduceAll(events);
  return {
    state,
    ui: INITIAL_UI,
    now: state.t,
    clock: 0,
    glyphs: UNICODE,
    watchOnly: false,
    canDump: false,
    ...more,
  };
}

describe('the screen in any state', () => {
  test('is never wider or higher than the terminal, at every size', () => {
    fc.assert(
      fc.property(
        anyEvents,
        anyUi,
        fc.constantFrom(UNICODE, ASCII),
        fc.boolean(),
        (events, ui, glyphs, watchOnly) => {
          const scene = sceneOf(events, { ui, glyphs, watchOnly });
          for (const size of [
            ...SIZES,
            { width: 57, height: 14 },
            { width: 96, height: 28 },
            { width: 10, height: 2 },
          ]) {
            const rows = screenRows(scene, size);
            expect(rows.reduce((sum, row) => sum + row[0]!.size.height, 0)).toBeLessThanOrEqual(size.height);
            for (const row of rows) {
              expect(row.reduce((sum, placed) => sum + placed.size.width, 0)).toBe(size.width);
              for (const { panel, size: own } of row) {
                const lines = panel(scene, own);
                expect(lines.map(lineCells)).toEqual(Array.from({ length: own.height }, () => own.width));
              }
            }
          }
        },
      ),
      { numRuns: 500 },
    );
  }, 300_000);

  test('is drawn by Ink with exactly these lines', () => {
    fc.assert(
      fc.property(anyEvents, anyUi, fc.constantFrom(...SIZES), fc.boolean(), (events, ui, size, color) => {
        const scene = sceneOf(events, { ui });
        const drawn = renderToString(createElement(Screen, { scene, size, color }), { columns: size.width });
        const lines = stripVTControlCharacters(drawn)
          .split('\n')
          .map((line) => line.trimEnd());
        expect(lines.join('\n').trimEnd()).toBe(screenText(scene, size).trimEnd());
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test('has the same text with and without colours', () => {
    fc.assert(
      fc.property(anyEvents, anyUi, (events, ui) => {
        const scene = sceneOf(events, { ui });
        for (const row of screenRows(scene, SIZES[1]!)) {
          for (const { panel, size } of row) {
            for (const line of panel(scene, size))
              expect(stripVTControlCharacters(sgr(line, true))).toBe(sgr(line, false));
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the main screen', () => {
  const events: HarnessEvent[] = [];
  let scene: Scene;
  beforeAll(() => {
    const run = new DemoRun({ seed: 42, emit: (event) => events.push(event) });
    run.advance(23_400);
    scene = sceneOf(events);
  });

  test('has every panel at 100x30', () => {
    const text = screenText(scene, { width: 100, height: 30 });
    for (const title of ['NODES', 'LINKS', 'OPS/S', 'LATENCY ms', 'SCENARIO', 'EVENTS', 'VERDICT SO FAR'])
      expect(text).toContain(title);
    expect(text).toContain('partition-leader.yaml  seed 42');
    expect(text).toContain('RUNNING 00:23.4  step 4/6  REC 0 manual');
    expect(text).toContain('UPTIME');
    expect(text).toContain('via toxiproxy 2.12.0');
    expect(text.split('\n')).toHaveLength(30);
  });

  test('leaves out the uptime and the box of the verdict at 80x24', () => {
    const text = screenText(scene, { width: 80, height: 24 });
    expect(text).not.toContain('UPTIME');
    expect(text).not.toContain('VERDICT SO FAR');
    expect(text).toMatch(/ ops [\d,]+ .*no violation, checked to 00:23/);
  });

  test('shows nodes and one more panel, which Tab chooses, at 60x16', () => {
    const size = { width: 60, height: 16 };
    expect(screenText(scene, size)).toContain('EVENTS');
    expect(screenText({ ...scene, ui: { ...INITIAL_UI, tab: 1 } }, size)).toContain('SCENARIO');
    expect(screenText({ ...scene, ui: { ...INITIAL_UI, tab: 2 } }, size)).toContain('LINKS');
    expect(screenText({ ...scene, ui: { ...INITIAL_UI, tab: -1 } }, size)).toContain('LATENCY');
  });

  test('is one line on a smaller terminal', () => {
    expect(layoutKind({ width: 40, height: 8 })).toBe('line');
    expect(screenText(scene, { width: 40, height: 8 })).toMatch(/^RUNNING 00:23 step 4\/6 n\d leads ok \d+$/);
  });

  test('is ASCII with LANG=C, including charts', () => {
    expect(screenText({ ...scene, glyphs: ASCII }, { width: 100, height: 30 })).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

describe('the screen shows without colours', () => {
  const size = { width: 100, height: 30 };

  test('that two nodes lead in one term', () => {
    const text = screenText(
      sceneOf([runEvent(), statusEvent(1, 'n1', 'leader', 3), statusEvent(2, 'n2', 'leader', 3)]),
      size,
    );
    expect(text).toContain('!! TWO LEADERS IN TERM 3: n1 and n2 !!');
  });

  test('that a change of a link is not confirmed', () => {
    const link = (pending: boolean): HarnessEvent => ({
      t: 1,
      type: 'link',
      link: 'n1->n2',
      pending,
      cut: 'blackhole',
    });
    expect(screenText(sceneOf([runEvent(), link(true)]), size)).toContain('CUT?');
    expect(screenText(sceneOf([runEvent(), link(false)]), size)).not.toContain('CUT?');
  });

  test('that data is old', () => {
    const events: HarnessEvent[] = [
      runEvent(),
      { t: 0, type: 'life', node: 'n1', life: 'up', pid: 9 },
      statusEvent(0, 'n1', 'follower', 3),
    ];
    expect(screenText(sceneOf(events, { now: 900 }), size)).not.toContain('~');
    expect(screenText(sceneOf(events, { now: 1_100 }), size)).toMatch(/n1 +follower ~/);
  });

  test('which node is chosen', () => {
    const scene = sceneOf([runEvent()], { ui: { ...INITIAL_UI, target: 'n2' } });
    expect(screenText(scene, size)).toContain('> n2');
  });

  test('that a node is down, paused or starting', () => {
    const life = (node: string, how: 'down' | 'paused' | 'starting'): HarnessEvent => ({
      t: 1,
      type: 'life',
      node,
      life: how,
      pid: null,
    });
    const text = screenText(
      sceneOf([runEvent(), life('n1', 'down'), life('n2', 'paused'), life('n3', 'starting')]),
      size,
    );
    expect(text).toMatch(/n1 +DOWN[^]*n2 +PAUSED[^]*n3 +STARTING/);
  });

  test('below the charts when a fault was live and when there was no leader', () => {
    const ops = Array.from({ length: 80 }, (_, index) => opsEvent(index * 250, 100));
    const text = screenText(
      sceneOf([
        runEvent(),
        ...ops.slice(0, 40),
        {
          t: 10_000,
          type: 'fault',
          id: 'f',
          verb: 'cut',
          lasting: true,
          state: 'confirmed',
          by: 'scenario',
          text: 'cut',
          nodes: [],
          links: [],
        },
        ...ops.slice(40),
      ]),
      size,
    );
    expect(text).toMatch(/flt {8,}▄{5,} /);
  });
});
