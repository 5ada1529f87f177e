import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { channelOf } from '../protocol/peer-codec.ts';
import type { PeerChannel } from '../protocol/peer-codec.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { NodeId } from '../raft/types.ts';
import type { Transport, TransportOptions } from '../replica/ports.ts';
import { PeerLink } from './peer-link.ts';
import { PeerListener } from './peer-listener.ts';

/**
 * Messages to and from the peers over TCP. A connection carries messages one way only: this node dials each
 * peer through its link and sends; the peer answers over its own. Each peer gets two, so that a heartbeat
 * never waits behind bulk.
 */
export class PeerTransport implements Transport {
  readonly #listener: PeerListener;
  readonly #links: ReadonlyMap<NodeId, Readonly<Record<PeerChannel, PeerLink>>>;

  private constructor(options: TransportOptions, listener: PeerListener, cluster: string) {
    this.#listener = listener;
    this.#links = new Map(
      [...options.peers].map(([to, address]) => [to, openLinks(options, cluster, to, address)]),
    );
  }

  /** Listens, then begins to dial. Rejects with the system's error if the address cannot be listened on. */
  static async listen(options: TransportOptions): Promise<PeerTransport> {
    const cluster = [options.id, ...options.peers.keys()].sort().join(',');
    let transport: PeerTransport | null = null;
    const listener = new PeerListener({
      ...options,
      cluster,
      peers: new Set(options.peers.keys()),
      peerCame: (peer) => transport?.dialNow(peer),
    });
    listener.server.listen({ host: options.listenHost, port: options.listenPort });
    await once(listener.server, 'listening');
    transport = new PeerTransport(options, listener, cluster);
    return transport;
  }

  get port(): number {
    return (this.#listener.server.address() as AddressInfo).port;
  }

  send(message: PeerMessage): void {
    this.#links.get(message.to)?.[channelOf(message)].send(message);
  }

  flush(): void {
    for (const { control, bulk } of this.#links.values()) {
      control.flush();
      bulk.flush();
    }
  }

  /** `peer` has dialled this node: so it can be dialled. */
  dialNow(peer: NodeId): void {
    const links = this.#links.get(peer);
    links?.control.dialNow();
    links?.bulk.dialNow();
  }

  async close(): Promise<void> {
    for (const { control, bulk } of this.#links.values()) {
      control.close();
      bulk.close();
    }
    await this.#listener.close();
  }
}

function openLinks(
  options: TransportOptions,
  cluster: string,
  to: NodeId,
  address: string,
): Record<PeerChannel, PeerLink> {
  const colon = address.lastIndexOf(':');
  const place = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)), log: options.log };
  const { id: from, incarnation, promiseMs } = options;
  const hello = { cluster, from, incarnation, to, promiseMs };
  return {
    control: new PeerLink({
      ...place,
      hello: { ...hello, channel: 'control' },
      onConnect: () => undefined,
    }),
    bulk: new PeerLink({
      ...place,
      hello: { ...hello, channel: 'bulk' },
      onConnect: () => options.linkMade(to),
    }),
  };
}
