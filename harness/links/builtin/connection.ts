import { connect, type Socket } from 'node:net';
import type { ByteCount } from './byte-counters.ts';
import { Pipe } from './pipe.ts';
import { tellStarvation } from './starvation.ts';
import type { StreamDirection, Toxic, ToxicList } from './toxic-list.ts';

const NOTHING = new Uint8Array();

export interface ConnectionOptions {
  /** The accepted socket, paused, with half-open allowed. */
  readonly client: Socket;
  readonly upstream: { readonly host: string; readonly port: number };
  readonly toxics: ToxicList;
  readonly counts: Readonly<Record<StreamDirection, ByteCount>>;
  readonly onClose: () => void;
}

/** A client's connection, the connection to the upstream that was made for it, and the two streams between them. */
export class Connection {
  readonly #client: Socket;
  readonly #upstream: Socket;
  /** True if both sockets are closed with RST, as with SO_LINGER 0. */
  #resets = false;
  #pipes: Readonly<Record<StreamDirection, Pipe>> | null = null;

  constructor(options: ConnectionOptions) {
    this.#client = options.client;
    this.#upstream = connect({ ...options.upstream, allowHalfOpen: true, noDelay: true });
    // Each 'error' is followed by a 'close', which is handled.
    this.#client.on('error', () => {});
    this.#upstream.on('error', tellStarvation);
    this.#upstream.once('connect', () => this.#begin(options));
    const closed = (): void => {
      if (this.#pipes === null) this.destroy();
      if (this.#client.destroyed && this.#upstream.destroyed) options.onClose();
    };
    this.#client.once('close', closed);
    this.#upstream.once('close', closed);
  }

  added(toxic: Toxic): void {
    this.#pipes?.[toxic.direction].add(toxic);
  }
  updated(toxic: Toxic): void {
    this.#pipes?.[toxic.direction].update(toxic);
  }
  removed(toxic: Toxic): void {
    this.#pipes?.[toxic.direction].remove(toxic);
  }

  /** Closes both sockets now. */
  destroy(): void {
    for (const socket of [this.#client, this.#upstream]) {
      if (this.#resets) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  #begin({ toxics, counts }: ConnectionOptions): void {
    if (this.#client.destroyed) {
      this.destroy();
      return;
    }
    this.#resets = toxics.all.some((toxic) => toxic.kind.resets);
    const [client, upstream] = [this.#client, this.#upstream];
    const pipe = (source: Socket, dest: Socket, direction: StreamDirection): Pipe =>
      new Pipe({
        source,
        dest,
        toxics: toxics.of(direction),
        count: counts[direction],
        closeDest: () => this.#close(dest),
      });
    this.#pipes = {
      upstream: pipe(client, upstream, 'upstream'),
      downstream: pipe(upstream, client, 'downstream'),
    };
    client.resume();
  }

  /** Closes a socket once everything written to it has been sent. */
  #close(socket: Socket): void {
    if (!this.#resets) socket.destroySoon();
    else if (socket.writableLength === 0 || socket.destroyed) socket.resetAndDestroy();
    else socket.write(NOTHING, () => socket.resetAndDestroy());
  }
}
