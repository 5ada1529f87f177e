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
/** Peers have two each; the rest is room for those that are about to be refused. */
const MAX_CONNECTIONS = 256;

export interface PeerListenerOptions {
  readonly id: NodeId;
  readonly cluster: string;
  readonly promiseMs: number;
  readonly receive: (message: PeerMessage) => void;
  /** A peer has made a connection to this node; and none of its connections is left. */
  readonly peerCame: (hello: Hello) => void;
  readonly peerGone: (peer: NodeId) => void;
  /** The connection over which `peer` sent has broken. */
  readonly peerLost: (peer: NodeId) => void;
  readonly log: Log;
}

/** Accepts the peers' connections and messages. A newer connection of a peer ends its older one of the same channel. */
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
    const impatience = setTimeout(() => this.#refuse(socket, null, 'it said no hello'), HELLO_WITHIN_MS);
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
    if (cluster !== ours) throw new ProtocolError(`it belongs to cluster ${cluster}, this node to ${ours}`);
    if (to !== id)
      throw new ProtocolError(`it wants ${to}, this node is ${id}: a link leads to the wrong node`);
    if (from === id) throw new ProtocolError(`it says that it is ${id}, which is this node`);
    if (promiseMs !== own) {
      throw new ProtocolError(
        `it keeps out of elections for ${promiseMs} ms, this node for ${own} ms: lease reads must be on or off, and the shortest election timeout the same, on all nodes`,
      );
    }
  }

  #replaceOlder({ from, channel }: Hello, socket: Socket): void {
    const name = `${from}/${channel}`;
    this.#newest.get(name)?.destroy();
    this.#newest.set(name, socket);
  }

  /**
   * Heartbeats come over `control`: while that connection exists, the peer is alive. Messages over `bulk` may arrive
   * after the end of `control` and look like a sign of life, so the end of `bulk` is reported, too.
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
