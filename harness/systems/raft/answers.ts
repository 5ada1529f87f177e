import { ERRORS, type ClientResult } from '../../../node/protocol/client.ts';
import type { Answer, AttemptEnd } from '../../ports/client.ts';

/** The end of one attempt, in the words of our client protocol. */
export type WireEnd = AttemptEnd<ClientResult>;

/** Translates the end of an attempt into the harness's words. */
export function endOf(end: WireEnd): AttemptEnd {
  if (end.type !== 'answer') return end;
  const result = answerOf(end.result);
  // The usual answers are the same in both: no copy is made.
  return result === end.result ? (end as AttemptEnd) : { type: 'answer', result };
}

function answerOf(result: ClientResult): Answer {
  switch (result.type) {
    case 'value':
    case 'done':
      return result;
    case 'session':
    case 'status':
    case 'snapshot':
      return { type: 'wrong' };
    case 'error':
      return refusalOf(result);
    default:
      return result satisfies never;
  }
}

function refusalOf({ code, found, leader }: Extract<ClientResult, { type: 'error' }>): Answer {
  // Our node always includes the value it found; an answer without it cannot be trusted.
  if (code === 'cas-mismatch')
    return found === undefined ? { type: 'wrong' } : { type: 'mismatch', found: found.value };
  const { definite, retry } = ERRORS[code];
  return { type: 'refused', error: code, definite, retry, ...(leader !== undefined && { leader }) };
}
