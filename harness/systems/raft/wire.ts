import { connect, type Socket } from 'node:net';
import type { ClientOperation } from '../../../node/protocol/client.ts';
import { decodeResponse, encodeRequest, MAX_RESPONSE_BYTES } from '../../../node/protocol/client-codec.ts';
import { FrameReader } from '../../../node/protocol/frame.ts';
import type { Ask } from '../../ports/client.ts';
import { systemReason } from '../../system-reason.ts';
import type { WireEnd } from './answers.ts';

/** A key outside the workload's, read once per connection. */
export const HELLO: ClientOperation = { type: 'read', key: '~hello' };

/** A client's own way to one node. */
export interface Wire {
  /** `listener` is called once with the end of the attempt, never before `ask` has returned. */
  ask(operation: ClientOperation, listener: (end: WireEnd) => void): Ask;
  close(): void;
}

/** Error codes of a connection that this machine could not open. They say nothing about the other end. */
const UNABLE = new Set([
  'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAGAIN',
  'EADDRNOTAVAIL', 'ENETUNREACH', 'ENETDOWN', 'EHOSTUNREACH', 'EACCES', 'EPERM',
]); // prettier-ignore

interface PendingAsk extends Ask {
  readonly operation: ClientOperation;
  readonly listener: (end: WireEnd) => void;
  requestId: number | null;
  dropped: boolean;
}

/**
 * A connection that is made when first needed, and again after it broke. Before it carries operations it must prove
 * itself by an answer to a harmless read: a proxy accepts connections for a node that is not there, and closes them a
 * moment later. Without the proof every write to a dead node would be an unknown outcome, although no node ever saw it.
 */
export class TcpWire implements Wire {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #proved = false;
  #waiting: PendingAsk[] = [];
  readonly #sent = new Map<number, PendingAsk>();
  #nextRequestId = 1;
  #closed = false;
  readonly #onUnable: (reason: string) => void;

  /** `address`: `host:port`. `onUnable`: called if this machine cannot open any connection, to any node. */
  constructor(address: string, onUnable: (reason: string) => void = () => undefined) {
    this.#onUnable = onUnable;
    const colon = address.lastIndexOf(':');
    this.#host = address.slice(0, colon);
    this.#port = Number(address.slice(colon + 1));
  }

  ask(operation: ClientOperation, listener: (end: WireEnd) => void): Ask {
    if (this.#closed) throw new Error('this wire is closed');
    const ask: PendingAsk = {
      operation,
      listener,
      requestId: null,
      dropped: false,
      get sent() {
        return this.requestId !== null;
      },
      drop: () => this.#drop(ask),
    };
    if (this.#proved) this.#send(ask);
    else this.#waiting.push(ask);
    this.#socket ??= this.#connect();
    return ask;
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#sent.clear();
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    const reader = new FrameReader('client-response', MAX_RESPONSE_BYTES);
    let refused = false;
    socket.on('connect', () => socket.write(encodeRequest({ requestId: 0, ...HELLO })));
    socket.on('data', (chunk: Buffer) => this.#read(socket, reader, chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      refused = error.code === 'ECONNREFUSED';
      if (UNABLE.has(error.code ?? '')) this.#onUnable(`no connection can be opened: ${systemReason(error)}`);
    });
    socket.on('close', () => this.#broken(refused ? 'refused' : 'closed'));
    return socket;
  }

  #read(socket: Socket, reader: FrameReader, chunk: Buffer): void {
    try {
      for (const payload of reader.push(chunk)) this.#answered(payload);
    } catch (error) {
      // The bytes are no response: every request on this connection stays unknown.
      socket.destroy(error as Error);
    }
  }

  #answered(payload: Uint8Array): void {
    const { requestId, ...result } = decodeResponse(payload);
    if (!this.#proved) this.#prove();
    const ask = this.#sent.get(requestId);
    if (ask === undefined) return;
    this.#sent.delete(requestId);
    ask.listener({ type: 'answer', result });
  }

  #prove(): void {
    this.#proved = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const ask of waiting) this.#send(ask);
  }

  #send(ask: PendingAsk): void {
    ask.requestId = this.#nextRequestId++;
    this.#sent.set(ask.requestId, ask);
    this.#socket!.write(encodeRequest({ requestId: ask.requestId, ...ask.operation }));
  }

  #broken(error: 'refused' | 'closed'): void {
    const lost = [...this.#sent.values()];
    const unsent = this.#waiting;
    this.#socket = null;
    this.#proved = false;
    this.#sent.clear();
    this.#waiting = [];
    for (const ask of lost) if (!ask.dropped) ask.listener({ type: 'lost' });
    for (const ask of unsent) if (!ask.dropped) ask.listener({ type: 'unsent', error });
  }

  #drop(ask: PendingAsk): void {
    ask.dropped = true;
    if (ask.requestId !== null) this.#sent.delete(ask.requestId);
    else this.#waiting = this.#waiting.filter((each) => each !== ask);
  }
}
