import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { call, DeadlineError, toxiproxyAt } from './deadline.ts';

it('a call that gets no answer ends its connection at the deadline, so that it cannot keep the harness alive', async () => {
  const server = createServer();
  const connected = once(server, 'connection') as Promise<[Socket]>;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const api = toxiproxyAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const answer = call('tell its version', () => api.getVersion());
    answer.catch(() => undefined);
    const [socket] = await connected;
    socket.on('error', () => undefined).resume();
    const closed = once(socket, 'close');
    await expect(answer).rejects.toThrow(DeadlineError);
    await closed;
  } finally {
    server.close();
  }
});
