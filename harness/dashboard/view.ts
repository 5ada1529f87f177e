import { Box, Text, Transform, useInput, useWindowSize } from 'ink';
import { createElement, type ReactElement } from 'react';
import { sgr } from '../output/paint.ts';
import type { Scene, Size } from './panels/panel.ts';
import type { KeyPress } from './press.ts';
import { screenRows } from './screen.ts';

export interface ScreenProps {
  readonly scene: Scene;
  readonly size: Size;
  readonly color: boolean;
}

/** The whole screen: rows of panels. Each panel is one text whose lines are as wide as the panel. It only draws. */
export function Screen({ scene, size, color }: ScreenProps): ReactElement {
  const rows = screenRows(scene, size);
  const height = rows.reduce((sum, row) => sum + (row[0]?.size.height ?? 0), 0);
  const boxes = rows.map((row, index) =>
    createElement(
      Box,
      { key: index, height: row[0]?.size.height ?? 0 },
      ...row.map(({ panel, size: own }, place) =>
        createElement(PanelText, {
          key: place,
          width: own.width,
          height: own.height,
          lines: panel(scene, own).map((line) => sgr(line, color)),
        }),
      ),
    ),
  );
  return createElement(Box, { flexDirection: 'column', width: size.width, height }, ...boxes);
}

/**
 * A panel's lines in a box of its size. The lines are already exactly as wide as the box, so Ink need not measure them:
 * it lays out a placeholder of one character per line, and the transform replaces that by the line when Ink writes it.
 * Measuring lines that contain box-drawing and braille characters took half of a frame's time.
 */
function PanelText({
  lines,
  width,
  height,
}: {
  readonly lines: readonly string[];
  readonly width: number;
  readonly height: number;
}): ReactElement {
  const transform = (_: string, row: number): string => lines[row] ?? '';
  return createElement(
    Box,
    { width, height, flexShrink: 0 },
    createElement(Transform, { transform }, createElement(Text, null, placeholder(height))),
  );
}

const placeholder = (height: number): string => Array.from({ length: height }, () => '.').join('\n');

/** The screen at the terminal's size, and its keys. */
export function App({
  scene,
  color,
  onKey,
}: Omit<ScreenProps, 'size'> & { readonly onKey: ((key: KeyPress) => void) | null }): ReactElement {
  const { columns, rows } = useWindowSize();
  useInput(
    (input, key) => {
      for (const name of keyNames(input, key)) onKey?.(name);
    },
    { isActive: onKey !== null },
  );
  return createElement(Screen, { scene, size: { width: columns, height: rows }, color });
}

type InkKey = Parameters<Parameters<typeof useInput>[0]>[1];

/** One name per key. Keys that are typed fast arrive as one input, so each of its characters is a separate key. */
function keyNames(input: string, key: InkKey): readonly KeyPress[] {
  if (key.ctrl) return input === 'c' ? ['ctrl-c'] : [];
  // Alt is not used as a key: Esc and another key, pressed in quick succession, arrive as Alt and that key.
  if (key.meta && !key.escape) return ['escape', ...characters(input)];
  if (key.tab) return [key.shift ? 'shift-tab' : 'tab'];
  const named: readonly (readonly [boolean, KeyPress])[] = [
    [key.return, 'enter'],
    [key.escape, 'escape'],
    [key.backspace || key.delete, 'backspace'],
    [key.upArrow, 'up'],
    [key.downArrow, 'down'],
    [key.leftArrow, 'left'],
    [key.rightArrow, 'right'],
    [key.pageUp, 'pageup'],
    [key.pageDown, 'pagedown'],
    [key.home, 'home'],
    [key.end, 'end'],
  ];
  const name = named.find(([pressed]) => pressed)?.[1];
  if (name !== undefined) return [name];
  return characters(input);
}

const CONTROLS: Readonly<Record<string, KeyPress>> = {
  ' ': 'space',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\u0003': 'ctrl-c',
};
const characters = (input: string): KeyPress[] =>
  Array.from(input, (character) => CONTROLS[character] ?? character);
