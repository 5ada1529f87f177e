import { setTimeout as delay } from 'node:timers/promises';
import { isAddress } from '../../../node/protocol/address.ts';
import { ERRORS } from '../../../node/protocol/client.ts';
import type { ClientOperation, ClientResult, NodeStatus } from '../../../node/protocol/client.ts';
import type { Membership, MembersRequest } from '../../ports/system.ts';
import { TcpWire } from './wire.ts';

/** Changes of the members (dissertation 4.3) and of the leader (3.10) over the client protocol. */
export const membership: Membership = {
  isAddress,
  ask: async (address, request, withinMs) => {
    const result = await answerOf(address, operationOf(request), withinMs);
    if (typeof result === 'string') return { type: 'refused', again: true, detail: result };
    if (result.type !== 'error') return { type: 'done' };
    const { definite, retry } = ERRORS[result.code];
    return { type: 'refused', again: definite && retry, detail: `${result.code}: ${result.message}` };
  },
  describe: async (address, withinMs) => {
    const answer = await answerOf(address, { type: 'status' }, withinMs);
    if (typeof answer === 'string') throw new Error(answer);
    if (answer.type !== 'status') throw new Error(JSON.stringify(answer));
    return inWords(JSON.parse(answer.status) as NodeStatus);
  },
};

const operationOf = (request: MembersRequest): ClientOperation =>
  request.type === 'transfer'
    ? { type: 'transfer-leadership', target: request.target }
    : { type: 'change-members', changes: request.changes };

function inWords({ id, role, term, leader, commit, applied, lastIndex, members }: NodeStatus): string {
  const parts = [
    `${id} ${role} term ${term} leader ${leader ?? 'unknown'}`,
    `commit ${commit} applied ${applied} last ${lastIndex}`,
    `voters ${members.voters.join(' ')}`,
    ...(members.outgoing.length === 0 ? [] : [`outgoing ${members.outgoing.join(' ')}`]),
    ...(members.learners.length === 0 ? [] : [`learners ${members.learners.join(' ')}`]),
    ...(members.committed ? [] : ['not committed yet']),
  ];
  return parts.join('; ');
}

/** The answer, or the reason why there is none. */
async function answerOf(
  address: string,
  operation: ClientOperation,
  withinMs: number,
): Promise<ClientResult | string> {
  const unable = Promise.withResolvers<string>();
  const wire = new TcpWire(address, unable.resolve);
  const end = new AbortController();
  try {
    return await Promise.race([
      unable.promise,
      new Promise<ClientResult | string>((resolve) => {
        wire.ask(operation, (outcome) => {
          if (outcome.type === 'answer') resolve(outcome.result);
          else resolve(outcome.type === 'lost' ? 'the connection broke before an answer' : outcome.error);
        });
      }),
      delay(withinMs, `no answer within ${withinMs} ms`, { signal: end.signal }),
    ]);
  } finally {
    end.abort();
    wire.close();
  }
}
