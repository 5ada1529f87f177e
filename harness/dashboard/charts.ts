import { createRequire } from 'node:module';
import { span, type Color, type Glyphs, type Line, type Span } from '../output/paint.ts';

/**
 * The only file that imports blessed-contrib. It draws line charts off-screen: it makes a chart widget from the
 * library's prototype and gives it its own braille canvas. It never uses a blessed `Screen`, which would take over the
 * terminal and the process's signals.
 */
export interface ChartSeries {
  readonly color: Exclude<Color, 'gray'>;
  /** One value per point, oldest first; null leaves a gap. */
  readonly values: readonly (number | null)[];
}

export interface ChartOptions {
  /** In cells, like `height`. */
  readonly width: number;
  readonly height: number;
  /** Chart lines; all have the same number of points. */
  readonly series: readonly ChartSeries[];
  /** One label per point; the chart shows as many as fit. */
  readonly labels: readonly string[];
  /** The top of the value axis; the bottom is 0. */
  readonly maxY: number;
  readonly glyphs: Glyphs;
}

/** Cells left of the plot: the value axis and its labels. The band below a chart begins there. */
export const chartIndent = (maxY: number): number => Math.max(4, axisLabel(maxY).length + 1);

/** Number of points that fit into a chart of this width: two per cell. */
export const chartPoints = (width: number, maxY: number): number =>
  Math.max(2, 2 * (width - chartIndent(maxY)) - 2);

/** A chart of exactly `height` lines and `width` cells. */
export function drawChart(options: ChartOptions): Line[] {
  const { width, height, glyphs } = options;
  if (width < 12 || height < 2) return Array.from({ length: height }, () => [span(' '.repeat(width))]);
  const frame = height >= LINE_WIDGET_ROWS ? widgetFrame(options) : canvasFrame(options);
  const rows = frame.split('\n').slice(0, height);
  return rows.map((row) => parseRow(row, glyphs));
}

/** Top of an axis: the smallest 1, 2 or 5 times a power of ten above `value`, so that the axis rarely changes. */
export function axisTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= value * 1.02) return factor * power;
  return 20 * power;
}

interface Context2d {
  strokeStyle: string;
  fillStyle: string;
  readonly _canvas: { frame(): string };
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
  fillText(text: string, x: number, y: number): void;
}
interface LineWidget {
  width: number;
  height: number;
  options: Record<string, unknown>;
  ctx: Context2d;
  canvasSize: { width: number; height: number };
  setData(series: readonly { x: readonly string[]; y: readonly number[]; style: { line: string } }[]): void;
}

const require = createRequire(import.meta.url);
const { prototype: linePrototype } = require('blessed-contrib/lib/widget/charts/line.js') as {
  prototype: LineWidget;
};
// The braille canvas is a dependency of blessed-contrib, so it is resolved from there: it must be the same copy.
const requireAsContrib = createRequire(require.resolve('blessed-contrib/lib/widget/canvas.js'));
const { Canvas } = requireAsContrib('drawille-canvas-blessed-contrib') as {
  Canvas: new (width: number, height: number) => { getContext(): Context2d };
};

/**
 * The widget needs a row for its time labels and half of one for its axis; below this height the bare canvas shows
 * more.
 */
const LINE_WIDGET_ROWS = 5;
/** Height that the widget keeps free below its axis, in pixels (four per row). One of these rows is used here. */
const WIDGET_BOTTOM_PX = 4;

function widgetFrame({ width, height, series, labels, maxY }: ChartOptions): string {
  const indentPx = 2 * chartIndent(maxY);
  const widget = Object.create(linePrototype) as LineWidget;
  const context = openContext(width, height);
  Object.defineProperties(widget, { width: { value: width }, height: { value: height } });
  widget.ctx = context;
  widget.canvasSize = { width: 2 * width, height: 4 * height + WIDGET_BOTTOM_PX };
  widget.options = {
    showNthLabel: 1,
    style: { line: 'yellow', text: 'normal', baseline: 'normal' },
    xLabelPadding: indentPx,
    xPadding: indentPx,
    numYLabels: height >= 9 ? 4 : 2,
    legend: {},
    showLegend: false,
    wholeNumbersOnly: maxY >= 4,
    minY: 0,
    maxY,
  };
  widget.setData(
    series.map(({ color, values }) => ({ x: labels, y: values.map(numeric(maxY)), style: { line: color } })),
  );
  return context._canvas.frame();
}

/**
 * A plot without time labels, drawn on the braille canvas itself, for places that are not high enough for the widget.
 */
function canvasFrame({ width, height, series, maxY }: ChartOptions): string {
  const context = openContext(width, height);
  const left = 2 * chartIndent(maxY);
  const bottom = 4 * height - 1;
  const points = Math.max(1, series[0]?.values.length ?? 1);
  const x = (index: number): number => left + 2 + ((2 * width - left - 2) / points) * index;
  const y = (value: number): number => bottom - 1 - ((bottom - 1) * value) / maxY;
  context.fillStyle = 'normal';
  context.fillText(axisLabel(maxY), 0, 0);
  context.fillText('0', 0, bottom);
  for (const { color, values } of series) {
    context.strokeStyle = color;
    context.beginPath();
    for (const [index, value] of values.map(numeric(maxY)).entries()) context.lineTo(x(index), y(value));
    context.stroke();
  }
  context.strokeStyle = 'normal';
  context.beginPath();
  context.lineTo(left, 0);
  context.lineTo(left, bottom);
  context.lineTo(2 * width, bottom);
  context.stroke();
  return context._canvas.frame();
}

/** A canvas that interrupts a line at a missing value: the library itself would not draw the part after the gap. */
function openContext(width: number, height: number): Context2d {
  const context = new Canvas(2 * width, 4 * height).getContext();
  const line = context.lineTo.bind(context);
  const move = context.moveTo.bind(context);
  const begin = context.beginPath.bind(context);
  let penUp = true;
  context.beginPath = () => {
    penUp = true;
    begin();
  };
  context.lineTo = (x, y) => {
    if (!Number.isFinite(y)) {
      penUp = true;
      return;
    }
    // A single point between two gaps is drawn as a dot.
    if (penUp) move(x, y);
    penUp = false;
    line(x, y);
  };
  return context;
}

const numeric =
  (maxY: number) =>
  (value: number | null): number =>
    value === null ? Number.NaN : Math.min(Math.max(0, value), maxY);

/** Label of the top of the axis in the widget's format, so that the indent is known before the widget draws. */
const axisLabel = (value: number): string => (value < 4 ? value.toFixed(2) : value.toFixed(0));

const COLORS: readonly Color[] = ['gray', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
// eslint-disable-next-line no-control-regex
const PIECE = /\u001b\[(\d+)m|([^\u001b])/gu;

/** Turns a row of the library's frame into spans; the colours come from its escape codes. */
function parseRow(row: string, glyphs: Glyphs): Line {
  const spans: Span[] = [];
  let color: Color | undefined;
  let text = '';
  const flush = (): void => {
    if (text !== '') spans.push(color === undefined ? span(text) : span(text, { color }));
    text = '';
  };
  for (const [, code, character] of row.matchAll(PIECE)) {
    if (character !== undefined) text += glyphs.ascii ? asciiDots(character) : character;
    else {
      const next = Number(code) >= 30 && Number(code) <= 37 ? COLORS[Number(code) - 30] : undefined;
      if (Number(code) >= 40 || next === color) continue;
      flush();
      color = next;
    }
  }
  flush();
  return spans;
}

/** One ASCII character for a braille cell; it shows which half of the cell has dots. */
function asciiDots(character: string): string {
  const dots = character.codePointAt(0)! - 0x2800;
  if (dots < 0 || dots > 0xff) return character;
  const upper = (dots & 0b0001_1011) !== 0;
  const lower = (dots & 0b1110_0100) !== 0;
  return upper && lower ? ':' : upper ? "'" : lower ? '.' : ' ';
}
