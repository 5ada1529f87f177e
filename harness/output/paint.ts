/**
 * Panels consist of lines of styled spans, measured in terminal cells. A panel returns lines and does not know Ink.
 * `fit` makes any line exactly as wide as its place, so that no text of a scenario or a node can break a screen.
 */
export type Color = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'gray' | 'white';

export interface Span {
  readonly text: string;
  readonly color?: Color;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly inverse?: boolean;
}
export type Line = readonly Span[];
export type Style = Omit<Span, 'text'>;

export const span = (text: string, style: Style = {}): Span => ({ text, ...style });

/** The characters that a terminal can show: Unicode, or only ASCII (`LANG=C`). */
export interface Glyphs {
  readonly ascii: boolean;
  readonly topLeft: string;
  readonly topRight: string;
  readonly bottomLeft: string;
  readonly bottomRight: string;
  readonly across: string;
  readonly down: string;
  readonly ellipsis: string;
  readonly dot: string;
  /** Between a delay and its jitter. */
  readonly plusMinus: string;
  /** Characters of the row below the charts: a fault is live; no node leads; both. */
  readonly fault: string;
  readonly leaderless: string;
  readonly faultAndLeaderless: string;
}

export const UNICODE: Glyphs = {
  ascii: false,
  topLeft: '╭',
  topRight: '╮',
  bottomLeft: '╰',
  bottomRight: '╯',
  across: '─',
  down: '│',
  ellipsis: '…',
  dot: '·',
  plusMinus: '±',
  fault: '▄',
  leaderless: '×',
  faultAndLeaderless: '▓',
};

export const ASCII: Glyphs = {
  ascii: true,
  topLeft: '+',
  topRight: '+',
  bottomLeft: '+',
  bottomRight: '+',
  across: '-',
  down: '|',
  ellipsis: '~',
  dot: '-',
  plusMinus: '+-',
  fault: '=',
  leaderless: 'x',
  faultAndLeaderless: '#',
};

/** Cuts and pads a line to exactly `width` cells. A cut shows as an ellipsis in the last cell. */
export function fit(line: Line, width: number, glyphs: Glyphs): Line {
  const safe = line.map((item) => ({ ...item, text: clean(item.text, glyphs) }));
  const missing = width - lineCells(safe);
  if (missing >= 0) return missing === 0 ? safe : [...safe, { text: ' '.repeat(missing) }];
  const out: Span[] = [];
  let left = width - 1;
  for (const item of safe) {
    const text = cut(item.text, left);
    left -= cellsOf(text);
    out.push({ ...item, text });
    if (text.length < item.text.length) break;
  }
  if (width < 1) return [];
  const { text: _text, ...style } = out.at(-1) ?? { text: '' };
  // If a wide character fits only by half, it is left out and one cell stays empty.
  return [...out, { ...style, text: ' '.repeat(left) + glyphs.ellipsis }];
}

/** Left and right parts on one line; if they do not fit, the right one is cut first. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - lineCells(left) - lineCells(right);
  return gap >= 1 ? [...left, span(' '.repeat(gap)), ...right] : left;
}

/**
 * A frame of exactly `width` x `height` around `lines`, with its title in the upper edge. Lines that do not fit are
 * left out.
 */
export function frame(options: {
  readonly title: Line;
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
  readonly glyphs: Glyphs;
  readonly style?: Style;
}): Line[] {
  const { title, lines, width, height, glyphs: g, style = { dim: true } } = options;
  if (width < 4 || height < 2) return Array.from({ length: Math.max(0, height) }, () => fit([], width, g));
  const inner = width - 4;
  const room = width - 4;
  const titleLine: Line = lineCells(title) > room ? fit(title, room, g) : title;
  const rule = Math.max(0, width - 4 - lineCells(titleLine));
  const top: Line = [
    span(`${g.topLeft}${g.across} `, style),
    ...titleLine,
    ...(rule > 0 ? [span(` ${g.across.repeat(rule - 1)}${g.topRight}`, style)] : [span(g.topRight, style)]),
  ];
  const body = Array.from({ length: height - 2 }, (_, row): Line => [
    span(`${g.down} `, style),
    ...fit(lines[row] ?? [], inner, g),
    span(` ${g.down}`, style),
  ]);
  return [
    fit(top, width, g),
    ...body,
    [span(g.bottomLeft + g.across.repeat(width - 2) + g.bottomRight, style)],
  ];
}

/** A line with its styles as SGR codes of the 16 colours that every terminal has, or plain text if `color` is false. */
export function sgr(line: Line, color: boolean): string {
  if (!color) return plainText(line);
  let out = '';
  let open = '';
  for (const { text, ...style } of line) {
    const codes = codesOf(style, text);
    if (text === '') continue;
    if (codes !== open) {
      if (open !== '') out += '\u001b[0m';
      if (codes !== '') out += `\u001b[${codes}m`;
      open = codes;
    }
    out += text;
  }
  return open === '' ? out : `${out}\u001b[0m`;
}

function codesOf({ bold, dim, inverse, color }: Style, text: string): string {
  // Spaces look the same in any foreground colour; without codes for them, frames are smaller.
  const inked = text.trim() !== '';
  const codes = [
    ...(bold && inked ? [1] : []),
    ...(dim && inked ? [2] : []),
    ...(inverse ? [7] : []),
    ...(color !== undefined && (inked || inverse) ? [SGR_COLORS[color]] : []),
  ];
  return codes.join(';');
}

const SGR_COLORS: Readonly<Record<Color, number>> = {
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  white: 37,
  gray: 90,
};

export const plainText = (line: Line): string => line.map((item) => item.text).join('');
export const lineCells = (line: Line): number => line.reduce((sum, item) => sum + cellsOf(item.text), 0);

/** Number of terminal cells of a cleaned text. */
export function cellsOf(text: string): number {
  if (OWN_GLYPHS.test(text)) return text.length;
  let cells = 0;
  for (const character of text) cells += WIDE.test(character) ? 2 : 1;
  return cells;
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
/** Characters that panels draw with, one cell each. Most lines contain only these, so they need no further check. */
const OWN_GLYPHS = /^[\x20-\x7e±·×…\u2500-\u2593\u2800-\u28ff]*$/;
/** Characters of two cells on every terminal: kana, Chinese characters, Hangul, full-width forms, and single emoji. */
const WIDE =
  /[\u3001-\u3029\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60\u{20000}-\u{2a6df}]|\p{Emoji_Presentation}/u;
/** One cell on every terminal: Latin, Greek, Cyrillic, and the blocks of punctuation, arrows, lines and braille. */
const NARROW =
  /[\x20-\x7e\u00a0-\u02ff\u0370-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u2bff]/u;
/**
 * Escape sequences, control characters, and characters that take no cell or change the direction. None of them may
 * reach a terminal.
 */
const UNSAFE =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)?|[\u0000-\u001f\u007f-\u009f]|[\p{M}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Emoji_Modifier}]/gu;
const REGIONAL = /\p{Regional_Indicator}/u;
const ASCII_FOR: Readonly<Record<string, string>> = {
  '…': '~',
  '·': '-',
  '±': '+',
  '→': '>',
  '↔': '=',
  '—': '-',
  '–': '-',
  '≥': '>',
  '≤': '<',
  '×': 'x',
  '’': "'",
};

/** Text from outside (scenario names, notes, stderr) made safe to draw. */
export function clean(text: string, glyphs: Glyphs): string {
  if (glyphs.ascii ? PRINTABLE_ASCII.test(text) : OWN_GLYPHS.test(text)) return text;
  const safe = text.replace(/[\t\n\r]+/g, ' ').replace(UNSAFE, '');
  if (glyphs.ascii) return safe.replace(/[^\x20-\x7e]/gu, (character) => ASCII_FOR[character] ?? '?');
  // Terminals do not agree on the width of some characters (such as flags), which would shift the rest of the row.
  return Array.from(safe, (character) =>
    !REGIONAL.test(character) && (NARROW.test(character) || WIDE.test(character)) ? character : '?',
  ).join('');
}

function cut(text: string, cells: number): string {
  if (OWN_GLYPHS.test(text)) return text.slice(0, Math.max(0, cells));
  let used = 0;
  let out = '';
  for (const character of text) {
    used += WIDE.test(character) ? 2 : 1;
    if (used > cells) return out;
    out += character;
  }
  return out;
}
