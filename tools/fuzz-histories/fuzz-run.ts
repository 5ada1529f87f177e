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
/** More than any case takes on a busy machine, the enormous ones too: a case that takes longer hangs. */
export const MOST_CASE_MS = 60_000;
/** What people are told fits on some screens, whatever the file. */
const MOST_TEXT = 200_000;

export interface Outcome {
  /** Null: it said nothing at all. */
  readonly verdict: FuzzCase['allowed'][number] | null;
  /** Null, or what is wrong with what was said. */
  readonly finding: string | null;
}

/** Judges one case as `chaos check` does, in every output. */
export async function runCase(seed: number, number: number, folder: string): Promise<Outcome> {
  const made = fuzzCase(seed, number);
  const file = join(folder, `case-${process.pid}`);
  writeFileSync(file, made.bytes);
  try {
    const { verdict, text } = await said(file);
    return { verdict, finding: complaint(made, verdict, text) };
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { verdict: null, finding: `${made.name}: ${what}` };
  } finally {
    rmSync(file);
  }
}

function complaint(
  { name, bytes, allowed }: FuzzCase,
  verdict: FuzzCase['allowed'][number],
  text: string,
): string | null {
  if (!allowed.includes(verdict)) {
    const shown = bytes.length < 5_000 ? Buffer.from(bytes).toString('latin1') : `${bytes.length} bytes`;
    return `${name}: said ${verdict} where ${allowed.join(' or ')} is right:\n${text}\n--- the file:\n${shown}`;
  }
  if (text.length > MOST_TEXT) return `${name}: ${text.length} characters to say ${verdict}`;
  // oxlint-disable-next-line no-control-regex -- what must not reach a terminal
  if (/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/.test(text))
    return `${name}: control characters in:\n${text}`;
  return null;
}

async function said(file: string): Promise<{ verdict: FuzzCase['allowed'][number]; text: string }> {
  try {
    const judged = await judge(file, FLAGS);
    JSON.parse(JSON.stringify(checkJson(judged)));
    if (judged.result.verdict !== 'linearizable') parseStrictly(historyPage(judged));
    return { verdict: judged.result.verdict, text: checkText(judged, 100) };
  } catch (error) {
    if (error instanceof SourceError)
      return { verdict: 'error', text: clear(error.message, error.mend, file) };
    if (!(error instanceof HistoryError)) throw error;
    JSON.parse(JSON.stringify(failedJson(file, error)));
    for (const { line, column, message } of error.problems) {
      if (!(line >= 1 && column >= 1 && message.length > 0))
        throw new Error(`a problem without a place: ${message}`, { cause: error });
    }
    return { verdict: 'error', text: formatProblems(error) };
  }
}

function clear(message: string, mend: string, file: string): string {
  if (!message.startsWith(file) || mend === '') throw new Error(`no clear error: ${message}; ${mend}`);
  return `${message}\n${mend}`;
}
