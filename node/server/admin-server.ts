import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CoreStatus } from '../raft/ready.ts';
import type { Address } from './option-values.ts';

/** Maximum number of connections. There are only a few scrapers and probes. */
const MAX_CONNECTIONS = 64;
/** Maximum time for a request to arrive, in ms. It has only a request line and some headers. */
const REQUEST_WITHIN_MS = 5_000;

export interface AdminServerOptions {
  readonly listen: Address;
  readonly metrics: { readonly contentType: string; text(): string };
  readonly health: () => Health;
}

/** Read-only HTTP server for an operator's tools: `/metrics` for Prometheus, `/healthz` for a probe. */
export class AdminServer {
  readonly #o: AdminServerOptions;
  readonly #server: Server;

  private constructor(options: AdminServerOptions) {
    this.#o = options;
    this.#server = createServer(
      {
        requestTimeout: REQUEST_WITHIN_MS,
        headersTimeout: REQUEST_WITHIN_MS,
        keepAliveTimeout: REQUEST_WITHIN_MS,
      },
      (request, response) => this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Rejects with the system's error if the address cannot be listened on. */
  static async listen(options: AdminServerOptions): Promise<AdminServer> {
    const admin = new AdminServer(options);
    admin.#server.listen(options.listen);
    await once(admin.#server, 'listening');
    return admin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [path] = (request.url ?? '').split('?', 1);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return reply(response, 405, 'text/plain', 'GET /metrics or /healthz\n');
    if (path === '/metrics') return reply(response, 200, this.#o.metrics.contentType, this.#o.metrics.text());
    if (path !== '/healthz') return reply(response, 404, 'text/plain', 'there are /metrics and /healthz\n');
    const health = this.#o.health();
    reply(response, health.ok ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`);
  }
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** Returns the body of `/healthz`: whether the node can serve, and if not, the reason. */
export function health(status: Pick<CoreStatus, 'role' | 'term' | 'leader' | 'diskHangs'>): Health {
  const { role, term, leader, diskHangs } = status;
  const problem = diskHangs
    ? 'a disk write has not ended for an election timeout'
    : leader === null
      ? 'no leader is known'
      : null;
  return { ok: problem === null, problem, role, term, leader };
}

export interface Health {
  readonly ok: boolean;
  readonly problem: string | null;
  readonly role: string;
  readonly term: number;
  readonly leader: string | null;
}
