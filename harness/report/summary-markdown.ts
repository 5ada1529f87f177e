import type { ExpectationResult } from '../result.ts';
import { clipped, count, duration, latency, moment, share } from './format.ts';
import { visible } from './markup.ts';
import type { ReportModel } from './model/model.ts';
import { commandText } from './page/tables.ts';

/** GitHub refuses a step's summary over 1 MiB; a page of many scenarios' summaries stays readable with this much each. */
export const MOST_SUMMARY_BYTES = 60_000;

const VERDICT_MARK = { pass: '✅', violation: '❌', inconclusive: '⚠️', error: '💥' } as const;
const STATUS_MARK: Readonly<Record<ExpectationResult['status'], string>> = {
  pass: '✅',
  fail: '❌',
  unknown: '❔',
  skipped: '➖',
};
const MOST_ROWS = 100;
const LONGEST_CELL = 400;

/** `summary.md`: for a CI job's page. Verdict, expectations, violations, faults; at most 60 kB, cut at a whole part. */
export function summaryMarkdown(model: ReportModel): string {
  const { result } = model;
  const { counts, latencyMs } = result;
  const longest = Math.max(0, ...result.leaderGaps.map((gap) => gap.to - gap.from));
  const parts = [
    `## ${VERDICT_MARK[result.verdict]} ${cell(result.scenario)}: ${result.verdict.toUpperCase()}\n\n${cell(result.sentence, 2_000)}`,
    result.error === null ? '' : fenced(clipped(result.error, 4_000)),
    `${count(counts.operations)} operations: ${count(counts.ok)} ok (${share(counts.ok, counts.operations)}), ${count(counts.fail)} failed, ${count(counts.info)} unknown · p50 ${latency(latencyMs.p50)}, p99 ${latency(latencyMs.p99)} · ${count(counts.elections)} elections · longest without a leader ${duration(longest)} · seed ${result.seed} · ${cell(result.links.kind)} ${cell(result.links.version)}`,
    expectations(result.expectations),
    ...result.violations
      .slice(0, 10)
      .map(
        (v, i) =>
          `### ${i + 1}. ${cell(v.anomaly)} (${cell(v.property)}${v.key === undefined ? '' : `, key ${cell(v.key)}`})\n\n${cell(v.prose, 4_000)}`,
      ),
    result.violations.length > 10
      ? `${result.violations.length - 10} more violations are in \`result.json\`.`
      : '',
    faults(model),
    `Run it again:\n\n${fenced(commandText(result))}`,
  ].filter((part) => part !== '');
  return limited(parts);
}

function expectations(all: readonly ExpectationResult[]): string {
  if (all.length === 0) return 'No expectation was judged.';
  const rank = { fail: 0, unknown: 1, pass: 2, skipped: 3 } as const;
  const rows = all
    .toSorted((a, b) => rank[a.status] - rank[b.status])
    .slice(0, MOST_ROWS)
    .map(
      (e) => `| ${STATUS_MARK[e.status]} ${e.status} | ${cell(e.name)} | ${e.group} | ${cell(e.detail)} |`,
    );
  return [
    '| | expectation | group | what was seen |',
    '|---|---|---|---|',
    ...rows,
    ...(all.length > MOST_ROWS ? [`| | ${all.length - MOST_ROWS} more | | |`] : []),
  ].join('\n');
}

function faults({ faults: all }: ReportModel): string {
  if (all.length === 0) return 'No fault was injected.';
  const rows = all
    .slice(0, MOST_ROWS)
    .map(
      (f) =>
        `| ${f.label} | ${cell(f.text)} | ${f.end === 'failed' ? 'failed' : moment(f.from)} | ${f.end === 'healed' ? moment(f.to) : f.end === 'open' ? 'never healed' : '–'} | ${f.by} |`,
    );
  return [
    '| | fault | from | to | by |',
    '|---|---|---:|---:|---|',
    ...rows,
    ...(all.length > MOST_ROWS ? [`| | ${all.length - MOST_ROWS} more | | | |`] : []),
  ].join('\n');
}

/** One line that is text and nothing else: no table's bar, no HTML, no link, no mention, no markup. */
function cell(text: string, limit = LONGEST_CELL): string {
  return clipped(visible(text).replaceAll(/\s+/g, ' ').trim(), limit)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]|~#]/g, (c) => `\\${c}`)
    .replaceAll('@', '&#64;')
    .replaceAll('://', ':&#47;&#47;');
}

/** The fence is longer than any run of backticks within. */
function fenced(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}\n${visible(text)}\n${fence}`;
}

function limited(parts: readonly string[]): string {
  const note = 'The rest is left out here: see `report.html`.';
  let text = '';
  for (const part of parts) {
    const next = `${text}${part}\n\n`;
    if (Buffer.byteLength(next) > MOST_SUMMARY_BYTES - note.length - 1) return `${text}${note}\n`;
    text = next;
  }
  return text;
}
