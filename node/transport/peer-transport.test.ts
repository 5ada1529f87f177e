import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ByteWriter } from '../kv/bytes.ts';
import { FrameReader } from '../protocol/frame.ts';
import { decodeHello, decodeMessage, writeHello, writeMessage } from '../protocol/peer-codec.ts';
import type { Hello, PeerChannel } from '../protocol/peer-codec.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';
import type { NodeId } from '../raft/types.ts';
import { PeerTransport } from './peer-transport.ts';

const n1 = nodeId('n1');
const n2 = nodeId('n2');
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

const heartbeat = (readContext: number): PeerMessage => ({
  type: 'Heartbeat',
  from: n1,
  incarnation: 7,
  to: n2,
  term: term(1),
  commit: logIndex(0),
  commitTerm: term(0),
  readContext,
});
const append = (bytes: number): PeerMessage => ({
  type: 'AppendEntries',
  from: n1,
  incarnation: 7,
  to: n2,
  term: term(1),
  prevLogIndex: logIndex(0),
  prevLogTerm: term(0),
  leaderCommit: logIndex(0),
  entries: [{ index: logIndex(1), term: term(1), kind: 'command', data: Buffer.alloc(bytes) }],
});

/** A transport, its received messages and log lines, and ways to wait for them. */
class Node {
  readonly received: PeerMessage[] = [];
  readonly logged: string[] = [];
  readonly lost: NodeId[] = [];
  readonly linked: NodeId[] = [];
  #changed: () => void = () => undefined;
  transport!: PeerTransport;

  static async listen(id: NodeId, peers: Record<string, number>, listenPort = 0): Promise<Node> {
    const node = new Node();
    node.transport = await PeerTransport.listen({
      id,
      cluster: 'c',
      incarnation: id === n1 ? 7 : 0,
      promiseMs: 300,
      routes: new Map(Object.entries(peers).map(([peer, port]) => [nodeId(peer), `127.0.0.1:${port}`])),
      advertise: null,
      listenHost: '127.0.0.1',
      listenPort,
      receive: (message) => {
        node.received.push(message);
        node.#changed();
      },
      linkMade: (peer) => {
        node.linked.push(peer);
        node.#changed();
      },
      peerLost: (peer) => {
        node.lost.push(peer);
        node.#changed();
      },
      log: ({ message }) => {
        node.logged.push(message);
        node.#changed();
      },
    });
    cleanups.push(() => node.transport.close());
    node.transport.members(new Map(Object.keys(peers).map((peer) => [nodeId(peer), null])));
    return node;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#changed = resolve));
  }
}

/**
 * Sends `message` repeatedly until `holds` is true, because messages that are sent before the connection exists are
 * lost.
 */
async function sendUntil(node: Node, message: PeerMessage, other: Node, holds: () => boolean): Promise<void> {
  const sending = setInterval(() => {
    node.transport.send(message);
    node.transport.flush();
  }, 5);
  await other.until(holds);
  clearInterval(sending);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('a transport', () => {
  test('delivers messages of both channels to the peer', async () => {
    const port = await freePort();
    const b = await Node.listen(n2, { n1: await freePort() }, port);
    const a = await Node.listen(n1, { n2: port });
    await sendUntil(a, heartbeat(1), b, () => b.received.some(({ type }) => type === 'Heartbeat'));
    await sendUntil(a, append(10), b, () => b.received.some(({ type }) => type === 'AppendEntries'));
    expect(b.received.find(({ type }) => type === 'AppendEntries')).toEqual(append(10));
  });

  test('dials until the peer accepts, and dials again when the peer has restarted', async () => {
    const port = await freePort();
    const a = await Node.listen(n1, { n2: port });
    const b = await Node.listen(n2, { n1: a.transport.port }, port);
    await sendUntil(a, heartbeat(1), b, () => b.received.length > 0);
    await b.transport.close();
    const again = await Node.listen(n2, { n1: a.transport.port }, port);
    await sendUntil(a, heartbeat(2), again, () => again.received.length > 0);
    expect(again.received[0]).toEqual(heartbeat(2));
  });

  test('reports each new connection for entries', async () => {
    const port = await freePort();
    const a = await Node.listen(n1, { n2: port });
    const b = await Node.listen(n2, { n1: a.transport.port }, port);
    await a.until(() => a.linked.length === 1);
    await b.transport.close();
    await Node.listen(n2, { n1: a.transport.port }, port);
    await a.until(() => a.linked.length === 2);
    expect(a.linked).toEqual([n2, n2]);
  });

  test('reports once that the peer is lost when its process ends, but not when its connection is replaced', async () => {
    const port = await freePort();
    const b = await Node.listen(n2, { n1: await freePort() }, port);
    const a = await Node.listen(n1, { n2: port });
    await sendUntil(a, heartbeat(1), b, () => b.received.length > 0);
    await sendUntil(a, append(10), b, () => b.received.some(({ type }) => type === 'AppendEntries'));
    const newer = connect(port, '127.0.0.1');
    newer.on('error', () => undefined);
    newer.write(
      hello({
        cluster: 'c',
        from: n1,
        incarnation: 0,
        to: n2,
        promiseMs: 300,
        address: '',
        toMember: true,
        channel: 'control',
      }),
    );
    // The older connection is closed and dialled again, which replaces this one.
    await once(newer.resume(), 'close');
    await sendUntil(a, heartbeat(2), b, () =>
      b.received.some((m) => m.type === 'Heartbeat' && m.readContext === 2),
    );
    expect(b.lost).toEqual([]);
    await a.transport.close();
    await b.until(() => b.lost.length > 0);
    expect(new Set(b.lost)).toEqual(new Set([n1]));
  });

  test('does not report a peer as lost if only its bulk connection broke', async () => {
    const b = await Node.listen(n2, { n1: await freePort() });
    const [control, bulk] = (['control', 'bulk'] as const).map((channel) => {
      const socket = connect(b.transport.port, '127.0.0.1');
      socket.write(
        hello({
          cluster: 'c',
          from: n1,
          incarnation: 0,
          to: n2,
          promiseMs: 300,
          address: '',
          toMember: true,
          channel,
        }),
      );
      return socket;
    });
    for (const [socket, message] of [
      [control!, heartbeat(1)],
      [bulk!, append(10)],
    ] as const) {
      const out = new ByteWriter(64);
      writeMessage(out, message);
      socket.write(out.take());
    }
    await b.until(() => b.received.length === 2);
    bulk!.end();
    await once(bulk!.resume(), 'close');
    expect(b.lost).toEqual([]);
    control!.end();
    await b.until(() => b.lost.length > 0);
  });

  test('a transport refuses a peer of another cluster, a peer with its own name, a link to the wrong node, and invalid bytes, each with its reason', async () => {
    const b = await Node.listen(n2, { n1: await freePort() });
    const good: Hello = {
      cluster: 'c',
      from: n1,
      incarnation: 0,
      to: n2,
      promiseMs: 300,
      address: '',
      toMember: true,
      channel: 'control',
    };
    for (const [bytes, reason] of [
      [hello({ ...good, cluster: 'd' }), /it belongs to cluster d, but this node belongs to c/],
      [
        hello({ ...good, to: nodeId('n3') }),
        /it wants to reach n3, but this node is n2: its link leads to the wrong node/,
      ],
      [hello({ ...good, from: n2 }), /it has the id of this node, n2/],
      [
        hello({ ...good, promiseMs: 0 }),
        /takes part in no election for 0 ms after it hears a leader, but this node for 300 ms/,
      ],
      [Buffer.concat([hello(good), Buffer.from('nonsense!!')]), /closed: frame of version 101/],
      [Buffer.from('GET / HTTP/1.1\r\n\r\n'), /closed: frame of version/],
    ] as const) {
      const before = b.logged.length;
      const socket = connect(b.transport.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(bytes);
      socket.resume();
      await once(socket, 'close');
      await b.until(() => b.logged.length > before);
      expect(b.logged.at(-1)).toMatch(reason);
    }
    expect(b.received).toEqual([]);
  });

  test("ends a peer's older connection when it connects again", async () => {
    const b = await Node.listen(n2, { n1: await freePort() });
    const dial = (channel: PeerChannel): Socket => {
      const socket = connect(b.transport.port, '127.0.0.1');
      socket.write(
        hello({
          cluster: 'c',
          from: n1,
          incarnation: 0,
          to: n2,
          promiseMs: 300,
          address: '',
          toMember: true,
          channel,
        }),
      );
      socket.resume();
      return socket;
    };
    const [first, bulk] = [dial('control'), dial('bulk')];
    const ended = once(first, 'close');
    await once(bulk, 'connect');
    const second = dial('control');
    await ended;
    expect([bulk.destroyed, second.destroyed]).toEqual([false, false]);
    bulk.destroy();
    second.destroy();
  });
});

describe('members', () => {
  const n3 = nodeId('n3');

  test('nodes that join are dialled at the address in the configuration, and nodes that leave are not dialled any more', async () => {
    const a = await Node.listen(n1, {});
    const b = await Node.listen(n2, {});
    const c = await Node.listen(n3, {});
    const places = { b: `127.0.0.1:${b.transport.port}`, c: `127.0.0.1:${c.transport.port}` };
    a.transport.members(new Map([[n2, places.b]]));
    await sendUntil(a, heartbeat(1), b, () => b.received.length > 0);
    a.transport.members(new Map([[n3, places.c]]));
    // The connections to b end, and so do b's own connections.
    await b.until(() => b.lost.length > 0);
    await sendUntil(a, { ...heartbeat(2), to: n3 }, c, () => c.received.length > 0);
    const before = b.received.length;
    a.transport.send(heartbeat(3));
    a.transport.flush();
    await sendUntil(a, { ...heartbeat(4), to: n3 }, c, () =>
      c.received.some((message) => message.type === 'Heartbeat' && message.readContext === 4),
    );
    expect(b.received.length).toBe(before);
  });

  test('are dialled at the address of their route, even if the configuration has another address', async () => {
    const b = await Node.listen(n2, {});
    const a = await Node.listen(n1, { n2: b.transport.port });
    a.transport.members(new Map([[n2, '127.0.0.1:9']]));
    await sendUntil(a, heartbeat(1), b, () => b.received.length > 0);
  });

  test('a node that this one does not know yet is answered at the address in its hello', async () => {
    const a = await Node.listen(n1, {});
    const b = await Node.listen(n2, {});
    a.transport.members(new Map([[n2, `127.0.0.1:${b.transport.port}`]]));
    const answer = { ...heartbeat(5), from: n2, incarnation: 0, to: n1 };
    await sendUntil(b, answer, a, () => a.received.length > 0);
    expect(a.received[0]).toEqual(answer);
    // After its connections have ended, the other node does not dial it any more.
    await a.transport.close();
    await b.until(() => b.lost.length > 0);
    expect(b.transport.dialled).toEqual([]);
  });

  test('are not dialled if their address is not valid', async () => {
    const a = await Node.listen(n1, {});
    a.transport.members(
      new Map([
        [n2, 'nowhere'],
        [n3, '127.0.0.1:99999'],
      ]),
    );
    expect(a.transport.dialled).toEqual([]);
  });
});

describe('a peer that accepts connections but does not read', () => {
  test('a peer that does not read is sent no more bulk messages than the limit, and still the newest heartbeat', async () => {
    const hole = await Hole.open();
    const a = await Node.listen(n1, { n2: hole.port });
    await hole.connected;
    for (let i = 1; i <= 2_000; i++) {
      a.transport.send(append(100_000));
      for (let beat = 0; beat < 50; beat++) a.transport.send(heartbeat(i * 50 + beat));
      a.transport.flush();
      if (i % 100 === 0) await new Promise(setImmediate);
    }
    const newest = 2_000 * 50 + 49;
    const last: PeerMessage = { ...append(0), term: term(99) };
    const { bulkBytes, beats } = await hole.readUntil(
      (message) => message.type === 'Heartbeat' && message.readContext === newest,
      // The bulk connection accepts messages again after it was read. The first one that arrives ends the wait.
      (message) => message.term === 99,
      () => {
        a.transport.send(last);
        a.transport.flush();
      },
    );
    // Of the 200 MB that were sent, only the limit of 16 MiB and the content of the kernel's buffers arrive.
    expect(bulkBytes).toBeGreaterThan(15 << 20);
    expect(bulkBytes).toBeLessThan(40 << 20);
    expect(beats).toBeLessThan(newest);
  });
});

const hello = (content: Hello): Buffer => {
  const out = new ByteWriter(64);
  writeHello(out, content);
  return out.take();
};

/** Accepts two connections, but reads nothing before `readUntil`. */
class Hole {
  readonly connected: Promise<void>;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.connected = new Promise((resolve) => {
      server.on('connection', (socket) => {
        if (this.#sockets.push(socket) === 2) resolve();
      });
    });
    cleanups.push(async () => {
      for (const socket of this.#sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
  }

  static async open(): Promise<Hole> {
    const server = createServer({ pauseOnConnect: true });
    const hole = new Hole(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return hole;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Reads both connections, each until its last message, and calls `prompt` meanwhile. */
  async readUntil(
    lastBeat: (message: PeerMessage) => boolean,
    lastBulk: (message: PeerMessage) => boolean,
    prompt: () => void,
  ): Promise<{ bulkBytes: number; beats: number }> {
    let bulkBytes = 0;
    let beats = 0;
    const read = (socket: Socket): Promise<void> =>
      new Promise((resolve) => {
        const reader = new FrameReader('peer');
        let channel: PeerChannel | null = null;
        socket.on('data', (chunk: Buffer) => {
          for (const payload of reader.push(chunk)) {
            if (channel === null) {
              ({ channel } = decodeHello(payload));
              continue;
            }
            const message = decodeMessage(payload, { from: n1, incarnation: 7, to: n2 });
            if (channel === 'bulk') bulkBytes += payload.length;
            else beats++;
            if (channel === 'bulk' ? lastBulk(message) : lastBeat(message)) resolve();
          }
        });
        socket.resume();
      });
    const prompting = setInterval(prompt, 10);
    await Promise.all(this.#sockets.map(read));
    clearInterval(prompting);
    return { bulkBytes, beats };
  }
}
