import type { ExpectationResult, RunResult, Violation } from '../result.ts';
import { clockText, countText, durationText, latencyText, percentText } from './format.ts';
import {
  ASCII,
  cellsOf,
  clean,
  fit,
  sgr,
  span,
  UNICODE,
  type Glyphs,
  type Line,
  type Style,
  plainText,
} from './paint.ts';
import { stallsText } from '../stall.ts';
import { printableLine } from '../printable.ts';

export interface SummaryOptions {
  readonly width: number;
  readonly color: boolean;
  readonly ascii?: boolean;
}

/** Maximum number of lines for a violation; the report shows all of them. */
const COUNTEREXAMPLE_LINES = 12;
const GAPS_SHOWN = 3;

/**
 * The summary that is printed after a run: the verdict, the expectations, the counts, the time without a leader, a
 * short proof of a violation, and commands for the next steps. Only lines to copy may be longer than `width`.
 */
export function summaryText(result: RunResult, { width, color, ascii = false }: SummaryOptions): string {
  const glyphs = ascii ? ASCII : UNICODE;
  const room = Math.max(40, width);
  const blocks: Line[][] = [
    verdictLines(result, room, glyphs),
    expectationLines(result, room, glyphs),
    figureLines(result, room, glyphs),
    ...result.violations.slice(0, 1).map((violation) => counterexample(violation, result, room, glyphs)),
    commandLines(result),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.map((line) => sgr(line, color)).join('\n'))
    .join('\n\n');
}

function verdictLines(result: RunResult, width: number, glyphs: Glyphs): Line[] {
  const word = { pass: 'PASS', violation: 'VIOLATION', inconclusive: 'INCONCLUSIVE', error: 'ERROR' }[
    result.verdict
  ];
  const style: Style = {
    bold: true,
    color: result.verdict === 'pass' ? 'green' : result.verdict === 'inconclusive' ? 'yellow' : 'red',
  };
  const indent = `${word}  `;
  const [first = '', ...rest] = wrapped(result.sentence, width - indent.length, glyphs);
  const lines: Line[] = [
    [span(word, style), span(`  ${first}`)],
    ...rest.map((text) => [span(' '.repeat(indent.length) + text)]),
  ];
  const head = `${result.scenario}  seed ${result.seed}  ${result.nodes.length} nodes  links ${result.links.kind} ${result.links.version}  ${durationText(result.durationMs)}`;
  for (const text of wrapped(head, width - indent.length, glyphs))
    lines.push([span(' '.repeat(indent.length) + text, { dim: true })]);
  if (result.interrupted !== null)
    lines.push([
      span(`${' '.repeat(indent.length)}ended early: ${clean(result.interrupted, glyphs)}`, {
        color: 'yellow',
      }),
    ]);
  const stopped = stallsText(result.stalls);
  if (stopped !== null) lines.push([span(' '.repeat(indent.length) + stopped, { color: 'yellow' })]);
  if (result.error !== null && result.error !== result.sentence) {
    for (const text of wrapped(result.error, width - indent.length, glyphs).slice(0, 6))
      lines.push([span(' '.repeat(indent.length) + text, { color: 'red' })]);
  }
  return lines;
}

const MARKS: Readonly<Record<ExpectationResult['status'], readonly [string, Style]>> = {
  pass: ['ok  ', { color: 'green' }],
  fail: ['FAIL', { bold: true, color: 'red' }],
  unknown: ['?   ', { color: 'yellow' }],
  skipped: ['skip', { dim: true }],
  'not-judged': ['n/a ', { dim: true }],
};

/** A table: mark, group, name, observation. A detail that is too long continues on the next line. */
function expectationLines({ expectations }: RunResult, width: number, glyphs: Glyphs): Line[] {
  const groupWidth = widest(expectations.map((item) => item.group));
  const nameWidth = Math.min(
    36,
    width - 4 - 2 - groupWidth - 2,
    widest(expectations.map((item) => clean(item.name, glyphs))),
  );
  const indent = 4 + 2 + groupWidth + 2 + nameWidth + 2;
  // If there is no room for the observation beside the name, it is on a separate line.
  const narrow = width - indent < 24;
  return expectations.flatMap((item): Line[] => {
    const [mark, style] = MARKS[item.status];
    const row: Line = [
      span(mark, style),
      span(`  ${item.group.padEnd(groupWidth)}  `, { dim: true }),
      ...fit([span(item.name)], nameWidth, glyphs),
    ];
    // A passed expectation needs one line; a failed one is shown in full.
    if (item.status === 'pass') {
      if (width - indent < 12) return [row];
      const seen = plainText(fit([span(item.detail)], width - indent, glyphs)).trimEnd();
      return [[...row, span(`  ${seen}`, { dim: true })]];
    }
    if (narrow) {
      const seen = wrapped(item.detail, width - 6, glyphs);
      return [row, ...seen.map((text): Line => [span(`      ${text}`, { dim: true })])];
    }
    const [first = '', ...rest] = wrapped(item.detail, width - indent, glyphs);
    return [
      [...row, span(`  ${first}`, { dim: true })],
      ...rest.map((text): Line => [span(' '.repeat(indent) + text, { dim: true })]),
    ];
  });
}

function figureLines({ counts, latencyMs, leaderGaps }: RunResult, width: number, glyphs: Glyphs): Line[] {
  const done = counts.operations;
  const ms = (value: number | null): string => (value === null ? '-' : `${latencyText(value)} ms`);
  const gaps = [...leaderGaps].sort((a, b) => b.to - b.from - (a.to - a.from));
  const total = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const longest = gaps
    .slice(0, GAPS_SHOWN)
    .map((gap) => `${durationText(gap.to - gap.from)} at ${clockText(gap.from, 1)}`);
  const times = gaps.length === 1 ? '1 time' : `${gaps.length} times`;
  const figures: readonly (readonly [label: string, ...parts: string[]])[] = [
    [
      'operations',
      countText(done),
      `ok ${countText(counts.ok)} (${percentText(counts.ok, done)})`,
      `fail ${countText(counts.fail)}`,
      `unknown ${countText(counts.info)}`,
    ],
    ['latency', `p50 ${ms(latencyMs.p50)}`, `p99 ${ms(latencyMs.p99)}`, `max ${ms(latencyMs.max)}`],
    [
      'faults',
      `${counts.faults} (${counts.manualFaults} by hand)`,
      `elections ${counts.elections}`,
      `node starts ${counts.nodeStarts}`,
    ],
    [
      'no leader',
      ...(gaps.length === 0
        ? ['never']
        : [times, `${durationText(total)} in all`, `longest ${longest.join(', ')}`]),
    ],
  ];
  return figures.flatMap(([label, ...parts]) => {
    const lines = joined(parts, '  ', width - 12).flatMap((text) =>
      cellsOf(text) <= width - 12 ? [text] : wrapped(text, width - 12, glyphs),
    );
    return lines.map((text, index): Line => [
      span((index === 0 ? label : '').padEnd(12), { dim: true }),
      span(text),
    ]);
  });
}

/** Puts as many parts on a line as fit; a part is never broken. */
function joined(parts: readonly string[], between: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && cellsOf(last) + between.length + cellsOf(part) <= width)
      lines[lines.length - 1] = last + between + part;
    else lines.push(part);
  }
  return lines;
}

/** The first violation: its prose, and the operations or node events that prove it. */
function counterexample(violation: Violation, result: RunResult, width: number, glyphs: Glyphs): Line[] {
  const key = violation.key === undefined ? '' : ` (key ${violation.key})`;
  const lines: Line[] = [
    [span(clean(`${violation.property}: ${violation.anomaly}${key}`, glyphs), { bold: true, color: 'red' })],
  ];
  for (const text of wrapped(violation.prose, width - 2, glyphs)) lines.push([span(`  ${text}`)]);
  for (const event of violation.events ?? []) {
    const [first = ''] = wrapped(`${clockText(event.t)}  ${event.node}  ${event.text}`, width - 2, glyphs);
    lines.push([span(`  ${first}`)]);
  }
  const { opIds = [], stuckId, stateBefore } = violation;
  if (stuckId !== undefined) {
    const value =
      stateBefore === undefined
        ? ''
        : `; the register held ${stateBefore === null ? 'nothing' : clean(stateBefore, glyphs)}`;
    lines.push(
      ...wrapped(`operation ${stuckId} cannot be placed${value}`, width - 2, glyphs).map((text): Line => [
        span(`  ${text}`),
      ]),
    );
  }
  if (opIds.length > 0)
    lines.push(
      ...wrapped(`operations ${opIds.join(', ')} of history.jsonl`, width - 2, glyphs).map((text): Line => [
        span(`  ${text}`, { dim: true }),
      ]),
    );
  const more = result.violations.length - 1;
  const last: Line[] = more > 0 ? [[span(`  and ${more} more, in the report`, { dim: true })]] : [];
  if (lines.length + last.length <= COUNTEREXAMPLE_LINES) return [...lines, ...last];
  const kept = lines.slice(0, COUNTEREXAMPLE_LINES - 1 - last.length);
  return [
    ...kept,
    [span(`  ${glyphs.ascii ? '...' : '…'} the rest is in the report`, { dim: true })],
    ...last,
  ];
}

function commandLines({ run, file, seed, links }: RunResult): Line[] {
  const stage = links.kind === 'simulated' ? ' --stage sim' : '';
  // These lines are never cut, because the user copies them.
  return [
    [span('report  '), span(`${printableLine(run)}/report.html`, { bold: true })],
    [
      span('again   '),
      span(`chaos run ${printableLine(shellWord(file))} --seed ${seed}${stage}`, { bold: true }),
    ],
  ];
}

/** Breaks at spaces, and inside a word only if it is longer than a line. */
function wrapped(text: string, width: number, glyphs: Glyphs): string[] {
  const lines: string[] = [];
  let line = '';
  for (const whole of clean(text, glyphs).split(' ')) {
    for (const word of pieces(whole, width)) {
      const joined = line === '' ? word : `${line} ${word}`;
      if (cellsOf(joined) <= width) line = joined;
      else {
        lines.push(line);
        line = word;
      }
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

function pieces(word: string, width: number): string[] {
  if (cellsOf(word) <= width) return [word];
  const characters = Array.from(word);
  // If the word has wide characters, half as many fit, because each takes two cells.
  const step = Math.max(1, cellsOf(word) === characters.length ? width : Math.floor(width / 2));
  return Array.from({ length: Math.ceil(characters.length / step) }, (_, index) =>
    characters.slice(index * step, (index + 1) * step).join(''),
  );
}

const widest = (texts: readonly string[]): number =>
  texts.reduce((most, text) => Math.max(most, cellsOf(text)), 0);
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
