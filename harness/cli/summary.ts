import { appendFileSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { githubAnnotations } from '../report/annotations.ts';
import { EXIT, type RunResult } from '../result.ts';
import { OperatingError, reasonOf } from './operating-error.ts';
import { complain, say } from './print.ts';

/** GitHub cuts a job summary off at 1 MiB a step and shows 10 annotations a step; we stay well under the first. */
const MAX_SUMMARY_BYTES = 60_000;
const MAX_ANNOTATIONS = 10;

/**
 * `chaos summary DIR`: a table of all report folders in DIR and the summaries of those that did not pass. Goes to
 * stdout, and on GitHub Actions to the job summary, with annotations. Exit 0 whatever the verdicts were: the run's own
 * exit code has said it.
 */
export function summary(dir: string): number {
  const wrong = wrongFolder(dir);
  if (wrong !== null) {
    complain(`${dir}: ${wrong}; give the one that \`chaos run --out\` wrote to`);
    return EXIT.usage;
  }
  const runs = readdirSync(dir)
    .filter((name) => name !== 'latest' && isFolder(join(dir, name)))
    .sort()
    .flatMap((name) => readRun(join(dir, name)));
  const text = limited(markdown(runs));
  say(text);
  const jobSummary = process.env['GITHUB_STEP_SUMMARY'];
  if (jobSummary) {
    appendFileSync(jobSummary, `${text}\n`);
    const annotations = runs.flatMap(({ result }) =>
      result.exitCode === 0 ? [] : githubAnnotations(result),
    );
    for (const annotation of annotations.slice(0, MAX_ANNOTATIONS)) console.log(annotation);
  }
  return EXIT.pass;
}

function wrongFolder(path: string): string | null {
  try {
    return statSync(path).isDirectory() ? null : 'it is not a folder';
  } catch (error) {
    return reasonOf(error);
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

interface Run {
  readonly dir: string;
  readonly result: RunResult;
  /** Its summary.md, for a run that did not pass. */
  readonly text: string;
}

function readRun(dir: string): readonly Run[] {
  try {
    const result = JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')) as RunResult | null;
    if (result?.schema !== 'chaos/result/v1') throw new OperatingError('it is not the result of a run');
    const text = result.verdict === 'pass' ? '' : readFileSync(join(dir, 'summary.md'), 'utf8').trim();
    return [{ dir, result, text }];
  } catch (error) {
    complain(`${dir}: left out, its report cannot be read: ${reasonOf(error)}`);
    return [];
  }
}

function markdown(runs: readonly Run[]): string {
  const passed = runs.filter(({ result }) => result.verdict === 'pass').length;
  const lines = [
    `## chaos: ${passed} of ${runs.length} runs passed`,
    '',
    '| verdict | scenario | seed | operations | unknown | elections | longest without leader | links |',
    '|---|---|---:|---:|---:|---:|---:|---|',
  ];
  for (const { result: r } of runs) {
    const longest = Math.max(0, ...r.leaderGaps.map((gap) => gap.to - gap.from));
    lines.push(
      `| ${r.verdict} | ${r.scenario} | ${r.seed} | ${r.counts.operations} | ${r.counts.info} | ${r.counts.elections} ` +
        `| ${(longest / 1_000).toFixed(2)} s | ${r.links.kind} ${r.links.version} |`,
    );
  }
  for (const { text } of runs) if (text !== '') lines.push('', text);
  return lines.join('\n');
}

function limited(text: string): string {
  if (Buffer.byteLength(text) <= MAX_SUMMARY_BYTES) return text;
  return `${Buffer.from(text).subarray(0, MAX_SUMMARY_BYTES).toString('utf8')}\n\n… cut at ${MAX_SUMMARY_BYTES} bytes; the reports have everything.`;
}
