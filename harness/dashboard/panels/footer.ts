import { available } from '../keymap.ts';
import { fit, lineCells, span, type Line } from '../../output/paint.ts';
import { targetOf, TOAST_MS } from '../ui.ts';
import type { Scene, Size } from './panel.ts';

/** The last line: a question, the result of the last key, or as many key labels as fit. */
export function footer(scene: Scene, { width }: Size): readonly Line[] {
  const { ui, clock, glyphs } = scene;
  if (ui.question !== null) {
    const answer: Line = [
      span(' y: yes, any other key: NO ', { bold: true, inverse: true, color: 'yellow' }),
    ];
    const room = Math.max(0, width - lineCells(answer) - 1);
    return [
      fit(
        [
          ...fit([span(` ${ui.question.text}`, { bold: true, color: 'yellow' })], room, glyphs),
          span(' '),
          ...answer,
        ],
        width,
        glyphs,
      ),
    ];
  }
  if (ui.filtering)
    return [
      fit(
        [
          span(` filter: ${ui.filter}_`, { color: 'cyan' }),
          span('   Enter keeps it, Esc clears it', { dim: true }),
        ],
        width,
        glyphs,
      ),
    ];
  if (ui.toast !== null && clock - ui.toast.at < TOAST_MS) {
    return [
      fit(
        [span(` ${ui.toast.text}`, { bold: true, color: ui.toast.level === 'warn' ? 'yellow' : 'cyan' })],
        width,
        glyphs,
      ),
    ];
  }
  return [fit(keysLine(scene, width), width, glyphs)];
}

/** ` n1> k kill r restart …`: as many keys as fit, in their own order. The least used keys are left out first. */
export function keysLine(scene: Scene, width: number): Line {
  const { state, ui } = scene;
  const target = targetOf(ui, state);
  const name =
    ui.target === 'leader' ? `leader${target === null ? '' : `=${target.node}`}` : (target?.node ?? '-');
  const keys = available(scene)
    .flatMap((binding) =>
      binding.footer === undefined
        ? []
        : [{ ...binding.footer, shown: binding.keys[0] === '?' ? '?' : binding.shown }],
    )
    .sort((a, b) => a.rank - b.rank);
  let line: Line = [span(` ${name}>`, { bold: true, color: 'cyan' })];
  const chosen: typeof keys = [];
  let used = lineCells(line) + (scene.watchOnly ? ' watch only'.length : 0);
  for (const key of keys) {
    const cells = ` ${key.shown} ${key.word}`.length;
    if (used + cells > width) break;
    used += cells;
    chosen.push(key);
  }
  if (scene.watchOnly) line = [...line, span(' watch only', { color: 'yellow' })];
  // Help has the best rank, so that it is never left out, but it comes last in the line.
  for (const key of [...chosen.filter(({ rank }) => rank > 0), ...chosen.filter(({ rank }) => rank === 0)]) {
    line = [...line, span(` ${key.shown}`, { bold: true }), span(` ${key.word}`, { dim: true })];
  }
  return line;
}
