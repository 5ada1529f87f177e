import { fit, frame, span, type Line } from '../../output/paint.ts';
import { helpMatches } from '../press.ts';
import type { Scene, Size } from './panel.ts';

/** The choices of an open menu. */
export function menuPanel({ ui, glyphs }: Scene, { width, height }: Size): readonly Line[] {
  const menu = ui.menu;
  if (menu === null) return frame({ title: [], lines: [], width, height, glyphs });
  const lines = menu.items.map((item): Line => [
    span(` ${item.key} `, { bold: true, color: 'cyan' }),
    span(` ${item.label}`),
  ]);
  return frame({
    title: [span(menu.title, { bold: true, color: 'cyan' }), span(' (Esc: no)', { dim: true })],
    lines,
    width,
    height,
    glyphs,
    style: { color: 'cyan' },
  });
}

/** Every key and its effect, searchable. Enter runs the chosen one. */
export function helpPanel(scene: Scene, { width, height }: Size): readonly Line[] {
  const { ui, glyphs } = scene;
  const matches = helpMatches(ui.query, scene);
  const chosen = Math.min(ui.selected, Math.max(0, matches.length - 1));
  const rows = Math.max(1, height - 4);
  const first = Math.max(0, Math.min(chosen - Math.floor(rows / 2), matches.length - rows));
  const lines = matches.slice(first, first + rows).map((binding, index): Line => {
    const selected = first + index === chosen;
    return [
      span(selected ? '> ' : '  ', { bold: true, color: 'cyan' }),
      span(binding.shown.padEnd(11), { bold: true, color: 'cyan' }),
      span(binding.does, selected ? { bold: true } : {}),
    ];
  });
  const search: Line = [span('search: ', { dim: true }), span(`${ui.query}_`)];
  const none: Line[] = matches.length === 0 ? [[span('  no key matches', { dim: true })]] : [];
  const title: Line = [
    span('KEYS', { bold: true }),
    span(' (arrows choose, Enter runs it, Esc goes back)', { dim: true }),
  ];
  return frame({ title, lines: [search, fit([], 0, glyphs), ...lines, ...none], width, height, glyphs });
}
