import type { PeerChannel } from '../../../node/protocol/peer-codec.ts';
import { nodeId } from '../../../node/raft/types.ts';
import type { LinksServer } from '../../event.ts';
import {
  allLinks,
  linkName,
  type LinkCondition,
  type LinkId,
  type Links,
  type LinkTraffic,
} from '../../ports/links.ts';
import type { Random } from '../../random.ts';
import type { SimConnections } from './connections.ts';
import { CLIENTS, type End, type Streams } from './network.ts';
import type { VirtualTime } from './time.ts';
import { between } from './weather.ts';

/** Minimum and maximum delay of a clean link on one machine, through its proxy, in virtual ms. */
const CLEAN_DELAY_MS = [0.05, 0.4] as const;
/** Time from the break of an established connection until the node dials again, in virtual ms (peer-link.ts). */
const REDIAL_MS = 50;
/** Maximum time from the end of a refusal until a node whose dials were refused dials again, in virtual ms. */
const MAX_REDIAL_MS = 500;

/** One direction of one connection: bytes arrive in the order in which they were sent. */
export interface Stream {
  /** Calls `arrive` when the bytes arrive, or never if the link swallows them or the connection breaks. */
  carry(bytes: number, arrive: () => void): void;
}

interface Line {
  readonly link: LinkId;
  condition: LinkCondition;
  receivedBytes: number;
  sentBytes: number;
  /** Number of breaks: bytes that were sent before the last one do not arrive. */
  epoch: number;
  readonly breakListeners: Set<() => void>;
  /** The streams of its peer connection; empty after a break, and for the clients' links. */
  readonly peerStreams: Map<PeerChannel, Stream>;
}

/**
 * Port `Links` over the simulated network. A link treats its connections as Toxiproxy does: delay, bandwidth and slices
 * apply to each connection and direction separately; a black hole keeps connections and swallows bytes, and its end
 * closes the connections. The size of a message is its encoded size.
 */
export class SimLinks implements Links, Streams {
  readonly server: LinksServer = { kind: 'simulated', version: 'virtual-time', url: '' };
  readonly links: readonly LinkId[];
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #lines: ReadonlyMap<string, Line>;
  #connections: SimConnections | null = null;

  constructor(parts: {
    readonly nodes: readonly string[];
    readonly time: VirtualTime;
    readonly random: Random;
  }) {
    const { nodes, time, random } = parts;
    this.#time = time;
    this.#random = random;
    this.links = allLinks(nodes);
    this.#lines = new Map(this.links.map((link) => [linkName(link), newLine(link)]));
  }

  /** Sets the connections of the nodes, which break and are made again with their links. */
  attach(connections: SimConnections): void {
    this.#connections = connections;
  }

  address(link: LinkId): string {
    return `sim:${linkName(this.#line(link).link)}`;
  }

  async apply(link: LinkId, condition: LinkCondition): Promise<void> {
    const line = this.#line(link);
    const { cut: before } = line.condition;
    line.condition = condition;
    if (condition.cut === before) return;
    // Toxiproxy closes connections when it begins to refuse and when a black hole ends.
    if (condition.cut === 'refuse' || before === 'blackhole') this.#break(line);
    if (condition.cut === undefined)
      this.#redial(line, before === 'refuse' ? between(this.#random, [0, MAX_REDIAL_MS]) : REDIAL_MS);
  }

  async reset(link: LinkId): Promise<void> {
    const line = this.#line(link);
    this.#break(line);
    this.#redial(line, REDIAL_MS);
  }

  async traffic(): Promise<readonly LinkTraffic[]> {
    return [...this.#lines.values()].map(({ link, receivedBytes, sentBytes }) => ({
      link,
      receivedBytes,
      sentBytes,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { link } of this.#lines.values()) await this.apply(link, {});
  }

  condition(link: LinkId): LinkCondition {
    return this.#line(link).condition;
  }

  /** Calls `listener` when the link's connections break, unless the returned function is called before. */
  onBreak(link: LinkId, listener: () => void): () => void {
    const { breakListeners } = this.#line(link);
    breakListeners.add(listener);
    return () => void breakListeners.delete(listener);
  }

  /**
   * The direction from `from` to `to` of a new connection. Answers to clients use the link of the clients' requests.
   */
  stream(from: End, to: End): Stream {
    const line = this.#line(to === CLIENTS ? { from: CLIENTS, to: from } : { from, to });
    return new LineStream({ line, time: this.#time, random: this.#random });
  }

  carry(
    { from, to, channel }: { from: End; to: End; channel: PeerChannel },
    bytes: number,
    arrive: () => void,
  ): void {
    const { peerStreams } = this.#line({ from, to });
    let stream = peerStreams.get(channel);
    if (stream === undefined) peerStreams.set(channel, (stream = this.stream(from, to)));
    stream.carry(bytes, arrive);
  }

  #break(line: Line): void {
    const { link, breakListeners, peerStreams } = line;
    line.epoch++;
    peerStreams.clear();
    const listeners = [...breakListeners];
    breakListeners.clear();
    for (const tell of listeners) tell();
    if (link.from !== CLIENTS) this.#connections?.close(nodeId(link.from), nodeId(link.to));
  }

  #redial({ link }: Line, delayMs: number): void {
    if (link.from === CLIENTS || this.#connections === null) return;
    const connections = this.#connections;
    this.#time.after(delayMs, () => connections.dial(nodeId(link.from), nodeId(link.to)));
  }

  #line(link: LinkId): Line {
    const line = this.#lines.get(linkName(link));
    if (line === undefined) throw new Error(`there is no link ${linkName(link)}`);
    return line;
  }
}

const newLine = (link: LinkId): Line => ({
  link,
  condition: {},
  receivedBytes: 0,
  sentBytes: 0,
  epoch: 0,
  breakListeners: new Set(),
  peerStreams: new Map(),
});

class LineStream implements Stream {
  readonly #line: Line;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #epoch: number;
  /** Times at which all earlier bytes have passed the bandwidth limit and at which they have arrived, in virtual ms. */
  #freeAtMs = 0;
  #lastArrivalMs = 0;

  constructor(parts: { readonly line: Line; readonly time: VirtualTime; readonly random: Random }) {
    this.#line = parts.line;
    this.#time = parts.time;
    this.#random = parts.random;
    this.#epoch = parts.line.epoch;
  }

  carry(bytes: number, arrive: () => void): void {
    const line = this.#line;
    const { cut } = line.condition;
    if (line.epoch !== this.#epoch || cut === 'refuse') return;
    line.receivedBytes += bytes;
    if (cut === 'blackhole') return;
    this.#time.after(this.#arrivalMs(bytes) - this.#time.now(), () => {
      if (line.epoch !== this.#epoch || line.condition.cut !== undefined) return;
      line.sentBytes += bytes;
      arrive();
    });
  }

  #arrivalMs(bytes: number): number {
    const { delay, bandwidthKBps, slice } = this.#line.condition;
    let atMs = Math.max(this.#time.now(), this.#freeAtMs);
    // Toxiproxy's KB has 1000 bytes, so 1 KB/s is 1 byte per ms.
    if (bandwidthKBps !== undefined) atMs += bytes / bandwidthKBps;
    if (slice !== undefined) {
      const { averageBytes, variationBytes, delayUs } = slice;
      const pieceBytes = averageBytes + between(this.#random, [-variationBytes, variationBytes]);
      atMs += (Math.floor(bytes / Math.max(1, pieceBytes)) * delayUs) / 1_000;
    }
    this.#freeAtMs = atMs;
    atMs += between(this.#random, CLEAN_DELAY_MS);
    if (delay !== undefined) {
      const { latencyMs, jitterMs } = delay;
      atMs += Math.max(0, latencyMs + between(this.#random, [-jitterMs, jitterMs]));
    }
    return (this.#lastArrivalMs = Math.max(atMs, this.#lastArrivalMs));
  }
}
