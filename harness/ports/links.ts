import type { LinksServer } from '../event.ts';

/** One direction of traffic: a peer direction `n1->n2`, or a client's way to a node, `clients->n1`. */
export interface LinkId {
  /** A node's id, or `clients`. */
  readonly from: string;
  readonly to: string;
}
export const linkName = (link: LinkId): string => `${link.from}->${link.to}`;

/** Every link of a cluster: each direction between the nodes, then the clients' way to each. */
export const allLinks = (nodes: readonly string[]): readonly LinkId[] => [
  ...nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => ({ from, to }))),
  ...nodes.map((to) => ({ from: 'clients', to })),
];

/**
 * All that a link does at one moment: the sum of the live faults on it. The default (no field) is a clean link.
 * Peer links carry messages one way; a client link carries requests one way and answers back, and a condition holds
 * for both.
 */
export interface LinkCondition {
  /**
   * `blackhole`: sockets stay, bytes vanish (Toxiproxy's timeout toxic, 0). `refuse`: connections are closed and
   * refused.
   */
  readonly cut?: 'blackhole' | 'refuse';
  readonly delay?: { readonly latencyMs: number; readonly jitterMs: number };
  /** KB/s, as Toxiproxy counts it. */
  readonly bandwidthKBps?: number;
  readonly slice?: {
    readonly averageBytes: number;
    readonly variationBytes: number;
    readonly delayUs: number;
  };
}

/**
 * Figures that show whether a fault took effect, from Toxiproxy's counters or from the links themselves. All are
 * counted from the beginning of the run.
 */
export interface LinkTraffic {
  readonly link: LinkId;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/**
 * Port: real Toxiproxy, or the simulated network. Every call has a deadline of its own (2 s) and rejects with a
 * sentence that says what failed.
 */
export interface Links {
  readonly server: LinksServer;
  readonly links: readonly LinkId[];
  /** `host:port` that `link.from` dials. It does not change during the run. */
  address(link: LinkId): string;
  /** Makes the link behave so, for open connections and new ones, and returns once the server has confirmed it. */
  apply(link: LinkId, condition: LinkCondition): Promise<void>;
  /** Closes all open connections of the link with RST (reset_peer); new ones are let through. */
  reset(link: LinkId): Promise<void>;
  /** Bytes in and out per link, if the server counts them; they show whether a fault took effect. */
  traffic(): Promise<readonly LinkTraffic[]>;
  /** Heals everything, removes our proxies, and stops the server if we started it. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>;
}
