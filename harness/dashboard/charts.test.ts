import { describe, expect, test } from 'vitest';
import { axisTop, chartPoints, drawChart } from './charts.ts';
import { ASCII, lineCells, plainText, UNICODE, type Glyphs } from '../output/paint.ts';

function draw(
  values: readonly (number | null)[],
  options: { width?: number; height?: number; glyphs?: Glyphs; maxY?: number } = {},
): string[] {
  const { width = 46, height = 6, glyphs = UNICODE, maxY = 10 } = options;
  return drawChart({
    width,
    height,
    glyphs,
    maxY,
    series: [{ color: 'green', values }],
    labels: values.map((_, index) => `t${index}`),
  }).map(plainText);
}
const points = (width: number): number => chartPoints(width, 10);
/** Number of cells of the plot, without its axes, that are not empty. */
const drawnCells = (lines: readonly string[]): number =>
  lines.slice(0, -2).flatMap((line) => Array.from(line.slice(5)).filter((cell) => cell !== ' ')).length;

describe('a chart', () => {
  test('has exactly the requested size, drawn by the widget or on the bare canvas', () => {
    for (const height of [2, 3, 4, 5, 6, 9, 20]) {
      for (const width of [12, 30, 46, 96]) {
        const lines = drawChart({
          width,
          height,
          glyphs: UNICODE,
          maxY: 10,
          series: [{ color: 'green', values: [1, 2, 3] }],
          labels: ['a', 'b', 'c'],
        });
        expect(lines.map(lineCells)).toEqual(Array.from({ length: height }, () => width));
      }
    }
  });

  test('leaves a gap where a value is missing, and continues after it', () => {
    const whole = Array.from({ length: points(46) }, () => 5);
    const gap = whole.map((value, index) => (index > 20 && index < 40 ? null : value));
    expect(drawnCells(draw(whole)) - drawnCells(draw(gap))).toBeGreaterThanOrEqual(8);
    expect(drawnCells(draw(gap))).toBeGreaterThan(20);
    expect(drawnCells(draw(whole.map(() => null)))).toBe(0);
  });

  test('draws a line of zeros', () => {
    expect(drawnCells(draw(Array.from({ length: points(46) }, () => 0)))).toBeGreaterThan(30);
  });

  test('draws a single value between two gaps', () => {
    expect(drawnCells(draw([null, null, 5, null, null]))).toBe(1);
  });

  test('contains only ASCII characters in ASCII mode', () => {
    const lines = draw(
      Array.from({ length: points(46) }, (_, index) => index % 10),
      { glyphs: ASCII },
    );
    expect(lines.join('')).toMatch(/^[\x20-\x7e]*$/);
    expect(drawnCells(lines)).toBeGreaterThan(30);
  });

  test('contains no escape codes, because colours are spans', () => {
    const lines = drawChart({
      width: 46,
      height: 6,
      glyphs: UNICODE,
      maxY: 10,
      series: [{ color: 'magenta', values: [1, 9, 1] }],
      labels: ['', '', ''],
    });
    expect(lines.flat().some((span) => span.color === 'magenta')).toBe(true);
    expect(lines.map(plainText).join('')).not.toContain('\u001b');
  });

  test('adds no listener for signals, input or exit to the process', () => {
    draw([1, 2, 3]);
    const listeners = ['SIGTERM', 'SIGINT', 'SIGHUP', 'exit', 'uncaughtException'].filter((name) =>
      process.listeners(name as 'exit').some((listener) => /blessed|screen/i.test(String(listener))),
    );
    expect(listeners).toEqual([]);
    expect(process.stdin.listenerCount('keypress')).toBe(0);
  });
});

test('an axis ends at 1, 2 or 5 times a power of ten, above its values', () => {
  expect([0, 0.3, 1, 3, 45, 50, 409, 999].map(axisTop)).toEqual([1, 0.5, 2, 5, 50, 100, 500, 2_000]);
});
