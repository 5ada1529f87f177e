import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { FrameReader, ProtocolError } from '../protocol/frame.ts';
import { decodeHello, decodeMessage } from '../protocol/peer-codec.ts';
import type { Hello } from '../protocol/peer-codec.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { NodeId } from '../raft/types.ts';
import type { Log } from '../replica/log.ts';

/** Time after which a connection without a hello is closed, in ms. */
const HELLO_WITHIN_MS = 5_000;
/** Maximum number of connections. Each peer has two; the others are for connections that will be refused. */
const MAX_CONNECTIONS = 256;

export interface PeerListenerOptions {
  readonly id: NodeId;
  readonly cluster: string;
  readonly promiseMs: number;
  readonly receive: (message: PeerMessage) => void;
  /** Called when a peer has connected to this node, and when its last connection has ended. */
  readonly peerCame: (hello: Hello) => void;
  readonly peerGone: (peer: NodeId) => void;
  /** Called when the connection over which `peer` sends has broken. */
  readonly peerLost: (peer: NodeId) => void;
  readonly log: Log;
}

/** Accepts connections and messages of peers. A new connection of a peer ends its older one of the same channel. */
export class PeerListener {
  readonly #options: PeerListenerOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #newest = new Map<string, Socket>();
  #closing = false;

  constructor(options: PeerListenerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get server(): Server {
    return this.#server;
  }

  close(): Promise<void> {
    this.#closing = true;
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const reader = new FrameReader('peer');
    const impatience = setTimeout(() => this.#refuse(socket, null, 'it sent no hello'), HELLO_WITHIN_MS);
    let hello: Hello | null = null;
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const payload of reader.push(chunk)) {
          if (hello !== null) {
            this.#options.receive(decodeMessage(payload, hello));
            continue;
          }
          hello = decodeHello(payload);
          this.#checkHello(hello);
          clearTimeout(impatience);
          this.#replaceOlder(hello, socket);
          this.#options.peerCame(hello);
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#refuse(socket, hello, error.message);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(impatience);
      this.#sockets.delete(socket);
      if (hello !== null && !this.#closing) this.#onEnd(hello, socket);
    });
  }

  #checkHello({ cluster, from, to, promiseMs }: Hello): void {
    const { id, cluster: ours, promiseMs: own } = this.#options;
    if (cluster !== ours)
      throw new ProtocolError(`it belongs to cluster ${cluster}, but this node belongs to ${ours}`);
    if (to !== id)
      throw new ProtocolError(
        `it wants to reach ${to}, but this node is ${id}: its link leads to the wrong node`,
      );
    if (from === id) throw new ProtocolError(`it has the id of this node, ${id}`);
    if (promiseMs !== own) {
      throw new ProtocolError(
        `it takes part in no election for ${promiseMs} ms after it hears a leader, but this node for ${own} ms: all nodes need the same shortest election timeout, and lease reads on or off`,
      );
    }
  }

  #replaceOlder({ from, channel }: Hello, socket: Socket): void {
    const name = `${from}/${channel}`;
    this.#newest.get(name)?.destroy();
    this.#newest.set(name, socket);
  }

  /**
   * Heartbeats arrive over `control`, so the peer is alive while that connection exists. Messages over `bulk` may
   * arrive after the end of `control`, as if the peer were still alive. So the end of `bulk` is reported, too.
   */
  #onEnd({ from, channel }: Hello, socket: Socket): void {
    const name = `${from}/${channel}`;
    if (this.#newest.get(name) !== socket) return;
    this.#newest.delete(name);
    if (!this.#newest.has(`${from}/control`)) this.#options.peerLost(from);
    if (!this.#newest.has(`${from}/control`) && !this.#newest.has(`${from}/bulk`))
      this.#options.peerGone(from);
  }

  #refuse(socket: Socket, hello: Hello | null, reason: string): void {
    const who = hello === null ? `${socket.remoteAddress}:${socket.remotePort}` : hello.from;
    this.#options.log({
      level: 'warn',
      event: 'peer-refused',
      message: `peer connection from ${who} closed: ${reason}`,
      fields: { peer: hello?.from ?? null, from: `${socket.remoteAddress}:${socket.remotePort}`, reason },
    });
    socket.destroy();
  }
}
