import type { ExpectationGroup, ExpectationResult } from '../../result.ts';
import { clipped, count, duration, latency, moment, plural, share } from '../format.ts';
import { markup, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { faultsDuring } from '../model/faults.ts';
import type { FaultSpan } from '../model/faults.ts';
import type { ReportModel } from '../model/model.ts';
import { code, num, table, td, tr } from './table.ts';

const GROUP_NAMES: Readonly<Record<ExpectationGroup, string>> = {
  steady: 'before the faults',
  steps: 'steps',
  always: 'always',
  during: 'during a window',
  recovery: 'recovery',
  'not-vacuous': 'not vacuous',
};
const STATUS_MARK: Readonly<Record<ExpectationResult['status'], string>> = {
  pass: '✓',
  fail: '✗',
  unknown: '?',
  skipped: '–',
  'not-judged': '–',
};

const LONGEST_DETAIL = 4_000;

/** Failed expectations come first; the others are in the order of the scenario. */
export function expectationTable({ result }: ReportModel): Markup {
  if (result.expectations.length === 0) return markup`<p class="none">No expectation was judged.</p>`;
  const rank = { fail: 0, unknown: 1, pass: 2, skipped: 3, 'not-judged': 4 } as const;
  const rows = result.expectations
    .toSorted((a, b) => rank[a.status] - rank[b.status])
    .map((e) =>
      tr(
        [
          markup`<td class="mark">${STATUS_MARK[e.status]} ${e.status.replace('-', ' ')}</td>`,
          code(e.name),
          td(GROUP_NAMES[e.group]),
          td(clipped(e.detail, LONGEST_DETAIL)),
          num(e.line === undefined ? '' : markup`<a href="#L${e.line}">${e.line}</a>`),
        ],
        e.status,
      ),
    );
  const columns = ['', 'expectation', 'group', 'what was seen', '#line'];
  return table({ className: 'expectations', columns, body: markup`<tbody>${rows}</tbody>` });
}

/** The run in eight figures. */
export function figures({ result, elections }: ReportModel): Markup {
  const { counts, latencyMs, leaderGaps } = result;
  const gaps = leaderGaps.map((gap) => gap.to - gap.from);
  const leaderless = gaps.reduce((sum, gap) => sum + gap, 0);
  const facts: [string, string, string][] = [
    ['operations', count(counts.operations), `${share(counts.ok, counts.operations)} ok`],
    ['failed', count(counts.fail), 'definitely did not happen'],
    ['unknown', count(counts.info), 'may have happened'],
    ['latency p50', latency(latencyMs.p50), `p99 ${latency(latencyMs.p99)}`],
    [
      'faults',
      count(counts.faults),
      counts.manualFaults > 0 ? `${count(counts.manualFaults)} by hand` : 'none by hand',
    ],
    [
      'elections',
      count(Math.max(counts.elections, elections.length)),
      plural(counts.nodeStarts, 'node start'),
    ],
    [
      'without leader',
      duration(leaderless),
      gaps.length === 0 ? 'never' : `longest ${duration(Math.max(...gaps))}`,
    ],
    ['run', duration(result.durationMs), `seed ${result.seed}`],
  ];
  return markup`<dl class="figures">${facts.map(
    ([name, value, more]) => markup`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>\n`,
  )}</dl>`;
}

const MOST_FAULTS = 250;

export function faultTable({ faults }: ReportModel): Markup {
  if (faults.length === 0) return markup`<p class="none">No fault was injected.</p>`;
  const rows = faults.slice(0, MOST_FAULTS).map((f) => {
    const momentary = f.end === 'moment' || f.end === 'failed';
    const cells = [
      markup`<th scope="row">${f.label}</th>`,
      td(f.text),
      td(f.by === 'manual' ? 'hand' : f.by),
      num(moment(f.requested)),
      num(f.end === 'failed' ? '–' : moment(f.from)),
      num(f.end === 'healed' ? moment(f.to) : '–'),
      num(momentary ? '–' : duration(f.to - f.from)),
      td([remarkOn(f), f.detail].filter((s) => s !== null).join('; ')),
    ];
    return markup`<tr data-zoom="${f.from} ${f.to}">${cells}</tr>\n`;
  });
  const more =
    faults.length > MOST_FAULTS
      ? markup`<p class="aside">The first ${MOST_FAULTS} of ${count(faults.length)}: <code>result.json</code> has all.
The pictures shade the longest.</p>`
      : nothing;
  const shown = table({
    columns: ['', 'fault', 'by', '#asked', '#confirmed', '#healed', '#in effect', 'remark'],
    body: markup`<tbody>${rows}</tbody>`,
  });
  return markup`${shown}${more}`;
}

function remarkOn(fault: FaultSpan): string | null {
  switch (fault.end) {
    case 'failed':
      return 'could not be injected';
    case 'open':
      return 'never healed';
    case 'moment':
      return 'over at once';
    case 'healed':
      return null;
    default:
      return fault.end satisfies never;
  }
}

const MOST_ROWS = 200;

export function leadershipTables({ result, elections, faults }: ReportModel): Markup {
  const gaps = result.leaderGaps;
  const gapRows = gaps.slice(0, MOST_ROWS).map((gap) => {
    const meanwhile = faultsDuring(faults, gap.from, gap.to).map((f) => `${f.label} ${f.text}`);
    return tr([
      num(moment(gap.from)),
      num(moment(gap.to)),
      num(duration(gap.to - gap.from)),
      td(meanwhile.join('; ') || '–'),
    ]);
  });
  const electionRows = elections
    .slice(0, MOST_ROWS)
    .map((e) =>
      tr([num(moment(e.t)), td(e.node), num(e.term), num(e.tookMs === null ? '–' : duration(e.tookMs))]),
    );
  const more = Math.max(gaps.length, elections.length) > MOST_ROWS;
  return markup`<div class="pair">
${table({
  caption: gaps.length === 0 ? 'There always was a leader' : 'Without a leader',
  columns: gaps.length === 0 ? [] : ['#from', '#to', '#for', 'faults meanwhile'],
  body: markup`<tbody>${gapRows}</tbody>`,
})}
${table({
  caption: elections.length === 0 ? 'No election was seen' : 'Elections won',
  columns: elections.length === 0 ? [] : ['#at', 'leader', '#term', '#since candidacy'],
  body: markup`<tbody>${electionRows}</tbody>`,
})}</div>
${more ? markup`<p class="aside">The first ${MOST_ROWS} of each.</p>` : nothing}`;
}
