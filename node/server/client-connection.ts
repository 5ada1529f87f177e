import type { Socket } from 'node:net';
import { ByteWriter } from '../kv/bytes.ts';
import { isAdmin } from '../protocol/admin-codec.ts';
import {
  COMMAND_OFFSET,
  decodeRequest,
  MAX_REQUEST_BYTES,
  plainWriteId,
  requestIdOf,
  requestProblem,
  writeResponse,
} from '../protocol/client-codec.ts';
import type { AdminOperation, ClientRequest, ClientResult, ErrorCode } from '../protocol/client.ts';
import { FrameReader, ProtocolError } from '../protocol/frame.ts';
import type { Requester } from '../replica/answers.ts';
import type { Log, LogLine } from '../replica/log.ts';

/** Maximum number of requests of one connection that wait for an answer. Further ones get `busy`. */
const MAX_IN_FLIGHT = 4_096;
/** Size of unread answers in bytes above which no further requests of the client are read. */
const PAUSE_ABOVE_BYTES = 4 << 20;
/**
 * Maximum size of unread answers, in bytes. Requests under way can still be answered; above this the client is
 * disconnected.
 */
const CLOSE_ABOVE_BYTES = 64 << 20;

/** Port: the service that answers the requests. */
export interface Service {
  /** Proposes a command, whose bytes are copied. */
  propose(command: Uint8Array, requester: Requester, requestId: number): void;
  read(key: string, requester: Requester, requestId: number): void;
  administer(operation: AdminOperation, requester: Requester, requestId: number): void;
  /** Schedules a turn, at whose end answers are sent. */
  wake(): void;
}

export interface ClientConnectionOptions {
  readonly socket: Socket;
  readonly service: Service;
  /** Command that is proposed for a client's `open-session`. */
  readonly openSession: Uint8Array;
  /** Returns true if the node has room for one more request. */
  readonly admit: () => boolean;
  /** Called when an answer waits, so that `flush` is called at the end of the turn. */
  readonly onAnswer: (connection: ClientConnection) => void;
  readonly log: Log;
  /** Called for each answer that is an error. */
  readonly onError: (code: ErrorCode) => void;
}

/** One client: requests come in, and answers leave in any order, with one write per turn. */
export class ClientConnection implements Requester {
  readonly #o: ClientConnectionOptions;
  readonly #reader = new FrameReader('client-request', MAX_REQUEST_BYTES);
  readonly #out = new ByteWriter(4_096);
  #inFlight = 0;

  constructor(options: ClientConnectionOptions) {
    this.#o = options;
    const { socket } = options;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('drain', () => socket.resume());
    // The error is ignored, because the `close` event after it ends the connection.
    socket.on('error', () => undefined);
  }

  answer(requestId: number, result: ClientResult): void {
    this.#inFlight--;
    if (result.type === 'error') this.#o.onError(result.code);
    if (this.#o.socket.destroyed) return;
    if (this.#out.length === 0) this.#o.onAnswer(this);
    writeResponse(this.#out, requestId, result);
  }

  flush(): void {
    const { socket, log } = this.#o;
    if (this.#out.length === 0) return;
    const bytes = this.#out.take();
    if (!socket.writable) return;
    socket.write(bytes);
    if (socket.writableLength > CLOSE_ABOVE_BYTES) {
      const reason = `it does not read its answers: ${socket.writableLength} bytes wait`;
      log(closed(socket, reason));
      socket.destroy();
    } else if (socket.writableLength > PAUSE_ABOVE_BYTES) {
      socket.pause();
    }
  }

  #onData(chunk: Buffer): void {
    try {
      for (const payload of this.#reader.push(chunk)) {
        this.#inFlight++;
        const requestId = plainWriteId(payload);
        if (requestId === null) this.#serve(payload);
        else if (this.#hasRoom(requestId)) this.#propose(payload, requestId);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#o.log(closed(this.#o.socket, error.message));
      this.#o.socket.destroy();
    }
  }

  #serve(payload: Buffer): void {
    const { service } = this.#o;
    const request = this.#decode(payload);
    if (request === null) return;
    const { requestId } = request;
    if (!this.#hasRoom(requestId)) return;
    if (request.type === 'read') {
      service.read(request.key, this, requestId);
    } else if (isAdmin(request)) {
      service.administer(request, this, requestId);
    } else if (request.type === 'open-session') {
      service.propose(this.#o.openSession, this, requestId);
    } else {
      this.#propose(payload, requestId);
    }
  }

  #propose(payload: Buffer, requestId: number): void {
    this.#o.service.propose(payload.subarray(COMMAND_OFFSET), this, requestId);
  }

  /** Returns false if there is no room, after the request was answered with `busy`. */
  #hasRoom(requestId: number): boolean {
    if (this.#inFlight <= MAX_IN_FLIGHT && this.#o.admit()) return true;
    this.#refuse(requestId, 'busy', 'too many requests are in flight');
    return false;
  }

  /**
   * Decodes a request; null: it is not valid, and was answered. Throws `ProtocolError` if it has no id.
   */
  #decode(payload: Uint8Array): ClientRequest | null {
    let request: ClientRequest;
    try {
      request = decodeRequest(payload);
    } catch (error) {
      const requestId = requestIdOf(payload);
      if (!(error instanceof ProtocolError) || requestId === null) throw error;
      this.#refuse(requestId, 'bad-request', error.message);
      return null;
    }
    const problem = requestProblem(request);
    if (problem === null) return request;
    this.#refuse(request.requestId, 'bad-request', problem);
    return null;
  }

  #refuse(requestId: number, code: 'busy' | 'bad-request', message: string): void {
    this.answer(requestId, { type: 'error', code, message });
    this.#o.service.wake();
  }
}

function closed(socket: Socket, reason: string): LogLine {
  const from = `${socket.remoteAddress}:${socket.remotePort}`;
  const message = `client ${from} closed: ${reason}`;
  return { level: 'warn', event: 'client-closed', message, fields: { from, reason } };
}
