import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ByteWriter } from '../kv/bytes.ts';
import { decodeCommand } from '../kv/command.ts';
import { decodeResponse, encodeRequest, writeRequest } from '../protocol/client-codec.ts';
import type { AdminOperation, ClientRequest, ClientResponse } from '../protocol/client.ts';
import { FrameReader } from '../protocol/frame.ts';
import type { Requester } from '../replica/answers.ts';
import type { Service } from './client-connection.ts';
import { ClientServer } from './client-server.ts';

/** Keeps the requests, and answers when the test says so. */
class HeldService implements Service {
  readonly asked: {
    command: Uint8Array | null;
    key: string | null;
    requester: Requester;
    requestId: number;
  }[] = [];
  waiting = 0;
  onTurn: () => void = () => undefined;
  onAsked: () => void = () => undefined;

  propose(command: Uint8Array, requester: Requester, requestId: number): void {
    this.asked.push({ command, key: null, requester, requestId });
    this.onAsked();
  }
  read(key: string, requester: Requester, requestId: number): void {
    this.asked.push({ command: null, key, requester, requestId });
    this.onAsked();
  }
  administer(operation: AdminOperation, requester: Requester, requestId: number): void {
    this.asked.push({ command: null, key: JSON.stringify(operation), requester, requestId });
    this.onAsked();
  }
  wake(): void {
    setImmediate(() => this.onTurn());
  }
  async until(count: number): Promise<void> {
    while (this.asked.length < count) await new Promise<void>((resolve) => (this.onAsked = resolve));
  }
}

class Client {
  readonly socket: Socket;
  readonly responses: ClientResponse[] = [];
  bytes = 0;
  #changed: () => void = () => undefined;

  constructor(port: number) {
    const reader = new FrameReader('client-response');
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      for (const payload of reader.push(chunk)) this.responses.push(decodeResponse(payload));
      this.#changed();
    });
  }
  send(request: ClientRequest): void {
    this.socket.write(encodeRequest(request));
  }
  async until(count: number): Promise<readonly ClientResponse[]> {
    while (this.responses.length < count) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.responses;
  }
}

let service: HeldService;
let server: ClientServer;
let clients: Client[];
let logged: string[];
beforeEach(async () => {
  service = new HeldService();
  logged = [];
  clients = [];
  server = await ClientServer.listen({
    listen: { host: '127.0.0.1', port: 0 },
    service,
    log: ({ message }) => logged.push(message),
  });
  service.onTurn = () => server.flush();
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await server.close();
});
const newClient = (): Client => {
  const client = new Client(server.port);
  clients.push(client);
  return client;
};

describe('the client server', () => {
  test('proposes a new session together with the maximum number of sessions', async () => {
    newClient().send({ requestId: 1, type: 'open-session' });
    await service.until(1);
    expect(decodeCommand(service.asked[0]!.command!)).toEqual({ type: 'open-session-within', cap: 10_000 });
  });

  test('passes on the received bytes of a command, and answers in the order of the service', async () => {
    const client = newClient();
    client.send({ type: 'write', requestId: 5, session: 1, seq: 2, key: 'k', value: 'v' });
    client.send({ type: 'read', requestId: 6, key: 'k' });
    await service.until(2);
    expect(decodeCommand(service.asked[0]!.command!)).toEqual({
      type: 'write',
      session: 1,
      seq: 2,
      key: 'k',
      value: 'v',
    });
    expect(service.asked[1]).toMatchObject({ key: 'k', requestId: 6 });
    service.asked[1]!.requester.answer(6, { type: 'value', present: false, value: null });
    service.asked[0]!.requester.answer(5, { type: 'done' });
    server.flush();
    expect((await client.until(2)).map(({ requestId }) => requestId)).toEqual([6, 5]);
  });

  test('answers a request that is above a limit or malformed with bad-request and its id, and continues', async () => {
    const client = newClient();
    const frame = Buffer.from(encodeRequest({ type: 'read', requestId: 1, key: 'k'.repeat(1_024) }));
    // A key with one byte too many is encoded here, because the codec refuses to do so.
    const out = new ByteWriter();
    writeRequest(out, { type: 'read', requestId: 2, key: 'k'.repeat(1_025) });
    client.socket.write(Buffer.concat([out.take(), frame]));
    await service.until(1);
    expect((await client.until(1))[0]).toMatchObject({
      requestId: 2,
      type: 'error',
      code: 'bad-request',
      message: 'key of 1025 bytes; at most 1024 are allowed',
    });
    expect(service.asked[0]!.requestId).toBe(1);
  });

  test('closes a connection that sends an invalid frame, and logs the reason', async () => {
    const client = newClient();
    client.socket.write(Buffer.alloc(64, 0xff));
    await once(client.socket, 'close');
    expect(logged).toEqual([expect.stringMatching(/^client 127\.0\.0\.1:\d+ closed: frame of version 255/)]);
  });

  test('answers busy above 4,096 requests in flight on a connection, and if the node has too many', async () => {
    const client = newClient();
    for (let requestId = 1; requestId <= 4_097; requestId++)
      client.send({ type: 'read', requestId, key: 'k' });
    expect((await client.until(1))[0]).toMatchObject({ requestId: 4_097, code: 'busy' });
    expect(service.asked).toHaveLength(4_096);
    const other = newClient();
    service.waiting = 32_768;
    other.send({ type: 'read', requestId: 1, key: 'k' });
    expect((await other.until(1))[0]).toMatchObject({ requestId: 1, code: 'busy' });
  });

  test('stops reading from a client that does not read its answers, until it reads them', async () => {
    const client = newClient();
    client.socket.pause();
    for (let requestId = 1; requestId <= 20; requestId++) client.send({ type: 'read', requestId, key: 'k' });
    await service.until(20);
    const value = 'x'.repeat(1 << 20);
    for (const { requester, requestId } of service.asked) {
      requester.answer(requestId, { type: 'value', present: true, value });
    }
    server.flush();
    client.send({ type: 'read', requestId: 21, key: 'late' });
    // Another client is served meanwhile, but the request of this one is not read.
    const other = newClient();
    for (let requestId = 1; requestId <= 50; requestId++) {
      other.send({ type: 'read', requestId, key: 'k' });
      await service.until(20 + requestId);
      service.asked.at(-1)!.requester.answer(requestId, { type: 'done' });
      server.flush();
      await other.until(requestId);
    }
    expect(service.asked.some(({ key }) => key === 'late')).toBe(false);
    client.socket.resume();
    expect(await client.until(20)).toHaveLength(20);
    await service.until(71);
    expect(service.asked.at(-1)).toMatchObject({ key: 'late', requestId: 21 });
  });

  test('disconnects a client that lets 64 MiB of answers wait', async () => {
    const client = newClient();
    client.socket.pause();
    for (let requestId = 1; requestId <= 200; requestId++) client.send({ type: 'read', requestId, key: 'k' });
    await service.until(200);
    const value = 'x'.repeat(1 << 20);
    for (const { requester, requestId } of service.asked) {
      requester.answer(requestId, { type: 'value', present: true, value });
      server.flush();
    }
    client.socket.resume();
    await once(client.socket, 'close');
    expect(client.responses.length).toBeLessThan(200);
    expect(logged).toEqual([expect.stringMatching(/it does not read its answers: \d+ bytes wait/)]);
  });

  test('sends the pending answers before it closes', async () => {
    const client = newClient();
    client.send({ type: 'read', requestId: 1, key: 'k' });
    await service.until(1);
    service.asked[0]!.requester.answer(1, { type: 'error', code: 'stopping', message: 'the node stops' });
    const closed = once(client.socket, 'close');
    await server.close();
    await closed;
    expect(client.responses).toEqual([
      { requestId: 1, type: 'error', code: 'stopping', message: 'the node stops' },
    ]);
  });

  test('drops late answers to a client that has disconnected', async () => {
    const client = newClient();
    client.send({ type: 'read', requestId: 1, key: 'k' });
    await service.until(1);
    const { requester } = service.asked[0]!;
    client.socket.resetAndDestroy();
    const other = newClient();
    other.send({ type: 'read', requestId: 1, key: 'k' });
    await service.until(2);
    requester.answer(1, { type: 'done' });
    server.flush();
    service.asked[1]!.requester.answer(1, { type: 'done' });
    server.flush();
    expect(await other.until(1)).toHaveLength(1);
  });
});
