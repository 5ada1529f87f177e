import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { encodeCommand } from '../kv/command.ts';
import { SESSION_CAP } from '../kv/sessions.ts';
import type { ErrorCode } from '../protocol/client.ts';
import type { Log } from '../replica/log.ts';
import { ClientConnection } from './client-connection.ts';
import type { Service } from './client-connection.ts';
import type { Address } from './option-values.ts';

const MAX_CONNECTIONS = 4_096;
/** Maximum number of requests of all connections that wait for an answer. Further ones get `busy`. */
const MAX_WAITING = 32_768;

export interface ClientServerOptions {
  readonly listen: Address;
  readonly service: Service & { readonly waiting: number };
  /** Maximum number of sessions, which this node writes into the log while it leads. */
  readonly sessionCap?: number;
  readonly log: Log;
  /** Called for each answer that is an error. */
  readonly onError?: (code: ErrorCode) => void;
}

/** The client API: `docs/protocol.md`. */
export class ClientServer {
  readonly #o: ClientServerOptions;
  readonly #server: Server;
  readonly #openSession: Uint8Array;
  readonly #sockets = new Set<Socket>();
  /** Connections with answers that are sent at the end of the turn. */
  #answered: ClientConnection[] = [];

  private constructor(options: ClientServerOptions) {
    this.#o = options;
    this.#openSession = encodeCommand({
      type: 'open-session-within',
      cap: options.sessionCap ?? SESSION_CAP,
    });
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Rejects with the system's error if the address cannot be listened on. */
  static async listen(options: ClientServerOptions): Promise<ClientServer> {
    const server = new ClientServer(options);
    server.#server.listen(options.listen);
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Sends the answers at the end of a turn, with one write per connection. */
  flush(): void {
    if (this.#answered.length === 0) return;
    const answered = this.#answered;
    this.#answered = [];
    for (const connection of answered) connection.flush();
  }

  /** Accepts no more connections; ends each connection after its pending answers. Resolves when all are closed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.flush();
    for (const socket of this.#sockets) socket.destroySoon();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    void new ClientConnection({
      socket,
      service: this.#o.service,
      openSession: this.#openSession,
      admit: () => this.#o.service.waiting < MAX_WAITING,
      onAnswer: (connection) => this.#answered.push(connection),
      log: this.#o.log,
      onError: this.#o.onError ?? (() => undefined),
    });
  }
}
