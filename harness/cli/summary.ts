import { appendFileSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { githubAnnotations } from '../report/annotations.ts';
import { EXIT, type RunResult } from '../result.ts';

/** GitHub cuts a job summary off at 1 MiB a step and shows 10 annotations a step; we stay well under the first. */
const MAX_SUMMARY_BYTES = 60_000;
const MAX_ANNOTATIONS = 10;

/**
 * `chaos summary DIR`: a table of all report folders in DIR and the summaries of those that did not pass. Goes to
 * stdout, and on GitHub Actions to the job summary, with annotations. Exit 0 whatever the verdicts were: the run's own
 * exit code has said it.
 */
export function summary(dir: string): number {
  if (!existsSync(dir)) {
    console.error(`${dir}: no such folder; give the one that \`chaos run --out\` wrote to`);
    return EXIT.usage;
  }
  const runs = readdirSync(dir)
    .filter((name) => name !== 'latest' && statSync(join(dir, name)).isDirectory())
    .sort()
    .flatMap((name) => readRun(join(dir, name)));
  const text = limited(markdown(runs));
  console.log(text);
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

interface Run {
  readonly dir: string;
  readonly result: RunResult;
}

function readRun(dir: string): readonly Run[] {
  try {
    return [{ dir, result: JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')) as RunResult }];
  } catch (error) {
    console.error(`${dir}: left out, its result.json cannot be read: ${(error as Error).message}`);
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
  for (const { dir, result } of runs) {
    if (result.verdict !== 'pass') lines.push('', readFileSync(join(dir, 'summary.md'), 'utf8').trim());
  }
  return lines.join('\n');
}

function limited(text: string): string {
  if (Buffer.byteLength(text) <= MAX_SUMMARY_BYTES) return text;
  return `${Buffer.from(text).subarray(0, MAX_SUMMARY_BYTES).toString('utf8')}\n\n… cut at ${MAX_SUMMARY_BYTES} bytes; the reports have everything.`;
}
