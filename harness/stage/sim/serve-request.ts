import { encodeCommand } from '../../../node/kv/command.ts';
import { isAdmin } from '../../../node/protocol/admin-codec.ts';
import type { ClientOperation, ClientResult } from '../../../node/protocol/client.ts';
import type { SimServer } from './server.ts';

/** Passes a client's request to the node, as the node's client server does. The node may never answer. */
export function serveRequest(
  server: SimServer,
  operation: ClientOperation,
  onAnswer: (result: ClientResult) => void,
): void {
  const requester = { answer: (_: number, result: ClientResult): void => onAnswer(result) };
  server.serve((replica) => {
    if (operation.type === 'read') replica.read(operation.key, requester, 0);
    else if (isAdmin(operation)) replica.administer(operation, requester, 0);
    else replica.propose(encodeCommand(operation), requester, 0);
  });
}
