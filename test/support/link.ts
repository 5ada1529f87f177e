import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A connection through a link: who dialled, and where it leads. */
interface Through {
  readonly from: Socket;
  /** Null: it was dialled while the link was cut. */
  readonly to: Socket | null;
  /** Bytes that the link may carry here before it stalls. */
  left: number;
  /** Something that was said here, or that it ended, did not get through. */
  lossy: boolean;
}

/**
 * One direction between two nodes, in this process: a TCP proxy that can be cut, stalled and reset. A peer's connection
 * carries messages one way only, so a link is one way, too.
 */
export class Link {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #open = new Set<Through>();
  #cut = false;
  #stallAfter = Infinity;
  #onStalled: () => void = () => undefined;
  /** What it has carried to its target so far. */
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

  /** From now on bytes vanish; connections stay, and new ones lead nowhere. */
  cut(): void {
    this.#cut = true;
  }

  /**
   * Each connection carries `bytes` more and then nothing, but loses nothing either. Resolves when one has come to
   * that.
   */
  stall(bytes: number): Promise<void> {
    this.#stallAfter = bytes;
    for (const through of this.#open) through.left = bytes;
    return new Promise((resolve) => (this.#onStalled = resolve));
  }

  /** The link is whole. What lost something is closed, and what stalled goes on. */
  heal(): void {
    this.#cut = false;
    this.#stallAfter = Infinity;
    for (const through of this.#open) {
      through.left = Infinity;
      if (through.lossy || through.to === null) this.#close(through);
      else through.from.resume();
    }
  }

  /** All its connections end, also those that wait for something. */
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
    // Nothing is said this way; reading shows that the other end has closed.
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
    // Nor does the end of a connection get through a cut.
    if (this.#cut) through.lossy = true;
    else this.#close(through);
  }

  #close(through: Through): void {
    this.#open.delete(through);
    through.from.destroy();
    through.to?.destroy();
  }
}
