import { isAdmin } from '../../../../node/protocol/admin-codec.ts';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type {
  ClientCommand,
  ClientRequest,
  ClientResult,
  ErrorCode,
  StoredValue,
} from '../../../../node/protocol/client.ts';
import { decodeRequest, encodeResponse } from '../../../../node/protocol/client-codec.ts';
import { FrameReader } from '../../../../node/protocol/frame.ts';

/**
 * Treatment of a request: `serve` it after a delay; answer with an `error` (for an indefinite one, `applied` says
 * whether the operation took effect); close the connection or stay silent, before or after it took effect.
 */
export type Fate =
  | { readonly type: 'serve'; readonly delayMs?: number }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly applied: boolean; readonly leader?: string }
  | { readonly type: 'close' | 'silence'; readonly applied: boolean };

/**
 * Servers that speak the client protocol over real sockets and share one store, which is trivially linearizable, to
 * test a workload without Raft. The store knows the truth about every mutation, to compare outcomes with.
 */
export class KvServers {
  readonly addresses: Readonly<Record<string, string>>;
  /** Values of mutations in the order in which they took effect (a failed cas has none). */
  readonly applied: string[] = [];
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();
  readonly #registers = new Map<string, StoredValue>();
  readonly #sessions = new Map<number, { seq: number; result: ClientResult }>();

  private constructor(servers: readonly Server[], names: readonly string[]) {
    this.#servers = servers;
    const ports = servers.map((server) => (server.address() as AddressInfo).port);
    this.addresses = Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i]!}`]));
  }

  static async start(
    names: readonly string[],
    fate: (node: string, request: ClientRequest) => Fate,
  ): Promise<KvServers> {
    let self: KvServers | null = null;
    const servers = await Promise.all(
      names.map(async (name) => {
        const server = createServer({ noDelay: true }, (socket) =>
          self!.#serve(socket, (r) => fate(name, r)),
        );
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return server;
      }),
    );
    self = new KvServers(servers, names);
    return self;
  }

  /** Resolves once no connection is left. */
  async untilDeserted(): Promise<void> {
    while (this.#sockets.size > 0) {
      const [socket] = this.#sockets;
      await new Promise((resolve) => socket!.once('close', resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #serve(socket: Socket, fate: (request: ClientRequest) => Fate): void {
    const reader = new FrameReader('client-request');
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const payload of reader.push(chunk)) {
        const request = decodeRequest(payload);
        if (request.type === 'read' && request.key === '~hello') {
          socket.write(
            encodeResponse({ requestId: request.requestId, type: 'value', present: false, value: null }),
          );
          continue;
        }
        this.#meet(socket, request, fate(request));
      }
    });
  }

  #meet(socket: Socket, request: ClientRequest, fate: Fate): void {
    const answer = (result: ClientResult): void =>
      void socket.write(encodeResponse({ requestId: request.requestId, ...result }));
    switch (fate.type) {
      case 'serve':
        if (fate.delayMs === undefined) return answer(this.#execute(request));
        // It takes effect in the middle of its delay, so that an operation's interval has room on both sides.
        setTimeout(() => {
          const result = this.#execute(request);
          setTimeout(() => answer(result), fate.delayMs! / 2);
        }, fate.delayMs / 2);
        return;
      case 'error':
        if (fate.applied) this.#execute(request);
        return answer({
          type: 'error',
          code: fate.code,
          message: 'as the test wishes',
          ...(fate.leader === undefined ? {} : { leader: fate.leader }),
        });
      case 'close':
        if (fate.applied) this.#execute(request);
        return void socket.destroy();
      case 'silence':
        if (fate.applied) this.#execute(request);
        return;
      default:
        return fate satisfies never;
    }
  }

  #execute(request: ClientRequest): ClientResult {
    if (request.type === 'read') return { type: 'value', ...this.#register(request.key) };
    if (isAdmin(request)) return { type: 'error', code: 'bad-request', message: 'one server is no cluster' };
    if (request.type === 'open-session') {
      const session = this.#sessions.size + 1;
      this.#sessions.set(session, { seq: 0, result: { type: 'done' } });
      return { type: 'session', session };
    }
    const last = this.#sessions.get(request.session);
    if (last === undefined) return { type: 'error', code: 'session-expired', message: '' };
    if (request.seq < last.seq) return { type: 'error', code: 'stale-seq', message: '' };
    if (request.seq > last.seq) {
      last.result = this.#change(request);
      last.seq = request.seq;
    }
    return last.result;
  }

  #change(command: Exclude<ClientCommand, { type: 'open-session' }>): ClientResult {
    const found = this.#register(command.key);
    if (command.type === 'cas' && found.value !== command.from)
      return { type: 'error', code: 'cas-mismatch', message: '', found };
    const value =
      command.type === 'cas' ? command.to : command.type === 'delete' ? command.tombstone : command.value;
    this.applied.push(value);
    this.#registers.set(command.key, {
      present: command.type !== 'delete',
      value: command.type === 'append' ? (found.value ?? '') + value : value,
    });
    return { type: 'done' };
  }

  #register(key: string): StoredValue {
    return this.#registers.get(key) ?? { present: false, value: null };
  }
}
