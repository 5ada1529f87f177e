import { isAbsolute, relative } from 'node:path';
import type { RunResult } from '../result.ts';
import { clipped } from './format.ts';
import { printable } from '../printable.ts';

/** Maximum number of annotations of one kind that GitHub shows per step. */
const MOST_ANNOTATIONS = 10;
const LONGEST_MESSAGE = 1_000;

/**
 * GitHub workflow commands, one per line, that attach each failure to its line in the scenario. Empty for a run that
 * passed. A violation includes its prose; an unknown result is a warning.
 */
export function githubAnnotations(result: RunResult): string[] {
  const failed = result.expectations.filter((e) => e.status === 'fail');
  const unknown = result.expectations.filter((e) => e.status === 'unknown');
  const line = failed.find((e) => e.group === 'always')?.line;
  const lines = [
    ...(result.verdict === 'error'
      ? [command('error', result, undefined, 'the run broke', result.sentence)]
      : []),
    ...result.violations.map((v) => command('error', result, line, v.anomaly, v.prose)),
    ...failed.map((e) => command('error', result, e.line, e.name, e.detail)),
    ...unknown.map((e) => command('warning', result, e.line, e.name, e.detail)),
  ];
  return lines.slice(0, MOST_ANNOTATIONS);
}

function command(
  level: 'error' | 'warning',
  result: RunResult,
  line: number | undefined,
  title: string,
  message: string,
): string {
  const here = isAbsolute(result.file) ? relative(process.cwd(), result.file) : result.file;
  const fields = [
    `file=${property(here)}`,
    ...(line === undefined ? [] : [`line=${line}`]),
    `title=${property(`${result.scenario}: ${title}`)}`,
  ];
  return `::${level} ${fields.join(',')}::${data(clipped(message, LONGEST_MESSAGE))}`;
}

const data = (text: string): string =>
  printable(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
