import type { ExpectationGroup, ExpectationResult, RunResult } from '../../result.ts';
import { count, duration, latency, moment, plural, share } from '../format.ts';
import { html, joined, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { faultsDuring } from '../model/faults.ts';
import type { FaultSpan } from '../model/faults.ts';
import type { ReportModel } from '../model/model.ts';
import { NEIGHBOURHOOD_MS } from '../model/phases.ts';
import type { FaultPhases, PhaseStats } from '../model/phases.ts';

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
};

/** What failed comes first; else in the order in which the scenario says it. */
export function expectationTable({ result }: ReportModel): Markup {
  if (result.expectations.length === 0) return html`<p class="none">No expectation was judged.</p>`;
  const rank = { fail: 0, unknown: 1, pass: 2, skipped: 3 } as const;
  const sorted = result.expectations.toSorted((a, b) => rank[a.status] - rank[b.status]);
  return html`<div class="scroll">
    <table class="expectations">
      <thead>
        <tr>
          <th></th>
          <th>expectation</th>
          <th>group</th>
          <th>what was seen</th>
          <th class="n">line</th>
        </tr>
      </thead>
      <tbody>
        ${sorted.map(
          (e) =>
            html`<tr class="${e.status}">
              <td class="mark">${STATUS_MARK[e.status]} ${e.status}</td>
              <td class="m">${e.name}</td>
              <td>${GROUP_NAMES[e.group]}</td>
              <td>${e.detail}</td>
              <td class="n">${e.line === undefined ? nothing : html`<a href="#L${e.line}">${e.line}</a>`}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
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
      counts.manualFaults > 0 ? `${plural(counts.manualFaults, 'more')} by hand` : 'all by the scenario',
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
  return html`<dl class="figures">
    ${facts.map(
      ([name, value, more]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}<small>${more}</small></dd>
        </div>`,
    )}
  </dl>`;
}

export function faultTable({ faults }: ReportModel): Markup {
  if (faults.length === 0) return html`<p class="none">No fault was injected.</p>`;
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th></th>
          <th>fault</th>
          <th>by</th>
          <th class="n">asked</th>
          <th class="n">confirmed</th>
          <th class="n">healed</th>
          <th class="n">in force</th>
          <th>remark</th>
        </tr>
      </thead>
      <tbody>
        ${faults.map(
          (f) =>
            html`<tr class="${f.end === 'failed' ? 'fail' : ''}" data-zoom="${f.from} ${f.to}">
              <th scope="row">${f.label}</th>
              <td>${f.text}</td>
              <td>${f.by === 'manual' ? 'hand' : f.by}</td>
              <td class="n">${moment(f.requested)}</td>
              <td class="n">${f.end === 'failed' ? '–' : moment(f.from)}</td>
              <td class="n">${f.end === 'healed' ? moment(f.to) : '–'}</td>
              <td class="n">${f.end === 'moment' || f.end === 'failed' ? '–' : duration(f.to - f.from)}</td>
              <td>${[remarkOn(f), f.detail].filter((s) => s !== null).join('; ')}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
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

/** p99.9 of fewer than a thousand operations is their maximum, and is shown faint. */
export function phaseTable({ byFault }: ReportModel): Markup {
  const seen = byFault.filter(({ phases }) => phases.some((p) => p.ok + p.fail + p.info > 0));
  if (seen.length === 0) return html`<p class="none">No operation was invoked around a fault.</p>`;
  return html`<div class="scroll">
      <table class="phases">
        <thead>
          <tr>
            <th></th>
            <th>phase</th>
            <th class="n">length</th>
            <th class="n">ops</th>
            <th class="n">ok</th>
            <th class="n">failed</th>
            <th class="n">unknown</th>
            <th class="n">ok/s</th>
            <th class="n">p50</th>
            <th class="n">p99</th>
            <th class="n">p99.9</th>
            <th class="n">max</th>
          </tr>
        </thead>
        ${seen.map(phaseRows)}
      </table>
    </div>
    <p class="aside">
      Operations by the moment of their invocation; latencies are of the ok ones. Before and after: up to
      ${duration(NEIGHBOURHOOD_MS)} beside the fault. Faint: too few operations for that quantile, so it is
      their maximum.
    </p>`;
}

function phaseRows({ fault, phases }: FaultPhases): Markup {
  const faint = (p: PhaseStats, needed: number): string => (p.ok < needed ? 'n faint' : 'n');
  return html`<tbody>
    ${phases.map((p, i) => {
      const ops = p.ok + p.fail + p.info;
      const seconds = (p.to - p.from) / 1000;
      return html`<tr class="${p.phase}">
        ${i === 0 ? html`<th scope="rowgroup" rowspan="${phases.length}" title="${fault.text}">${fault.label}</th>` : nothing}
        <td>${p.phase}${p.phase === 'during' ? ` ${fault.text}` : ''}</td>
        <td class="n">${duration(p.to - p.from)}</td>
        <td class="n">${count(ops)}</td>
        <td class="n">${count(p.ok)}</td>
        <td class="n">${count(p.fail)}</td>
        <td class="n">${count(p.info)}</td>
        <td class="n">${seconds > 0 ? count(p.ok / seconds) : '–'}</td>
        <td class="n">${latency(p.p50)}</td>
        <td class="${faint(p, 100)}">${latency(p.p99)}</td>
        <td class="${faint(p, 1000)}">${latency(p.p999)}</td>
        <td class="n">${latency(p.max)}</td>
      </tr>`;
    })}
  </tbody>`;
}

const MOST_ROWS = 200;

export function leadershipTables({ result, elections, faults }: ReportModel): Markup {
  const gaps = result.leaderGaps;
  const gapRows = gaps.slice(0, MOST_ROWS).map(
    (gap) =>
      html`<tr>
        <td class="n">${moment(gap.from)}</td>
        <td class="n">${moment(gap.to)}</td>
        <td class="n">${duration(gap.to - gap.from)}</td>
        <td>
          ${
            faultsDuring(faults, gap.from, gap.to)
              .map((f) => `${f.label} ${f.text}`)
              .join('; ') || '–'
          }
        </td>
      </tr>`,
  );
  const electionRows = elections.slice(0, MOST_ROWS).map(
    (e) =>
      html`<tr>
        <td class="n">${moment(e.t)}</td>
        <td>${e.node}</td>
        <td class="n">${e.term}</td>
        <td class="n">${e.tookMs === null ? '–' : duration(e.tookMs)}</td>
      </tr>`,
  );
  const more = Math.max(gaps.length, elections.length) > MOST_ROWS;
  return html`<div class="pair">
      <div class="scroll">
        <table>
          <caption>
            ${gaps.length === 0 ? 'There always was a leader' : 'Without a leader'}
          </caption>
          ${
            gaps.length === 0
              ? nothing
              : html`<thead>
                    <tr>
                      <th class="n">from</th>
                      <th class="n">to</th>
                      <th class="n">for</th>
                      <th>faults meanwhile</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${joined(gapRows)}
                  </tbody>`
          }
        </table>
      </div>
      <div class="scroll">
        <table>
          <caption>
            ${elections.length === 0 ? 'No election was seen' : 'Elections won'}
          </caption>
          ${
            elections.length === 0
              ? nothing
              : html`<thead>
                    <tr>
                      <th class="n">at</th>
                      <th>leader</th>
                      <th class="n">term</th>
                      <th class="n">since candidacy</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${joined(electionRows)}
                  </tbody>`
          }
        </table>
      </div>
    </div>
    ${more ? html`<p class="aside">The first ${MOST_ROWS} of each.</p>` : nothing}`;
}

/** Ready to paste: words that a shell would take apart are quoted. */
export function commandText({ environment, seed }: RunResult): string {
  const words = [...environment.command];
  if (!words.some((word) => word === '--seed' || word.startsWith('--seed=')))
    words.push('--seed', String(seed));
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
