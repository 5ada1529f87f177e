import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, type CheckFlags } from '../../harness/cli/check/check.ts';
import { checkJson, failedJson } from '../../harness/cli/check/json.ts';
import { SourceError } from '../../harness/cli/check/source.ts';
import { checkText } from '../../harness/cli/check/text.ts';
import { formatProblems, HistoryError } from '../../harness/history/history-error.ts';
import { historyPage } from '../../harness/report/page/history-page.ts';
import { parseStrictly } from '../../test/support/well-formed.ts';
import { fuzzCase, type FuzzCase } from './fuzz-case.ts';

const FLAGS: CheckFlags = { format: 'auto', limit: 20_000, memory: 64 };
/** Maximum time per case, after which it counts as hanging. Even an enormous case on a busy machine takes less. */
export const MAX_CASE_MS = 60_000;
/** Maximum number of characters in the output for any file. */
const MAX_OUTPUT_CHARS = 200_000;

export interface Outcome {
  /** Null: it ended with an unexpected error instead of a verdict. */
  readonly verdict: FuzzCase['allowed'][number] | null;
  /** Description of what is wrong with the output; null: nothing is. */
  readonly finding: string | null;
}

/** Checks one case as `chaos check` does, with every kind of output. */
export async function runCase(seed: number, number: number, folder: string): Promise<Outcome> {
  const made = fuzzCase(seed, number);
  const file = join(folder, `case-${process.pid}`);
  writeFileSync(file, made.bytes);
  try {
    const { verdict, text } = await outputFor(file);
    return { verdict, finding: findingOf(made, verdict, text) };
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { verdict: null, finding: `${made.name}: ${what}` };
  } finally {
    rmSync(file);
  }
}

function findingOf(
  { name, bytes, allowed }: FuzzCase,
  verdict: FuzzCase['allowed'][number],
  text: string,
): string | null {
  if (!allowed.includes(verdict)) {
    const shown = bytes.length < 5_000 ? Buffer.from(bytes).toString('latin1') : `${bytes.length} bytes`;
    return `${name}: the verdict was ${verdict}, but ${allowed.join(' or ')} is right:\n${text}\n--- the file:\n${shown}`;
  }
  if (text.length > MAX_OUTPUT_CHARS) return `${name}: ${text.length} characters of output for ${verdict}`;
  // oxlint-disable-next-line no-control-regex -- control characters must not reach a terminal
  if (/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/.test(text))
    return `${name}: control characters in:\n${text}`;
  return null;
}

async function outputFor(file: string): Promise<{ verdict: FuzzCase['allowed'][number]; text: string }> {
  try {
    const judged = await judge(file, FLAGS);
    JSON.parse(JSON.stringify(checkJson(judged)));
    if (judged.result.verdict !== 'linearizable') parseStrictly(historyPage(judged));
    return { verdict: judged.result.verdict, text: checkText(judged, 100) };
  } catch (error) {
    if (error instanceof SourceError)
      return { verdict: 'error', text: clearText(error.message, error.mend, file) };
    if (!(error instanceof HistoryError)) throw error;
    JSON.parse(JSON.stringify(failedJson(file, error)));
    for (const { line, column, message } of error.problems) {
      if (!(line >= 1 && column >= 1 && message.length > 0))
        throw new Error(`a problem without a position: ${message}`, { cause: error });
    }
    return { verdict: 'error', text: formatProblems(error) };
  }
}

function clearText(message: string, mend: string, file: string): string {
  if (!message.startsWith(file) || mend === '')
    throw new Error(`the error is not clear: ${message}; ${mend}`);
  return `${message}\n${mend}`;
}
