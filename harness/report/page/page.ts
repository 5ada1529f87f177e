import { readFileSync } from 'node:fs';
import { clipped, plural } from '../format.ts';
import { markup, nothing } from '../markup.ts';
import type { Markup } from '../markup.ts';
import type { FaultSpan } from '../model/faults.ts';
import type { ReportModel } from '../model/model.ts';
import { closeUp } from './close-up.ts';
import { environment } from './environment.ts';
import type { Backdrop } from './figure.ts';
import { linkLanesPicture, roleLanes } from './lanes.ts';
import { operations } from './operations.ts';
import { overview } from './overview.ts';
import { readoutData } from './readout.ts';
import { phaseTable } from './phase-table.ts';
import { pageHead, section, wholePage } from './shell.ts';
import { expectationTable, faultTable, figures, leadershipTables } from './tables.ts';
import { stallsText } from '../../stall.ts';

const SCRIPT = readFileSync(new URL('./page.js', import.meta.url), 'utf8');

const MOST_VIOLATIONS = 12;
const LONGEST_ERROR = 16_384;
const MOST_SHADES = 250;

/** One titled part of the page. */
interface Section {
  /** The element's id, for links to it. */
  readonly id: string;
  readonly title: string;
  readonly draw: (model: ReportModel, backdrop: Backdrop) => Markup;
}

/** Pictures over the time of the run. They have the same time axis, and the page's script zooms them together. */
const TIMELINE: readonly Section[] = [
  { id: 'overview', title: 'Overview', draw: overview },
  { id: 'roles', title: 'Roles and terms', draw: roleLanes },
  { id: 'links', title: 'Links', draw: linkLanesPicture },
];

/** Sections after the violations, from top to bottom. */
const DETAILS: readonly Section[] = [
  { id: 'faults', title: 'Faults', draw: faultTable },
  { id: 'latency', title: 'Latency by phase', draw: phaseTable },
  { id: 'operations', title: 'Operations around the faults', draw: operations },
  { id: 'leadership', title: 'Leadership', draw: leadershipTables },
  { id: 'environment', title: 'Environment', draw: environment },
];

/**
 * `report.html`: one file, no network, complete without scripts. A new picture needs a file and a line in a list above.
 */
export function reportPage(model: ReportModel): string {
  const { result } = model;
  const frame = { from: 0, to: model.endMs };
  const backdrop: Backdrop = { frame, faults: shadedFaults(model), violationTimes: model.violationTimes };
  const drawn = (sections: readonly Section[]): readonly Markup[] =>
    sections.map(({ id, title, draw }) => markup`${section(id, title, draw(model, backdrop))}\n`);
  return wholePage({
    title: `${result.verdict.toUpperCase()}: ${result.scenario}, seed ${result.seed}`,
    head: head(model),
    script: SCRIPT,
    data: readoutData(model),
    main: markup`${figures(model)}
${section('expectations', 'Expectations', expectationTable(model))}
<div id="timeline">
${drawn(TIMELINE)}</div>
${violations(model)}
${drawn(DETAILS)}`,
  });
}

/**
 * Only the longest faults, in order of time: the shades of a link that is cut a thousand times would hide everything
 * else.
 */
function shadedFaults({ faults }: ReportModel): readonly FaultSpan[] {
  if (faults.length <= MOST_SHADES) return faults;
  const longest = faults.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_SHADES);
  return longest.sort((a, b) => a.from - b.from);
}

function head(model: ReportModel): Markup {
  const { result } = model;
  const stopped = stallsText(result.stalls);
  const facts = [
    result.scenario,
    `seed ${result.seed}`,
    plural(result.nodes.length, 'node'),
    linksWords(model),
    result.startedAt,
    ...(result.interrupted === null ? [] : [`interrupted by ${result.interrupted}`]),
    ...(stopped === null ? [] : [stopped]),
    `exit ${result.exitCode}`,
  ];
  const error =
    result.error === null
      ? nothing
      : markup`<pre class="error">${clipped(result.error, LONGEST_ERROR)}</pre>`;
  return pageHead({
    verdict: result.verdict,
    sentence: result.sentence,
    below: markup`<p>${facts.join(' · ')}</p>
${error}`,
  });
}

function violations(model: ReportModel): Markup {
  const all = model.result.violations;
  if (all.length === 0) return nothing;
  const more = all.length - MOST_VIOLATIONS;
  return section(
    'violations',
    all.length === 1 ? 'The violation, close up' : 'The violations, close up',
    markup`${all.slice(0, MOST_VIOLATIONS).map((violation, i) => closeUp(violation, i, model))}
${more > 0 ? markup`<p class="aside">${more} more are in <code>result.json</code>.</p>` : nothing}`,
  );
}

function linksWords({ result: { links } }: ReportModel): string {
  if (links.kind === 'simulated') return 'simulated, under virtual time';
  if (links.kind === 'builtin') return `built-in Toxiproxy ${links.version}`;
  return `Toxiproxy ${links.version}${links.kind === 'external' ? ` at ${links.url}` : ''}`;
}
