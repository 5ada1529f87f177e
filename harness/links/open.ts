import { randomBytes } from 'node:crypto';
import { call, DeadlineError, isNotFound } from './deadline.ts';
import { readProxyBytes } from './metrics.ts';
import {
  allLinks,
  linkName,
  type LinkCondition,
  type LinkId,
  type Links,
  type LinkTraffic,
} from '../ports/links.ts';
import { recordProxies } from './journal.ts';
import { releasePorts, takePorts } from './ports.ts';
import { ProxyLink } from './proxy-link.ts';
import { openServer, type RunningServer } from './server.ts';
import { allocateListenPorts, CLIENTS, upstreamPort, type NodePorts } from './standard.ts';

export { allocateNodePorts } from './standard.ts';

export interface LinksOptions {
  readonly nodes: readonly NodePorts[];
  /**
   * URL of a running server, `real`, `builtin`, or the path of a binary; else CHAOS_TOXIPROXY_URL, else the best
   * there is.
   */
  readonly toxiproxy?: string;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** The server that we started ended by itself, or cannot work any more. */
  readonly onServerExit: (detail: string) => void;
  readonly onNote: (text: string) => void;
}

/**
 * Number of ports that are tried for one link, in case other programs take them between our trial and the server's
 * bind.
 */
const PORT_ATTEMPTS = 4;

/**
 * Starts (or finds) a Toxiproxy server and makes a proxy for every link between the nodes, and from the clients to
 * each. The nodes need not run yet. All addresses are of 127.0.0.1, also with an external server, which must be on
 * this machine.
 * @throws if there is no server, or it cannot listen. Everything that was started has been stopped before.
 */
export async function openLinks(options: LinksOptions): Promise<Links> {
  const { nodes, cacheDir, signal } = options;
  const choice = options.toxiproxy ?? (process.env['CHAOS_TOXIPROXY_URL'] || undefined);
  const server = await openServer({ choice, cacheDir, signal, onExit: options.onServerExit });
  const links = new ToxiproxyLinks(server, nodes);
  try {
    await links.open(options);
    signal.throwIfAborted();
    return links;
  } catch (error) {
    await links[Symbol.asyncDispose]();
    throw error;
  }
}

class ToxiproxyLinks implements Links {
  readonly server: Links['server'];
  readonly links: readonly LinkId[];
  readonly #running: RunningServer;
  readonly #nodes: readonly NodePorts[];
  readonly #proxies = new Map<string, ProxyLink>();
  /** Before our proxies' names: other runs may use the same external server. */
  readonly #prefix: string;
  #listenPorts: readonly number[] = [];
  /** Removes the proxies of an external server from the journal. */
  #forget = (): void => {};
  #disposed: Promise<void> | null = null;

  constructor(running: RunningServer, nodes: readonly NodePorts[]) {
    this.#running = running;
    this.#nodes = nodes;
    this.server = { kind: running.kind, version: running.version, url: running.url };
    this.links = allLinks(nodes.map(({ id }) => id));
    this.#prefix = running.kind === 'external' ? `chaos-${randomBytes(4).toString('hex')}-` : '';
  }

  async open(options: LinksOptions): Promise<void> {
    const listen = await allocateListenPorts(this.#nodes);
    this.#listenPorts = [...listen.values()];
    // A server of ours takes its proxies along; one that stays would keep them if this process were killed.
    if (this.#running.kind === 'external') {
      const names = this.links.map((link) => this.#prefix + linkName(link));
      this.#forget = await recordProxies(options.cacheDir, this.#running.url, names);
    }
    // All are awaited, even if one fails, because every proxy that was made must be known before it is removed again.
    const made = await Promise.allSettled(
      this.links.map((link) => this.#create(link, listen.get(linkName(link))!, options)),
    );
    for (const result of made) if (result.status === 'rejected') throw result.reason;
  }

  async #create(link: LinkId, firstPort: number, options: LinksOptions): Promise<void> {
    const name = linkName(link);
    for (let port = firstPort, attempt = 1; ; attempt++) {
      try {
        const proxy = await ProxyLink.create({
          api: this.#running.api,
          link,
          kind: link.from === CLIENTS ? 'client' : 'peer',
          name: this.#prefix + name,
          listen: `127.0.0.1:${port}`,
          upstream: `127.0.0.1:${upstreamPort(link, this.#nodes)}`,
          onNote: options.onNote,
        });
        this.#proxies.set(name, proxy);
        return;
      } catch (error) {
        if (error instanceof DeadlineError || attempt === PORT_ATTEMPTS || options.signal.aborted)
          throw error;
        port = (await takePorts(1))[0]!;
        this.#listenPorts = [...this.#listenPorts, port];
      }
    }
  }

  address(link: LinkId): string {
    return this.#proxy(link).listen;
  }

  apply(link: LinkId, condition: LinkCondition): Promise<void> {
    return this.#proxy(link).apply(condition);
  }

  reset(link: LinkId): Promise<void> {
    return this.#proxy(link).reset();
  }

  /**
   * Both streams together. The real server counts a connection's bytes when the connection ends (and the sent ones only
   * if it ended without an error), so its numbers are late; the built-in server counts bytes as they pass.
   */
  async traffic(): Promise<readonly LinkTraffic[]> {
    const { api } = this.#running;
    const text = await call('give its metrics', () => api.api.getText(`${api.host}/metrics`)).catch(
      (error: unknown) => {
        // An external server without -proxy-metrics has no such page.
        if (isNotFound(error)) return '';
        throw error;
      },
    );
    const bytes = readProxyBytes(text);
    return this.links.map((link) => {
      const counted = bytes.get(this.#prefix + linkName(link));
      return { link, receivedBytes: counted?.received ?? 0, sentBytes: counted?.sent ?? 0 };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    // A server of ours takes its proxies along; in one that stays, each is removed, and with it all its toxics.
    if (this.#running.kind === 'external') {
      const removed = await Promise.allSettled([...this.#proxies.values()].map((proxy) => proxy.remove()));
      // What is left stays in the journal for `chaos clean`.
      if (removed.every(({ status }) => status === 'fulfilled')) this.#forget();
    }
    await this.#running.stop();
    releasePorts([...this.#listenPorts, ...this.#nodes.flatMap((node) => [node.peerPort, node.clientPort])]);
  }

  #proxy(link: LinkId): ProxyLink {
    const proxy = this.#proxies.get(linkName(link));
    if (proxy === undefined)
      throw new Error(`there is no link ${linkName(link)}; there are: ${this.links.map(linkName).join(' ')}`);
    return proxy;
  }
}
