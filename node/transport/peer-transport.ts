import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { channelOf } from '../protocol/peer-codec.ts';
import type { Hello } from '../protocol/peer-codec.ts';
import { isAddress, placeAt } from '../protocol/address.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { NodeId } from '../raft/types.ts';
import type { Transport, TransportOptions } from '../replica/ports.ts';
import { PeerLink } from './peer-link.ts';
import { PeerListener } from './peer-listener.ts';

/** Maximum number of nodes that this node answers although they are not members in its configuration. */
const MAX_VISITORS = 16;

interface PeerLinks {
  /** Address to which the links lead. `toMember`: it belongs to a member. */
  readonly address: string;
  readonly toMember: boolean;
  readonly control: PeerLink;
  readonly bulk: PeerLink;
}

/**
 * Messages to and from the peers over TCP. A connection has messages in one direction only: this node dials each peer
 * and sends, and the peer answers over a connection of its own. There are two connections to each peer, so that a
 * heartbeat never waits for bulk messages. The peers change with the configuration. This node also connects to each
 * node that connects to it, because that node may be a member in a configuration that has not arrived here yet.
 */
export class PeerTransport implements Transport {
  readonly #o: TransportOptions;
  readonly #listener: PeerListener;
  readonly #links = new Map<NodeId, PeerLinks>();
  /** Address of each member, from the configuration. */
  #members: ReadonlyMap<NodeId, string | null> = new Map();
  /** Address of each node in whose configuration this node is a member. */
  readonly #visitors = new Map<NodeId, string>();

  private constructor(options: TransportOptions) {
    this.#o = options;
    this.#listener = new PeerListener({
      ...options,
      peerCame: (hello) => this.#came(hello),
      peerGone: (peer) => this.#gone(peer),
    });
  }

  /** Starts to listen. It dials when it knows the members. Rejects with the system's error if it cannot listen. */
  static async listen(options: TransportOptions): Promise<PeerTransport> {
    const transport = new PeerTransport(options);
    const { server } = transport.#listener;
    server.listen({ host: options.listenHost, port: options.listenPort });
    await once(server, 'listening');
    return transport;
  }

  get port(): number {
    return (this.#listener.server.address() as AddressInfo).port;
  }

  /** The nodes that this node has links to. */
  get dialled(): readonly NodeId[] {
    return [...this.#links.keys()];
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

  members(addresses: ReadonlyMap<NodeId, string | null>): void {
    this.#members = addresses;
    this.#relink();
  }

  async close(): Promise<void> {
    for (const id of this.#links.keys()) this.#unlink(id, false);
    await this.#listener.close();
  }

  /** Notes a node that has dialled this one, so that it can be dialled back. */
  #came({ from, address, toMember }: Hello): void {
    if (!toMember) this.#visitors.delete(from);
    else if (this.#visitors.size < MAX_VISITORS || this.#visitors.has(from))
      this.#visitors.set(from, address);
    this.#relink();
    const links = this.#links.get(from);
    links?.control.dialNow();
    links?.bulk.dialNow();
  }

  #gone(peer: NodeId): void {
    this.#visitors.delete(peer);
    this.#relink();
  }

  /** Makes links to all members and visitors at their current addresses, and ends all others. */
  #relink(): void {
    for (const [id, { address, toMember }] of this.#links) {
      // The last message to this node may tell it that it has left the cluster, so it is still sent.
      if (this.#placeOf(id) !== address || this.#members.has(id) !== toMember) this.#unlink(id, true);
    }
    for (const id of [...this.#members.keys(), ...this.#visitors.keys()]) {
      const address = this.#placeOf(id);
      if (address !== null && !this.#links.has(id)) this.#links.set(id, this.#link(id, address));
    }
  }

  #placeOf(id: NodeId): string | null {
    if (!this.#members.has(id) && !this.#visitors.has(id)) return null;
    const address = this.#o.routes.get(id) ?? this.#members.get(id) ?? this.#visitors.get(id);
    return address !== undefined && isAddress(address) ? address : null;
  }

  #link(to: NodeId, address: string): PeerLinks {
    const { id: from, cluster, incarnation, promiseMs, log, linkMade, advertise, listenHost } = this.#o;
    const place = { ...placeAt(address), log };
    const own = advertise ?? addressOf(listenHost, this.port);
    const toMember = this.#members.has(to);
    const hello = { cluster, from, incarnation, to, promiseMs, address: own, toMember };
    return {
      address,
      toMember,
      control: new PeerLink({
        ...place,
        hello: { ...hello, channel: 'control' },
        onConnect: () => undefined,
      }),
      bulk: new PeerLink({ ...place, hello: { ...hello, channel: 'bulk' }, onConnect: () => linkMade(to) }),
    };
  }

  #unlink(id: NodeId, gently: boolean): void {
    const links = this.#links.get(id);
    this.#links.delete(id);
    links?.control.close(gently);
    links?.bulk.close(gently);
  }
}

/** Returns `host:port`; an empty text if the host means all interfaces, because other nodes cannot dial that. */
function addressOf(host: string, port: number): string {
  if (host === '0.0.0.0' || host === '::') return '';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
