import type { LinksServer } from '../event.ts';

/** One direction of traffic: between peers (`n1->n2`), or from the clients to a node (`clients->n1`). */
export interface LinkId {
  /** A node's id, or `clients`. */
  readonly from: string;
  readonly to: string;
}
export const linkName = (link: LinkId): string => `${link.from}->${link.to}`;

/** Every link of a cluster: each direction between two nodes, then the clients' link to each node. */
export const allLinks = (nodes: readonly string[]): readonly LinkId[] => [
  ...nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => ({ from, to }))),
  ...nodes.map((to) => ({ from: 'clients', to })),
];

/**
 * The state of a link at one moment: the sum of the live faults on it. Without any field, the link is clean. A peer
 * link carries messages in one direction. A client link carries requests in one direction and answers in the other, and
 * its condition applies to both.
 */
export interface LinkCondition {
  /**
   * `blackhole`: sockets stay open, bytes vanish (Toxiproxy's toxic `timeout` with 0). `refuse`: connections are closed
   * and refused.
   */
  readonly cut?: 'blackhole' | 'refuse';
  readonly delay?: { readonly latencyMs: number; readonly jitterMs: number };
  /** Rate in KB/s as Toxiproxy defines it (1 KB is 1000 bytes). */
  readonly bandwidthKBps?: number;
  readonly slice?: {
    readonly averageBytes: number;
    readonly variationBytes: number;
    readonly delayUs: number;
  };
}

/**
 * Counters that show whether a fault took effect, from Toxiproxy or from the simulated links. They start at the
 * beginning of the run.
 */
export interface LinkTraffic {
  readonly link: LinkId;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/**
 * Port: real Toxiproxy, or the simulated network. Every call has its own deadline (2 s) and rejects with a message that
 * describes the failure.
 */
export interface Links {
  readonly server: LinksServer;
  readonly links: readonly LinkId[];
  /** `host:port` that `link.from` dials. It does not change during the run. */
  address(link: LinkId): string;
  /** Applies the condition to open and new connections of the link, and returns once the server has confirmed it. */
  apply(link: LinkId, condition: LinkCondition): Promise<void>;
  /** Closes all open connections of the link with RST (reset_peer); new ones are accepted. */
  reset(link: LinkId): Promise<void>;
  /** Bytes in and out per link, if the server counts them; they show whether a fault took effect. */
  traffic(): Promise<readonly LinkTraffic[]>;
  /** Heals all links, removes the harness's proxies, and stops the server if the harness started it. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
