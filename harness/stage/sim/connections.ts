import type { NodeId } from '../../../node/raft/types.ts';

/** The part of the network that carries a message: `SimNetwork` implements it. */
interface Carrier {
  /** Calls `arrive` after a link's delay, unless the link is cut by then. */
  later(from: string, to: string, arrive: () => void): void;
}

/** Receives what happens to a running node's connections. */
export interface ConnectionEnd {
  /** A new connection, over which the node sends to `peer`, was made. */
  linkMade(peer: NodeId): void;
  /** The connection over which `peer` sent to the node has broken. */
  peerLost(peer: NodeId): void;
}

/**
 * The connections between running nodes, one in each direction. Nodes learn when one is made or breaks, as the
 * transport reports it. The connections carry nothing, because messages go through the simulated network, which loses
 * and reorders more than a connection.
 */
export class SimConnections {
  readonly #network: Carrier;
  readonly #ends = new Map<NodeId, ConnectionEnd>();
  /** `from>to`. A cut that only swallows bytes breaks no connection. */
  readonly #open = new Set<string>();

  constructor(network: Carrier) {
    this.#network = network;
  }

  /** The node runs, and is connected in both directions to every node that can be reached. */
  up(node: NodeId, end: ConnectionEnd): void {
    this.#ends.set(node, end);
    this.#eachOther(node, (other) => {
      this.dial(node, other);
      this.dial(other, node);
    });
  }

  /**
   * The node has ended. `told` is true if its kernel survives and ends its connections; after a power cut the other
   * nodes learn nothing.
   */
  down(node: NodeId, told: boolean): void {
    if (!this.#ends.delete(node)) return;
    this.#eachOther(node, (other) => {
      this.#open.delete(`${other}>${node}`);
      const stood = this.#open.delete(`${node}>${other}`);
      if (stood && told) this.#tellLost(node, other);
    });
  }

  /** Ends the connection on both sides; the node that made it dials again. */
  reset(from: NodeId, to: NodeId): void {
    if (this.close(from, to)) this.dial(from, to);
  }

  /** Ends the connection on both sides; returns false if there was none. */
  close(from: NodeId, to: NodeId): boolean {
    if (!this.#open.delete(`${from}>${to}`)) return false;
    this.#ends.get(to)?.peerLost(from);
    return true;
  }

  isOpen(from: NodeId, to: NodeId): boolean {
    return this.#open.has(`${from}>${to}`);
  }

  /** Links were healed: every node that could not connect dials again. */
  dialAll(): void {
    for (const node of this.#ends.keys()) this.#eachOther(node, (other) => this.dial(node, other));
  }

  /** Connects `from` to `to` if both run and the link is not cut. */
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

  /** Reports a lost connection. The report may arrive late; a connection that was made in the meantime stays. */
  #tellLost(lost: NodeId, to: NodeId): void {
    this.#network.later(lost, to, () => {
      if (!this.#open.has(`${lost}>${to}`)) this.#ends.get(to)?.peerLost(lost);
    });
  }

  #eachOther(node: NodeId, act: (other: NodeId) => void): void {
    for (const other of this.#ends.keys()) if (other !== node) act(other);
  }
}
