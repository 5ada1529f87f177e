import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { ByteWriter } from '../kv/bytes.ts';
import { writeHello, writeMessage } from '../protocol/peer-codec.ts';
import type { Hello, PeerChannel } from '../protocol/peer-codec.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { Log } from '../replica/log.ts';

/** Time between two dials in ms. It doubles from the minimum to the maximum while dialling fails. */
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 500;
/**
 * Time in ms after which a connection counts as a success. A proxy also accepts connections for a dead peer, but closes
 * them at once.
 */
const LASTING_MS = 500;
/**
 * Maximum number of bytes that wait in one connection. Further messages are dropped. For `bulk` it is larger than the
 * whole pipeline of a follower, because otherwise a leader would drop messages that flow control allows. For `control`
 * it is small, because control messages are small and soon out of date.
 */
const MAX_WAITING_BYTES: Readonly<Record<PeerChannel, number>> = { bulk: 16 << 20, control: 16 << 10 };

export interface PeerLinkOptions {
  readonly hello: Hello;
  readonly host: string;
  readonly port: number;
  /** Called for each new connection, because messages on an earlier one may be lost. */
  readonly onConnect: () => void;
  readonly log: Log;
}

/**
 * One outgoing connection: it dials, sends a hello and then messages, and receives nothing. Messages for a peer without
 * a connection are dropped. If a link loses the bytes, at most the maximum number of bytes waits.
 */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #out = new ByteWriter();
  /** For `control` only: newest message of each type for which there was no room. They are sent first when there is. */
  readonly #newest = new Map<PeerMessage['type'], PeerMessage>();
  #socket: Socket;
  #connected = false;
  #connectedAtMs = 0;
  #backoffMs = BACKOFF_MIN_MS;
  #redial: NodeJS.Timeout | null = null;
  #closed = false;
  #reason = 'closed by the peer';

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#socket = this.#dial();
  }

  send(message: PeerMessage): void {
    if (!this.#connected) return;
    const { channel } = this.#options.hello;
    if (this.#socket.writableLength + this.#out.length > MAX_WAITING_BYTES[channel]) {
      if (channel === 'control') this.#newest.set(message.type, message);
      return;
    }
    writeMessage(this.#out, message);
  }

  flush(): void {
    if (this.#connected && this.#out.length > 0) this.#socket.write(this.#out.take(), this.#onWritten);
  }

  /** Dials at once if it is not connected, because the peer is known to be alive. */
  dialNow(): void {
    if (this.#redial === null || this.#closed) return;
    clearTimeout(this.#redial);
    this.#backoffMs = BACKOFF_MIN_MS;
    this.#socket = this.#dial();
  }

  /** Stops dialling. `gently`: messages that wait already are still sent. */
  close(gently: boolean): void {
    this.#closed = true;
    if (this.#redial !== null) clearTimeout(this.#redial);
    if (gently && this.#connected) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #dial(): Socket {
    this.#redial = null;
    const { host, port } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    socket.on('connect', () => this.#onConnect());
    socket.on('error', (error) => (this.#reason = error.message));
    socket.on('close', () => this.#onClose());
    // No data is expected, but only reading shows that the peer has closed the connection.
    socket.resume();
    return socket;
  }

  #onConnect(): void {
    this.#connected = true;
    this.#connectedAtMs = performance.now();
    writeHello(this.#out, this.#options.hello);
    this.flush();
    this.#options.onConnect();
  }

  /** Called after each write. `drain` is not used, because it needs more waiting bytes than `control` allows. */
  readonly #onWritten = (): void => {
    if (this.#newest.size === 0) return;
    const waiting = [...this.#newest.values()];
    this.#newest.clear();
    for (const message of waiting) this.send(message);
    this.flush();
  };

  #onClose(): void {
    const { hello, host, port, log } = this.#options;
    const lasted = this.#connected && performance.now() - this.#connectedAtMs >= LASTING_MS;
    if (lasted && !this.#closed) {
      log({
        level: 'info',
        event: 'peer-connection-lost',
        message: `${hello.channel} connection to ${hello.to} at ${host}:${port} lost: ${this.#reason}`,
        fields: { peer: hello.to, channel: hello.channel, host, port, reason: this.#reason },
      });
    }
    this.#reason = 'closed by the peer';
    this.#connected = false;
    this.#out.take();
    this.#newest.clear();
    if (this.#closed) return;
    if (lasted) this.#backoffMs = BACKOFF_MIN_MS;
    this.#redial = setTimeout(() => (this.#socket = this.#dial()), this.#backoffMs);
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
  }
}
