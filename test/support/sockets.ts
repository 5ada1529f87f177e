import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Maximum time that a test waits for anything, far above the times on a busy machine. */
const PATIENCE_MS = 15_000;

/** Way in which a socket ended, as its owner sees it. */
export type Ending = 'end' | 'ECONNRESET' | 'other';

/** One end of a connection, which records the received bytes. */
export class Peer {
  readonly socket: Socket;
  /** Resolves when the other side has closed the connection. */
  readonly ended: Promise<Ending>;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.#chunks.push(data);
      this.#bytes += data.length;
      socket.emit('progress');
    });
    this.ended = new Promise((resolve) => {
      socket.once('end', () => resolve('end'));
      socket.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ECONNRESET' ? 'ECONNRESET' : 'other'),
      );
      socket.once('close', () => resolve('other'));
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /** Number of received chunks. */
  get pieces(): number {
    return this.#chunks.length;
  }

  send(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Resolves with the time (`performance.now()`) at which `count` bytes in total were received. */
  async has(count: number): Promise<number> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (this.#bytes < count) {
      await once(this.socket, 'progress', { signal }).catch((error: unknown) => {
        throw new Error(`waited ${PATIENCE_MS} ms for ${count} bytes, got ${this.#bytes}`, { cause: error });
      });
    }
    return performance.now();
  }
}

/** Target of a proxy, which accepts connections and returns them one by one from `next`. */
export class Upstream implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #waiting: Peer[] = [];
  #echoes = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#sockets.push(socket);
      this.#waiting.push(new Peer(socket));
      if (this.#echoes) socket.on('data', (data) => socket.write(data));
      server.emit('peer');
    });
  }

  static async listen(port = 0): Promise<Upstream> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new Upstream(server);
  }

  /** Listens as a server that sends all received bytes back. */
  static async echo(port = 0): Promise<Upstream> {
    const upstream = await Upstream.listen(port);
    upstream.#echoes = true;
    return upstream;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves to the next accepted connection that was not returned yet. */
  async next(): Promise<Peer> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (this.#waiting.length === 0) await once(this.#server, 'peer', { signal });
    return this.#waiting.shift()!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Connects. Rejects with the error of the operating system. */
export async function dial(address: string): Promise<Peer> {
  const [host, port] = [
    address.slice(0, address.lastIndexOf(':')),
    Number(address.slice(address.lastIndexOf(':') + 1)),
  ];
  const socket = connect({ host, port });
  const peer = new Peer(socket);
  await once(socket, 'connect');
  return peer;
}

/** Returns the error code of a failed connection attempt, or null if connecting works. */
export async function refusal(address: string): Promise<string | null> {
  try {
    const peer = await dial(address);
    peer.socket.destroy();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
