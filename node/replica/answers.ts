import type { ClientResult, ErrorCode } from '../protocol/client.ts';
import type { ProposeResult } from '../raft/ready.ts';
import type { NodeId } from '../raft/types.ts';

/** The client connection of a request, which receives the answer under its own number. */
export interface Requester {
  answer(requestId: number, result: ClientResult): void;
}

export const error = (code: ErrorCode, message: string): ClientResult => ({ type: 'error', code, message });

export const BUSY = error('busy', 'too much is uncommitted');

export const leadershipLost = (): ClientResult =>
  error('leadership-lost', 'leadership was lost before the command was committed; it may still be');

export function notLeader(leader: NodeId | null): ClientResult {
  return leader === null
    ? error('not-leader', 'this node knows of no leader')
    : { type: 'error', code: 'not-leader', message: `${leader} leads`, leader };
}

/** Why a command was not proposed. */
export function refusal(result: Extract<ProposeResult, { ok: false }>): ClientResult {
  switch (result.reason) {
    case 'not-leader':
      return notLeader(result.leader);
    case 'busy':
      return BUSY;
    case 'transferring':
      return error('busy', `leadership is being handed to ${result.to}`);
    default:
      return result satisfies never;
  }
}
