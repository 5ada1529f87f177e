import { styleText } from 'node:util';
import type { KeyResult } from '../../checker/linearizable.ts';
import type { Op } from '../../history/op.ts';
import type { HistoryClock, ImportedHistory } from '../../history/formats/history.ts';
import { asciiCloseUp, CLOSE_UP_LEGEND, operationsOf } from '../../report/ascii-close-up.ts';
import { clipped, count, duration } from '../../report/format.ts';
import { type JudgedHistory, sentenceOf } from '../../report/judged-history.ts';
import { printable } from '../../printable.ts';
import { said } from '../../report/page/values.ts';
import type { Violation } from '../../result.ts';

const MOST_KEYS = 20;
const MOST_VIOLATIONS = 5;
const WIDEST_KEY = 32;
const MARK = {
  linearizable: { sign: '✓', colour: 'green' },
  violation: { sign: '✗', colour: 'red' },
  unknown: { sign: '?', colour: 'yellow' },
} as const;
/** Nothing was judged, so nothing is right or wrong. */
const EMPTY_MARK = { sign: '-', colour: 'yellow' } as const;

/** Output of `chaos check` for people: the verdict, a table of keys, each anomaly with the operations that prove it. */
export function checkText(judged: JudgedHistory, width: number): string {
  const { history, result } = judged;
  const { verdict, violations } = result;
  const { colour, sign } = history.ops.length === 0 ? EMPTY_MARK : MARK[verdict];
  const mark = styleText(colour, sign, { stream: process.stdout });
  const shown = violations.slice(0, MOST_VIOLATIONS);
  const parts = [
    `${mark} ${wrapped(printable(sentenceOf(judged)), width - 2).join('\n  ')}`,
    [...facts(judged), ...history.notes, ...judged.hints.map(printable)]
      .flatMap((fact) => wrapped(printable(fact), width - 2))
      .map((line) => `  ${line}`)
      .join('\n'),
    ...(result.keys.length === 0 ? [] : [keyTable(judged)]),
    ...unknownKeys(result.keys, width),
    ...shown.map((violation) => violationText(violation, judged, width)),
    ...(violations.length > shown.length
      ? [`… and ${violations.length - shown.length} more violations: --json and --html have all.`]
      : []),
  ];
  return parts.join('\n\n');
}

function facts({ history, model, casFail, result, readMs, unprovenCas }: JudgedHistory): readonly string[] {
  const { format } = history;
  if (format === null) return [];
  const isOf = count(unprovenCas);
  const cas =
    unprovenCas === 0
      ? []
      : casFail === undefined
        ? [`${isOf} failed cas without a reason that proves another value: they prove nothing.`]
        : [`${isOf} failed cas taken as ${CAS_FAIL_WORDS[casFail]} (--cas-fail ${casFail}).`];
  return [
    `Read as ${format} in ${duration(readMs)}, judged as ${model} in ${duration(result.tookMs)}.`,
    ...cas,
  ];
}

const CAS_FAIL_WORDS = {
  mismatch: '“the value was another”',
  nothing: '“it did not happen”',
} as const;

/** Violations come first, then unknown keys, then a limited number of linearizable ones. */
function keyTable({ result: { keys }, history: { ops } }: JudgedHistory): string {
  const rank = { violation: 0, unknown: 1, linearizable: 2 } as const;
  const rows = keys.toSorted((a, b) => rank[a.verdict] - rank[b.verdict]).slice(0, MOST_KEYS);
  const tallies = tallyByKey(ops);
  const table = aligned(
    [
      ['key', 'operations', 'ok', 'failed', 'unknown', 'judged in', 'verdict'],
      ...rows.map((key) => {
        const { ok, fail, info } = tallies.get(key.key) ?? { ok: 0, fail: 0, info: 0 };
        return [
          clipped(printable(key.key), WIDEST_KEY),
          count(key.operations),
          count(ok),
          count(fail),
          count(info),
          duration(key.tookMs),
          `${MARK[key.verdict].sign} ${key.verdict}`,
        ];
      }),
    ],
    [1, 2, 3, 4, 5],
  );
  const more = keys.length - rows.length;
  return [...table, ...(more > 0 ? [`… and ${count(more)} more keys`] : [])]
    .map((line) => `  ${line}`)
    .join('\n');
}

function tallyByKey(ops: readonly Op[]): ReadonlyMap<string, Record<Op['outcome'], number>> {
  const tallies = new Map<string, Record<Op['outcome'], number>>();
  for (const { key, outcome } of ops) {
    const tally = tallies.get(key) ?? { ok: 0, fail: 0, info: 0 };
    tally[outcome]++;
    tallies.set(key, tally);
  }
  return tallies;
}

function unknownKeys(keys: readonly KeyResult[], width: number): readonly string[] {
  const open = keys.filter((key) => key.verdict === 'unknown');
  if (open.length === 0) return [];
  const lines = open
    .slice(0, MOST_KEYS)
    .flatMap((key) =>
      wrapped(`Key ${printable(key.key)} is not decided: ${printable(key.detail)}.`, width - 2),
    );
  return [
    [...lines, 'More time may decide it: --limit 10m, --memory 4GB; --key judges one key alone.']
      .map((line) => `  ${line}`)
      .join('\n'),
  ];
}

function violationText(violation: Violation, { history }: JudgedHistory, width: number): string {
  const { ops, total } = operationsOf(violation, history.ops);
  const heading = `Key ${printable(violation.key ?? '')}: ${violation.anomaly}`;
  const prose = wrapped(printable(withoutKey(violation)), width - 2);
  const table = operationTable(ops, violation, history);
  const cut = total > ops.length ? [`(${ops.length} of ${total} operations of the window)`] : [];
  return [
    styleText('bold', heading, { stream: process.stdout }),
    ...prose.map((line) => `  ${line}`),
    '',
    ...[...table, ...cut].map((line) => `  ${line}`),
    '',
    ...asciiCloseUp(ops, violation, width - 2, history.processNames).map((line) => `  ${line}`),
    ...CLOSE_UP_LEGEND.map((line) => `  ${line}`),
  ].join('\n');
}

/** The heading names the key already. */
function withoutKey({ key, prose }: Violation): string {
  const prefix = `Key ${key}: `;
  return prose.startsWith(prefix) ? prose.slice(prefix.length) : prose;
}

function operationTable(
  ops: readonly Op[],
  violation: Violation,
  { ops: all, lines, clock, processNames }: ImportedHistory,
): readonly string[] {
  const indexOf = new Map(all.map((op, i) => [op.id, i]));
  const rows = ops.map((op) => {
    const i = indexOf.get(op.id)!;
    const times = [
      momentWords(op.call, clock),
      op.outcome === 'info' ? 'never' : momentWords(op.return, clock),
    ];
    return [
      `#${op.id}`,
      printable(processNames.get(op.process) ?? String(op.process)),
      printable(said(op)),
      lineWords(lines.calls[i]!, lines.returns[i]!),
      ...(clock === 'line' ? [] : times),
      op.outcome === 'info' ? 'unknown' : op.outcome,
      orderWords(op.id, violation),
    ];
  });
  const times = clock === 'line' ? [] : ['began', 'ended'];
  const heads = ['op', 'process', 'operation', 'lines', ...times, 'outcome', 'order'];
  return aligned([heads, ...rows], [0, 1, 3, ...(clock === 'line' ? [] : [4, 5])]);
}

const lineWords = (call: number, end: number): string => (end === 0 ? `${call}` : `${call}-${end}`);

function orderWords(id: number, { linearizedIds, stuckId }: Violation): string {
  if (id === stuckId) return 'X';
  const order = linearizedIds?.indexOf(id) ?? -1;
  return order < 0 ? '' : String(order + 1);
}

/** `1.204731 s`; `event 17` of a history without times. */
const momentWords = (t: number, clock: HistoryClock): string =>
  clock === 'time' ? `${(t / 1_000).toFixed(6).replace(/0{1,3}$/, '')} s` : `${clock} ${t}`;

/** Rows as columns two spaces apart; those of `right` are set to the right. */
function aligned(rows: readonly (readonly string[])[], right: readonly number[]): readonly string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** Breaks lines at spaces; a word that is too long stays whole. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
