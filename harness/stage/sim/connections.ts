import type { NodeId } from '../../../node/raft/types.ts';

/** The part of the network that carries a message: `SimNetwork` implements it. */
interface Carrier {
  /** Calls `arrive` after a link's delay, unless the link is cut by then. */
  later(from: string, to: string, arrive: () => void): void;
}

/** What a running node is told of its connections. */
export interface ConnectionEnd {
  /** The connection over which it sends to `peer` was made anew. */
  linkMade(peer: NodeId): void;
  /** The connection over which `peer` sent to it has broken. */
  peerLost(peer: NodeId): void;
}

/**
 * The connections between running nodes, one each way: nodes are told when one is made or breaks, as the transport
 * tells them. They carry nothing: what the network does to messages is worse than what a connection does.
 */
export class SimConnections {
  readonly #network: Carrier;
  readonly #ends = new Map<NodeId, ConnectionEnd>();
  /** `from>to`. A cut link that swallows everything breaks no connection. */
  readonly #open = new Set<string>();

  constructor(network: Carrier) {
    this.#network = network;
  }

  /** The node runs, and is connected both ways to whoever can be reached. */
  up(node: NodeId, end: ConnectionEnd): void {
    this.#ends.set(node, end);
    this.#eachOther(node, (other) => {
      this.dial(node, other);
      this.dial(other, node);
    });
  }

  /** The node runs no more. `told`: its kernel lives on and ends its connections; after a power cut nobody hears. */
  down(node: NodeId, told: boolean): void {
    if (!this.#ends.delete(node)) return;
    this.#eachOther(node, (other) => {
      this.#open.delete(`${other}>${node}`);
      const stood = this.#open.delete(`${node}>${other}`);
      if (stood && told) this.#tellLost(node, other);
    });
  }

  /** Ends the connection on both sides; whoever made it dials again. */
  reset(from: NodeId, to: NodeId): void {
    if (this.close(from, to)) this.dial(from, to);
  }

  /** Ends the connection on both sides; false: there was none. */
  close(from: NodeId, to: NodeId): boolean {
    if (!this.#open.delete(`${from}>${to}`)) return false;
    this.#ends.get(to)?.peerLost(from);
    return true;
  }

  isOpen(from: NodeId, to: NodeId): boolean {
    return this.#open.has(`${from}>${to}`);
  }

  /** Links were healed: whoever could not connect can. */
  dialAll(): void {
    for (const node of this.#ends.keys()) this.#eachOther(node, (other) => this.dial(node, other));
  }

  /** Connects `from` to `to`, if both run and the link is whole. */
  dial(from: NodeId, to: NodeId): void {
    const name = `${from}>${to}`;
    const [near, far] = [this.#ends.get(from), this.#ends.get(to)];
    if (near === undefined || far === undefined || this.#open.has(name)) return;
    this.#network.later(from, to, () => {
      if (this.#open.has(name) || this.#ends.get(from) !== near || this.#ends.get(to) !== far) return;
      this.#open.add(name);
      near.linkMade(to);
    });
  }

  /** It broke long ago where the word comes late: one that was made meanwhile stands. */
  #tellLost(lost: NodeId, to: NodeId): void {
    this.#network.later(lost, to, () => {
      if (!this.#open.has(`${lost}>${to}`)) this.#ends.get(to)?.peerLost(lost);
    });
  }

  #eachOther(node: NodeId, act: (other: NodeId) => void): void {
    for (const other of this.#ends.keys()) if (other !== node) act(other);
  }
}
