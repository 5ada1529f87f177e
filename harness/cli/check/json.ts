import type { ImportedHistory } from '../../history/formats/history.ts';
import type { Op } from '../../history/op.ts';
import type { HistoryError } from '../../history/history-error.ts';
import { exitCodeOf, type JudgedHistory, sentenceOf } from '../../report/judged-history.ts';
import { EXIT, type Violation } from '../../result.ts';

const SCHEMA = 'chaos/check/v1';

/** `chaos check --json`: one object, described in docs/check.md. New fields may come; these stay. */
export function checkJson(judged: JudgedHistory): unknown {
  const { file, history, model, casFail, result, limitMs, memoryMb, readMs, hints } = judged;
  const tally = { ok: 0, fail: 0, info: 0 };
  for (const op of history.ops) tally[op.outcome]++;
  return {
    schema: SCHEMA,
    file,
    verdict: result.verdict,
    exitCode: exitCodeOf(result),
    sentence: sentenceOf(judged),
    format: history.format,
    model,
    casFail: casFail ?? null,
    otherMeaning: judged.otherMeaning,
    initial: history.initial,
    clock: history.clock,
    counts: { operations: history.ops.length, ok: tally.ok, fail: tally.fail, unknown: tally.info },
    limits: { ms: limitMs, memoryMb },
    took: { readMs, judgeMs: result.tookMs },
    notes: history.notes,
    hints,
    keys: result.keys.map(({ key, verdict, operations, tookMs, detail }) => ({
      key,
      verdict,
      operations,
      tookMs,
      detail,
    })),
    violations: result.violations.map((violation) => violationJson(violation, judged)),
  };
}

function violationJson(violation: Violation, { history }: JudgedHistory): unknown {
  const ids = new Set([...(violation.opIds ?? []), ...(violation.linearizedIds ?? []), violation.stuckId]);
  const operations = history.ops.flatMap((op, i) => (ids.has(op.id) ? [operationJson(op, history, i)] : []));
  return {
    key: violation.key,
    anomaly: violation.anomaly,
    prose: violation.prose,
    operations,
    certificate: violation.certificate ?? [],
    order: violation.linearizedIds ?? [],
    stuck: violation.stuckId ?? null,
    stateBefore: violation.stateBefore ?? null,
  };
}

/** `return` is null where the outcome is unknown, `returnLine` where no line tells it. */
const operationJson = (op: Op, { lines, processNames }: ImportedHistory, i: number): unknown => ({
  id: op.id,
  process: processNames.get(op.process) ?? op.process,
  f: op.f,
  input: op.input,
  ...(op.output === undefined ? {} : { output: op.output }),
  outcome: op.outcome === 'info' ? 'unknown' : op.outcome,
  ...(op.error === undefined ? {} : { error: op.error }),
  call: op.call,
  return: op.outcome === 'info' ? null : op.return,
  callLine: lines.calls[i]!,
  returnLine: lines.returns[i] === 0 ? null : lines.returns[i]!,
});

/** The same where nothing could be judged. `line` and `column` are null where no place in the file is meant. */
export function failedJson(
  file: string,
  problem: HistoryError | { readonly message: string; readonly mend: string },
): unknown {
  const problems =
    'problems' in problem
      ? problem.problems.map(({ line, column, message, mend, source }) => ({
          line,
          column,
          message,
          mend,
          source,
        }))
      : [{ line: null, column: null, message: problem.message, mend: problem.mend, source: null }];
  return { schema: SCHEMA, file, verdict: 'error', exitCode: EXIT.usage, problems };
}

/** The same where the memory did not suffice to read the history. */
export const unreadJson = (
  file: string,
  { message, mend }: { readonly message: string; readonly mend: string },
): unknown => ({
  schema: SCHEMA,
  file,
  verdict: 'unknown',
  exitCode: EXIT.inconclusive,
  sentence: message,
  hints: [mend],
});
