import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Verdict } from '../../event.ts';
import { clipped, plural } from '../format.ts';
import { markup, nothing, scriptJson, trusted } from '../markup.ts';
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
import { expectationTable, faultTable, figures, leadershipTables } from './tables.ts';

const STYLE = readFileSync(new URL('./page.css', import.meta.url), 'utf8');
const SCRIPT = readFileSync(new URL('./page.js', import.meta.url), 'utf8');
const hashed = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
/** Nothing is fetched, and no script runs but ours: not even one that escaped our escaping. */
const POLICY = [
  "default-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "style-src 'unsafe-inline'",
  `script-src ${hashed(SCRIPT)}`,
].join('; ');

const MARK: Readonly<Record<Verdict, string>> = { pass: '✓', violation: '✗', inconclusive: '?', error: '!' };
const MOST_VIOLATIONS = 12;
const LONGEST_ERROR = 16_384;
const MOST_SHADES = 250;

/** `report.markup`: one file, no network, complete without scripts. */
export function reportPage(model: ReportModel): string {
  const { result } = model;
  const frame = { from: 0, to: model.endMs };
  const backdrop: Backdrop = { frame, faults: shadedFaults(model), violationTimes: model.violationTimes };
  const page = markup`<html lang="en"><head><meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>
<meta name="color-scheme" content="light dark"/>
<title>${result.verdict.toUpperCase()}: ${result.scenario}, seed ${result.seed}</title>
<style>${trusted(STYLE)}</style></head><body>
${PATTERNS}${head(model)}<main>
${figures(model)}
${section('expectations', 'Expectations', expectationTable(model))}
<div id="timeline">
${section('overview', 'Overview', overview(model, backdrop))}
${section('roles', 'Roles and terms', roleLanes(model, backdrop))}
${section('links', 'Links', linkLanesPicture(model, backdrop))}
</div>
${violations(model)}
${section('faults', 'Faults', faultTable(model))}
${section('latency', 'Latency by phase', phaseTable(model))}
${section('operations', 'Operations around the faults', operations(model, backdrop))}
${section('leadership', 'Leadership', leadershipTables(model))}
${section('environment', 'Environment', environment(model))}
</main>
<script type="application/json" id="data">${scriptJson(readoutData(model))}</script>
<script>${trusted(SCRIPT)}</script></body></html>
`;
  return `<!DOCTYPE html>\n${page.text}`;
}

/** The longest, in order of time: a link that flaps a thousand times would be all that one sees. */
function shadedFaults({ faults }: ReportModel): readonly FaultSpan[] {
  if (faults.length <= MOST_SHADES) return faults;
  const longest = faults.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, MOST_SHADES);
  return longest.sort((a, b) => a.from - b.from);
}

function head(model: ReportModel): Markup {
  const { result } = model;
  const facts = [
    result.scenario,
    `seed ${result.seed}`,
    plural(result.nodes.length, 'node'),
    linksWords(model),
    result.startedAt,
    ...(result.interrupted === null ? [] : [`interrupted by ${result.interrupted}`]),
    `exit ${result.exitCode}`,
  ];
  const error =
    result.error === null
      ? nothing
      : markup`<pre class="error">${clipped(result.error, LONGEST_ERROR)}</pre>`;
  return markup`<header class="${result.verdict}">
<p class="verdict"><span aria-hidden="true">${MARK[result.verdict]}</span> ${result.verdict.toUpperCase()}</p>
<div><h1>${result.sentence}</h1><p>${facts.join(' · ')}</p>
${error}</div></header>
`;
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
  if (links.kind === 'builtin') return `built-in Toxiproxy ${links.version}`;
  return `Toxiproxy ${links.version}${links.kind === 'external' ? ` at ${links.url}` : ''}`;
}

const section = (
  id: string,
  title: string,
  body: Markup,
): Markup => markup`<section id="${id}"><h2>${title}</h2>
${body}
</section>`;

/** Roles and outcomes are told apart without colour by these. */
const PATTERNS = markup`<svg class="patterns" width="0" height="0" aria-hidden="true">
<defs>
<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="p-back" width="6" height="6"/>
<rect class="p-front" width="2.5" height="6"/>
</pattern>
<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse">
<rect class="p-back" width="6" height="6"/>
<circle class="p-front" cx="3" cy="3" r="1.4"/>
</pattern>
<pattern id="cross" width="7" height="7" patternUnits="userSpaceOnUse">
<rect class="p-back" width="7" height="7"/>
<path class="p-line" d="M0 0L7 7M7 0L0 7"/>
</pattern>
<pattern id="bars" width="7" height="7" patternUnits="userSpaceOnUse">
<rect class="p-back" width="7" height="7"/>
<rect class="p-front" width="2" height="7"/>
</pattern>
<pattern id="gaps" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
<rect class="p-paper" width="6" height="6"/><rect class="p-gap" width="1.6" height="6"/>
</pattern>
<pattern id="failed" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="p-fail-back" width="4" height="4"/>
<rect class="p-fail" width="1.8" height="4"/>
</pattern>
</defs>
</svg>`;
