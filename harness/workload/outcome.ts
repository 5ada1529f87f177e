import type { OpFunction, OpOutcome, RegisterValue } from '../history/op.ts';
import type { Answer, AttemptEnd, Refusal } from '../ports/client.ts';

/**
 * How the answers to an operation become `ok`, `fail` or `info`. An operation is sent one or more times ("attempts"),
 * each time as the same request, which the cluster applies at most once. If the system cannot guarantee that
 * (`appliesOnce`), a mutation is not sent again after an uncertain attempt. An attempt is *uncertain* from the moment
 * at which its bytes may have been sent until it is definitely refused: until then it may take effect, even much later.
 *
 * | end of an attempt                                | read  | mutation, nothing else uncertain | mutation, another attempt uncertain |
 * |--------------------------------------------------|-------|----------------------------------|-------------------------------------|
 * | value / done                                     | ok    | ok                               | ok: the answer is the operation's, not the attempt's |
 * | mismatch                                         | –     | fail, with what was found        | fail: it is the answer to the operation; no other attempt can be applied any more |
 * | refused: definite, retry                         | retry | retry                            | retry; the other stays uncertain    |
 * | refused: not-leader, pinned client               | fail  | fail                             | retry                               |
 * | refused: definite, no retry                      | fail  | fail                             | info: the other may have been applied |
 * | refused: not definite, no retry                  | fail  | info                             | info                                |
 * | refused: not definite, retry                     | retry | retry, uncertain                 | retry, uncertain                    |
 * | connection lost after sending                    | retry | retry, uncertain                 | retry, uncertain                    |
 * | not sent (refused, closed before it was proved)  | retry | retry                            | retry                               |
 * | not sent, pinned client                          | fail  | fail                             | retry                               |
 * | an answer of the wrong kind                      | fail  | info                             | info                                |
 * | the operation's time is up                       | fail  | fail                             | info                                |
 *
 * A read has no effect, so a read without an answer is a `fail`, as in Jepsen: the checker ignores it in any case.
 */

export interface AttemptContext {
  readonly f: OpFunction;
  /** True if another attempt of the operation is uncertain. An attempt of a read never is. */
  readonly othersUncertain: boolean;
  /** True if the client stays on one node. */
  readonly pinned: boolean;
}

export interface OpEnd {
  readonly type: 'end';
  readonly outcome: OpOutcome;
  readonly output?: RegisterValue;
  readonly error?: string;
}

export type Classification =
  | OpEnd
  | { readonly type: 'retry'; readonly uncertain: boolean; readonly error: string };

/** Meaning of an attempt's end for its operation. */
export function classifyAttempt(context: AttemptContext, end: AttemptEnd): Classification {
  switch (end.type) {
    case 'unsent':
      return context.pinned && !context.othersUncertain
        ? { type: 'end', outcome: 'fail', error: end.error }
        : { type: 'retry', uncertain: false, error: end.error };
    case 'lost':
      return { type: 'retry', uncertain: true, error: 'closed' };
    case 'answer':
      return classifyAnswer(context, end.result);
    default:
      return end satisfies never;
  }
}

/**
 * The outcome of an operation whose timeout has expired. `lastError` is the error of its latest ended attempt, or null.
 */
export function classifyTimeout(f: OpFunction, uncertain: boolean, lastError: string | null): OpEnd {
  if (uncertain && f !== 'read') return { type: 'end', outcome: 'info', error: 'timeout' };
  return { type: 'end', outcome: 'fail', error: uncertain ? 'timeout' : (lastError ?? 'timeout') };
}

function classifyAnswer(context: AttemptContext, answer: Answer): Classification {
  switch (answer.type) {
    case 'value':
      return context.f === 'read' ? { type: 'end', outcome: 'ok', output: answer.value } : confused(context);
    case 'done':
      return context.f === 'read' ? confused(context) : { type: 'end', outcome: 'ok' };
    case 'mismatch': {
      if (context.f !== 'cas') return confused(context);
      const { found } = answer;
      return {
        type: 'end',
        outcome: 'fail',
        ...(found !== undefined && { output: found }),
        error: 'cas-mismatch',
      };
    }
    case 'refused':
      return classifyRefusal(context, answer);
    case 'wrong':
      return confused(context);
    default:
      return answer satisfies never;
  }
}

function classifyRefusal(context: AttemptContext, { error, definite, retry }: Refusal): Classification {
  if (error === 'not-leader' && context.pinned && !context.othersUncertain)
    return { type: 'end', outcome: 'fail', error };
  if (retry) return { type: 'retry', uncertain: !definite, error };
  const mayHaveHappened = context.f !== 'read' && (context.othersUncertain || !definite);
  return { type: 'end', outcome: mayHaveHappened ? 'info' : 'fail', error };
}

/** The node answered a write with a value, so it is broken and the effect of the write is unknown. */
const confused = (context: AttemptContext): OpEnd => ({
  type: 'end',
  outcome: context.f === 'read' ? 'fail' : 'info',
  error: 'wrong-answer',
});
