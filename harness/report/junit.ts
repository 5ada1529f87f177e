import type { ExpectationResult, RunResult } from '../result.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';

/**
 * `junit.xml`: one suite per run, one case per expectation. An unknown result is an `<error>`, never a success.
 * Programs that merge the files of several runs distinguish cases by class and name, so the class has the seed, and a
 * name that occurs again, as in a `repeat`, has a number.
 */
export function junitXml(result: RunResult): string {
  const taken = new Set<string>();
  const unique = ({ group, name }: ExpectationResult): string => {
    let free = name;
    for (let nth = 2; taken.has(`${group} ${free}`); nth++) free = `${name} #${nth}`;
    taken.add(`${group} ${free}`);
    return free;
  };
  const cases = [...result.expectations.map((e) => testcase(result, e, unique(e))), ...harnessCase(result)];
  const tally = (status: ExpectationResult['status']): number =>
    result.expectations.filter((e) => e.status === status).length;
  const seconds = (result.durationMs / 1000).toFixed(3);
  const errors = tally('unknown') + harnessCase(result).length;
  const totals = markup`tests="${cases.length}" failures="${tally('fail')}" errors="${errors}"
skipped="${tally('skipped') + tally('not-judged')}" time="${seconds}"`;
  const document = markup`<testsuites name="chaos" ${totals}>
<testsuite name="${suiteName(result)}" ${totals} timestamp="${result.startedAt}" file="${result.file}">
<properties>
${properties(result).map(([name, value]) => markup`<property name="${name}" value="${value}"/>\n`)}</properties>
${cases}<system-out>${result.sentence}
${result.violations.map((v) => `${v.anomaly}: ${v.prose}\n`)}</system-out>
</testsuite>
</testsuites>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${document.text}`;
}

const suiteName = ({ scenario, seed }: RunResult): string => `${scenario} seed ${seed}`;

/** In a class name, dots separate the package from the class, so that a run is a package. */
const className = ({ scenario, seed }: RunResult, group: string): string =>
  `${scenario}-seed-${seed}.${group}`;

function testcase(result: RunResult, e: ExpectationResult, name: string): Markup {
  const line = e.line === undefined ? '' : markup` line="${e.line}"`;
  const place = markup`classname="${className(result, e.group)}" file="${result.file}"${line}`;
  const seconds = ((e.tookMs ?? 0) / 1000).toFixed(3);
  return markup`<testcase name="${name}" ${place} time="${seconds}">${outcome(result, e)}</testcase>\n`;
}

function outcome(result: RunResult, e: ExpectationResult): Markup {
  switch (e.status) {
    case 'pass':
      return markup`<system-out>${e.detail}</system-out>`;
    case 'fail':
      return markup`<failure message="${e.detail}" type="${e.group}">${e.detail} ${proofs(result, e)}</failure>`;
    case 'unknown':
      return markup`<error message="${e.detail}" type="inconclusive">${e.detail}</error>`;
    case 'skipped':
    case 'not-judged':
      return markup`<skipped message="${e.detail}"/>`;
    default:
      return e.status satisfies never;
  }
}

/** The findings under an expectation of the `always` group. */
const proofs = (result: RunResult, e: ExpectationResult): string =>
  e.group === 'always' ? result.violations.map((v) => `${v.anomaly}: ${v.prose}\n`).join('') : '';

/** A run that ended with an error, or in which nothing was checked, must not look like a success without cases. */
function harnessCase(result: RunResult): readonly Markup[] {
  const judged = result.expectations.some((e) => e.status === 'fail' || e.status === 'unknown');
  if (result.verdict === 'pass' || (judged && result.verdict !== 'error')) return [];
  const type = result.interrupted === null ? result.verdict : 'interrupted';
  const place = markup`classname="${className(result, 'run')}" file="${result.file}"`;
  const broken = markup`<error message="${result.sentence}" type="${type}">${result.error ?? result.sentence}</error>`;
  return [
    markup`<testcase name="the run" ${place} time="0.000">${broken}</testcase>
`,
  ];
}

function properties({ counts, latencyMs, ...result }: RunResult): readonly (readonly [string, string])[] {
  const figures = { ...latencyMs };
  return [
    ['verdict', result.verdict],
    ['exit-code', String(result.exitCode)],
    ['seed', String(result.seed)],
    ['links', `${result.links.kind} ${result.links.version}`],
    ['nodes', String(result.nodes.length)],
    ['run', result.run],
    ['operations', String(counts.operations)],
    ['ok', String(counts.ok)],
    ['fail', String(counts.fail)],
    ['unknown', String(counts.info)],
    ['faults', String(counts.faults)],
    ['manual-faults', String(counts.manualFaults)],
    ['elections', String(counts.elections)],
    ['node-starts', String(counts.nodeStarts)],
    ...Object.entries(figures).map(
      ([name, ms]) => [`latency-${name}-ms`, ms === null ? '' : ms.toFixed(3)] as const,
    ),
  ];
}
