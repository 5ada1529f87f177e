import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { ByteWriter } from '../kv/bytes.ts';
import { writeHello, writeMessage } from '../protocol/peer-codec.ts';
import type { Hello, PeerChannel } from '../protocol/peer-codec.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { Log } from '../replica/log.ts';

/** Between two dials; doubles from the first to the second while dialling fails. */
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 500;
/**
 * A proxy accepts also for a dead peer and closes at once: only a connection that lasts this long counts as a
 * success.
 */
const LASTING_MS = 500;
/**
 * Maximum number of bytes that wait in one connection; further messages are dropped. It is more than the whole pipeline
 * of a follower, or a leader would drop messages that it has just decided to send. Control messages are small and soon
 * stale.
 */
const MAX_WAITING_BYTES: Readonly<Record<PeerChannel, number>> = { bulk: 16 << 20, control: 16 << 10 };

export interface PeerLinkOptions {
  readonly hello: Hello;
  readonly host: string;
  readonly port: number;
  /** Connected: messages on an earlier connection may be lost. */
  readonly onConnect: () => void;
  readonly log: Log;
}

/**
 * One outgoing connection: it dials, says hello, and sends; nothing comes back on it. Messages that cannot be sent are
 * dropped: nothing waits for a peer that is away, and if a link swallows bytes, at most the bound waits.
 */
export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #out = new ByteWriter();
  /** Control only: the newest message of each type that found no room; they go first once there is. */
  readonly #newest = new Map<PeerMessage['type'], PeerMessage>();
  #socket: Socket;
  #connected = false;
  #connectedAtMs = 0;
  #backoffMs = BACKOFF_MIN_MS;
  #redial: NodeJS.Timeout | null = null;
  #closed = false;
  #reason = 'closed by the other end';

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

  /** The peer is there: no need to wait for the next dial. */
  dialNow(): void {
    if (this.#redial === null || this.#closed) return;
    clearTimeout(this.#redial);
    this.#backoffMs = BACKOFF_MIN_MS;
    this.#socket = this.#dial();
  }

  /** Stops dialling. `gently`: messages that were sent before still leave. */
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
    // No data is expected, but only reading shows that the other end has closed.
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

  /** Not `drain`, which needs more to wait than the control connection lets wait. */
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
    this.#reason = 'closed by the other end';
    this.#connected = false;
    this.#out.take();
    this.#newest.clear();
    if (this.#closed) return;
    if (lasted) this.#backoffMs = BACKOFF_MIN_MS;
    this.#redial = setTimeout(() => (this.#socket = this.#dial()), this.#backoffMs);
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2);
  }
}
