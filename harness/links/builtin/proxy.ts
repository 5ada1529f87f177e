import { createServer, type Server, type Socket } from 'node:net';
import { formatAddress, listenAddress, listenError, resolveAddress, splitAddress } from './address.ts';
import type { ByteCounters } from './byte-counters.ts';
import { Connection } from './connection.ts';
import { ToxicList, type Toxic } from './toxic-list.ts';
import { tellStarvation } from './starvation.ts';

/** Fields of a proxy that a client may set. */
export interface ProxyFields {
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
}

/** A proxy: its listener while it is enabled, its toxics, its open connections. */
export class Proxy {
  readonly name: string;
  readonly toxics: ToxicList;
  readonly #counters: ByteCounters;
  readonly #connections = new Set<Connection>();
  #listen: string;
  #upstream: string;
  #server: Server | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, fields: Pick<ProxyFields, 'listen' | 'upstream'>, counters: ByteCounters) {
    this.name = name;
    this.#listen = fields.listen;
    this.#upstream = fields.upstream;
    this.#counters = counters;
    const each = (change: 'added' | 'updated' | 'removed') => (toxic: Toxic) => {
      for (const connection of this.#connections) connection[change](toxic);
    };
    this.toxics = new ToxicList({ added: each('added'), updated: each('updated'), removed: each('removed') });
  }

  get fields(): ProxyFields {
    return { listen: this.#listen, upstream: this.#upstream, enabled: this.#server !== null };
  }

  /** The proxy as the API shows it. `Logger` is a mistake of the real server that clients may rely on. */
  toJson(): Readonly<Record<string, unknown>> {
    const toxics = this.toxics.all.map(toxicJson);
    return { name: this.name, ...this.fields, Logger: {}, toxics };
  }

  /** Starts listening if it does not listen yet. @throws Error with Go's message. */
  start(): Promise<void> {
    return this.#enqueue(() => this.#start());
  }

  /** Refuses new connections and closes the open ones. */
  stop(): Promise<void> {
    return this.#enqueue(() => this.#stop());
  }

  /** A new address restarts the listener, which closes its connections. */
  update(fields: ProxyFields): Promise<void> {
    return this.#enqueue(async () => {
      if (await this.#differs(fields)) {
        await this.#stop();
        this.#listen = fields.listen;
        this.#upstream = fields.upstream;
      }
      if (fields.enabled && this.#server === null) await this.#start();
      else if (!fields.enabled) await this.#stop();
    });
  }

  differs(fields: Pick<ProxyFields, 'listen' | 'upstream'>): Promise<boolean> {
    return this.#enqueue(() => this.#differs(fields));
  }

  async #differs(fields: Pick<ProxyFields, 'listen' | 'upstream'>): Promise<boolean> {
    return (await resolveAddress(fields.listen)) !== this.#listen || fields.upstream !== this.#upstream;
  }

  async #start(): Promise<void> {
    if (this.#server !== null) return;
    const { host, port } = await listenAddress(this.#listen);
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) =>
      this.#accept(client),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(listenError(error, formatAddress(host ?? '::', port))),
      );
      server.listen({ port, ...(host === null ? {} : { host }) }, () => resolve());
    });
    server.on('error', tellStarvation);
    const bound = server.address();
    if (bound !== null && typeof bound === 'object') this.#listen = formatAddress(bound.address, bound.port);
    this.#server = server;
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#server === null) {
      client.destroy();
      return;
    }
    const labels = { proxy: this.name, listener: this.#listen, upstream: this.#upstream };
    const connection: Connection = new Connection({
      client,
      upstream: upstreamAddress(this.#upstream),
      toxics: this.toxics,
      counts: {
        upstream: this.#counters.for({ direction: 'upstream', ...labels }),
        downstream: this.#counters.for({ direction: 'downstream', ...labels }),
      },
      onClose: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** If the upstream is not an address, every connection to it fails, as with port 0. */
function upstreamAddress(upstream: string): ReturnType<typeof splitAddress> {
  try {
    return splitAddress(upstream);
  } catch {
    return { host: '', port: 0 };
  }
}

export function toxicJson({
  exact: attributes,
  name,
  type,
  stream,
  toxicity,
}: Toxic): Readonly<Record<string, unknown>> {
  return { attributes, name, type, stream, toxicity };
}
