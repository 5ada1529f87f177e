import type { ClientResult, ErrorCode } from '../protocol/client.ts';
import type { ProposeResult } from '../raft/ready.ts';
import type { NodeId } from '../raft/types.ts';

/** The client connection of a request. It receives the answer with the request's id. */
export interface Requester {
  answer(requestId: number, result: ClientResult): void;
}

export const error = (code: ErrorCode, message: string): ClientResult => ({ type: 'error', code, message });

export const BUSY = error('busy', 'too much is uncommitted');

export const leadershipLost = (): ClientResult =>
  error(
    'leadership-lost',
    'the leadership was lost before the command was committed; it may still be committed',
  );

export function notLeader(leader: NodeId | null): ClientResult {
  return leader === null
    ? error('not-leader', 'this node knows no leader')
    : { type: 'error', code: 'not-leader', message: `${leader} leads`, leader };
}

/** The answer to a command that was not proposed. */
export function refusal(result: Extract<ProposeResult, { ok: false }>): ClientResult {
  switch (result.reason) {
    case 'not-leader':
      return notLeader(result.leader);
    case 'busy':
      return BUSY;
    case 'transferring':
      return error('busy', `a leadership transfer to ${result.to} is under way`);
    default:
      return result satisfies never;
  }
}
