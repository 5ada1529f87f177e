import type { ExpectationResult, RunResult, Violation } from '../result.ts';
import { clipped, count, duration, latency, moment, share } from './format.ts';
import { printable } from '../printable.ts';
import type { ReportModel } from './model/model.ts';
import { commandText } from './page/command.ts';
import { stallsText } from '../stall.ts';

/** Maximum size of the summary of one run. GitHub refuses more than 1 MiB per step, which can run many scenarios. */
export const MOST_SUMMARY_BYTES = 60_000;

const VERDICT_MARK = { pass: '✅', violation: '❌', inconclusive: '⚠️', error: '💥' } as const;
const STATUS_MARK: Readonly<Record<ExpectationResult['status'], string>> = {
  pass: '✅',
  fail: '❌',
  unknown: '❔',
  skipped: '➖',
  'not-judged': '➖',
};
const MOST_ROWS = 100;
const LONGEST_CELL = 400;

/** `summary.md`, for the page of a CI job: verdict, expectations, violations, faults; at most 60 kB. */
export function summaryMarkdown(model: ReportModel): string {
  const { result } = model;
  const parts = [
    `## ${VERDICT_MARK[result.verdict]} ${cell(result.scenario)}: ${result.verdict.toUpperCase()}`,
    cell(result.sentence, 2_000),
    result.error === null ? '' : fenced(clipped(result.error, 4_000)),
    figures(result),
    expectations(result.expectations),
    ...result.violations.slice(0, 10).map(violation),
    result.violations.length > 10
      ? `${result.violations.length - 10} more violations are in \`result.json\`.`
      : '',
    faults(model),
    `Run it again:\n\n${fenced(commandText(result))}`,
  ].filter((part) => part !== '');
  return limited(parts);
}

function figures({ counts, latencyMs, leaderGaps, seed, links, stalls }: RunResult): string {
  const stopped = stallsText(stalls);
  const longest = Math.max(0, ...leaderGaps.map((gap) => gap.to - gap.from));
  const outcomes = [
    `${count(counts.ok)} ok (${share(counts.ok, counts.operations)})`,
    `${count(counts.fail)} failed`,
    `${count(counts.info)} unknown`,
  ];
  return [
    `${count(counts.operations)} operations: ${outcomes.join(', ')}`,
    `p50 ${latency(latencyMs.p50)}, p99 ${latency(latencyMs.p99)}`,
    `${count(counts.elections)} elections, longest without a leader ${duration(longest)}`,
    `seed ${seed}`,
    `links: ${cell(links.kind)} ${cell(links.version)}`,
    ...(stopped === null ? [] : [stopped]),
  ].join(' · ');
}

function expectations(all: readonly ExpectationResult[]): string {
  if (all.length === 0) return 'No expectation was judged.';
  const rank = { fail: 0, unknown: 1, pass: 2, skipped: 3, 'not-judged': 4 } as const;
  const rows = all
    .toSorted((a, b) => rank[a.status] - rank[b.status])
    .slice(0, MOST_ROWS)
    .map(
      (e) =>
        `| ${STATUS_MARK[e.status]} ${e.status.replace('-', ' ')} | ${cell(e.name)} | ${e.group} | ${cell(e.detail)} |`,
    );
  return [
    '| | expectation | group | what was seen |',
    '|---|---|---|---|',
    ...rows,
    ...(all.length > MOST_ROWS ? [`| | ${all.length - MOST_ROWS} more | | |`] : []),
  ].join('\n');
}

function violation({ anomaly, property, key, prose }: Violation, index: number): string {
  const about = key === undefined ? cell(property) : `${cell(property)}, key ${cell(key)}`;
  return `### ${index + 1}. ${cell(anomaly)} (${about})\n\n${cell(prose, 4_000)}`;
}

function faults({ faults: all }: ReportModel): string {
  if (all.length === 0) return 'No fault was injected.';
  const rows = all.slice(0, MOST_ROWS).map((f) => {
    const from = f.end === 'failed' ? 'failed' : moment(f.from);
    const to = f.end === 'healed' ? moment(f.to) : f.end === 'open' ? 'never healed' : '–';
    return `| ${f.label} | ${cell(f.text)} | ${from} | ${to} | ${f.by} |`;
  });
  return [
    '| | fault | from | to | by |',
    '|---|---|---:|---:|---|',
    ...rows,
    ...(all.length > MOST_ROWS ? [`| | ${all.length - MOST_ROWS} more | | | |`] : []),
  ].join('\n');
}

/** One line of plain text: every character that could be markup, a link, a mention or a cell's border is escaped. */
function cell(text: string, limit = LONGEST_CELL): string {
  return clipped(printable(text).replaceAll(/\s+/g, ' ').trim(), limit)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]|~#]/g, (c) => `\\${c}`)
    .replaceAll('@', '&#64;')
    .replaceAll('://', ':&#47;&#47;');
}

/** A code block whose fence is longer than any sequence of backticks in the text. */
function fenced(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}\n${printable(text)}\n${fence}`;
}

/** A part that does not fit is left out as a whole, because half a table is useless. */
function limited(parts: readonly string[]): string {
  const note = 'Some parts do not fit here; see `report.html`.\n';
  let text = '';
  let whole = true;
  for (const part of parts) {
    const next = `${text}${part}\n\n`;
    if (Buffer.byteLength(next) <= MOST_SUMMARY_BYTES - note.length) text = next;
    else whole = false;
  }
  return whole ? text : `${text}${note}`;
}
