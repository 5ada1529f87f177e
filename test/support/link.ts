import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A connection through a link: the sockets to the dialler and to the target. */
interface Through {
  readonly from: Socket;
  /** Null: it was opened while the link was cut. */
  readonly to: Socket | null;
  /** Number of bytes that the connection may still carry before it stalls. */
  left: number;
  /** True if bytes, or the end of the connection, did not get through. */
  lossy: boolean;
}

/**
 * One direction between two nodes: a TCP proxy in this process that can be cut, stalled and reset. A connection between
 * nodes carries messages in one direction only, so a link has one direction, too.
 */
export class Link {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #open = new Set<Through>();
  #cut = false;
  #stallAfter = Infinity;
  #onStalled: () => void = () => undefined;
  /** Number of bytes carried to the target so far. */
  sentBytes = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async to(targetPort: number): Promise<Link> {
    const link = new Link(targetPort);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on bytes are dropped. Connections stay open, and new ones do not reach the target. */
  cut(): void {
    this.#cut = true;
  }

  /**
   * Each connection carries `bytes` more and then stops, without losing any. Resolves when the first connection has
   * stopped.
   */
  stall(bytes: number): Promise<void> {
    this.#stallAfter = bytes;
    for (const through of this.#open) through.left = bytes;
    return new Promise((resolve) => (this.#onStalled = resolve));
  }

  /** Heals the link. Connections that lost bytes are closed, and stalled ones continue. */
  heal(): void {
    this.#cut = false;
    this.#stallAfter = Infinity;
    for (const through of this.#open) {
      through.left = Infinity;
      if (through.lossy || through.to === null) this.#close(through);
      else through.from.resume();
    }
  }

  /** Closes all connections, also stalled ones. */
  reset(): void {
    for (const through of this.#open) this.#close(through);
  }

  async close(): Promise<void> {
    this.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(from: Socket): void {
    const to = this.#cut ? null : connect({ host: '127.0.0.1', port: this.#targetPort, noDelay: true });
    const through: Through = { from, to, left: this.#stallAfter, lossy: false };
    this.#open.add(through);
    from.on('data', (chunk: Buffer) => this.#carry(through, chunk));
    to?.on('drain', () => through.left > 0 && from.resume());
    // No bytes come this way, but without reading the end of the connection would not be noticed.
    to?.resume();
    for (const socket of [from, to]) {
      socket?.on('error', () => undefined);
      socket?.on('close', () => this.#onClose(through));
    }
  }

  #carry(through: Through, chunk: Buffer): void {
    if (this.#cut || through.to === null) {
      through.lossy = true;
      return;
    }
    this.sentBytes += chunk.length;
    through.left -= chunk.length;
    if (!through.to.write(chunk) || through.left <= 0) through.from.pause();
    if (through.left <= 0) this.#onStalled();
  }

  #onClose(through: Through): void {
    // A cut also hides the end of a connection.
    if (this.#cut) through.lossy = true;
    else this.#close(through);
  }

  #close(through: Through): void {
    this.#open.delete(through);
    through.from.destroy();
    through.to?.destroy();
  }
}
