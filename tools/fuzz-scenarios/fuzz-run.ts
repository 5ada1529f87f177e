import { readBytes } from '../../harness/cli/run.ts';
import { loadScenario } from '../../harness/scenario/language/load.ts';
import { randomScenario } from './random-scenario.ts';

/** Processor time within which a file must be judged, in ms. */
const MOST_MS = 2_000;
/** Maximum size of all that is printed about a file, in characters. */
const MOST_PRINTED = 200_000;
/** The name of each file, which must not reach a terminal as it is. */
const NAME = 'a\u001b[31m.yaml';
const SHOWN = 'a␛[31m.yaml';

export interface Outcome {
  /** Exit code of `chaos validate`. */
  readonly code: 0 | 2;
  /** What is wrong with the answer; null: nothing. */
  readonly finding: string | null;
}

/**
 * Gives one file to the reader of `chaos validate` and `chaos run`. The file is a scenario, or what is printed has a
 * place for each mistake, in time and not too much of it.
 */
export function runCase(seed: number, number: number): Outcome {
  const bytes = randomScenario(seed, number);
  const before = process.cpuUsage();
  let read;
  try {
    read = readBytes(bytes, NAME);
  } catch (error) {
    return { code: 2, finding: `throws ${(error as Error).stack ?? String(error)}` };
  }
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1_000;
  if (tookMs > MOST_MS) return { code: 2, finding: `took ${Math.round(tookMs)} ms, at most ${MOST_MS}` };
  if ('problem' in read) return { code: 2, finding: wrongMistakes(read.problem) };
  const again = loadScenario('again.yaml', JSON.stringify(read.scenario.source));
  const same =
    again.ok &&
    JSON.stringify(again.scenario.outline.map(textOf)) === JSON.stringify(read.scenario.outline.map(textOf));
  return { code: 0, finding: same ? null : 'its data, written as JSON, is not the same scenario' };
}

const textOf = ({ text }: { readonly text: string }): string => text;

function wrongMistakes(printed: string): string | null {
  if (printed.length > MOST_PRINTED) return `prints ${printed.length} characters, at most ${MOST_PRINTED}`;
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}/u.exec(
    printed,
  );
  if (obeyed !== null) return `prints U+${obeyed[0].codePointAt(0)!.toString(16)}`;
  for (const block of printed.split('\n\n')) {
    if (/^… and \d+ more mistakes? in this file$/.test(block)) continue;
    const [first = '', source = '', caret = ''] = block.split('\n');
    const [, line, column] = /^:(\d+):(\d+): ./.exec(first.slice(SHOWN.length)) ?? [];
    if (!first.startsWith(SHOWN) || Number(line) < 1 || Number(column) < 1 || line === undefined)
      return `a mistake without a place: ${block.slice(0, 300)}`;
    if (!source.startsWith(`${line.padStart(5)} | `) || !/^ {5,} \| \s*\^+$/.test(caret))
      return `a mistake without its line and caret: ${block.slice(0, 300)}`;
  }
  return null;
}
