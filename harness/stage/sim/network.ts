import { ByteWriter } from '../../../node/kv/bytes.ts';
import { channelOf, writeMessage, type PeerChannel } from '../../../node/protocol/peer-codec.ts';
import type { PeerMessage } from '../../../node/protocol/snapshot-message.ts';
import type { NodeId } from '../../../node/raft/types.ts';
import type { Transport } from '../../../node/replica/ports.ts';
import type { Random } from '../../random.ts';
import { SimConnections } from './connections.ts';
import type { VirtualTime } from './time.ts';
import { between, chance, type Weather } from './weather.ts';

/** One end of a directed link: a node, or all clients. */
export type End = string;
export const CLIENTS: End = 'clients';

/** Links that carry streams of bytes, as TCP does: in order, and nothing is lost while a connection lasts. */
export interface Streams {
  /** Calls `arrive` when the bytes arrive, or never if the link swallows them or their connection breaks. */
  carry(way: { from: End; to: End; channel: PeerChannel }, bytes: number, arrive: () => void): void;
}

/**
 * The links of a cluster. With `streams`, the streams carry all messages. Without them, a message may be lost,
 * duplicated, delayed or overtaken, and a cut link drops every message, even one in transit. Links are directed, as in
 * the harness.
 */
export class SimNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #weather: () => Weather;
  readonly #streams: Streams | null;
  readonly #receivers = new Map<string, (message: PeerMessage) => void>();
  readonly #cuts = new Set<string>();
  readonly connections = new SimConnections(this);
  /** Called for every delivery, in order: deliveries are part of the run's digest. */
  onDelivery: (message: PeerMessage) => void = () => {};

  constructor(parts: { time: VirtualTime; random: Random; weather: () => Weather; streams?: Streams }) {
    this.#time = parts.time;
    this.#random = parts.random;
    this.#weather = parts.weather;
    this.#streams = parts.streams ?? null;
  }

  cut(from: End, to: End): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(from: NodeId, to: NodeId): void {
    if (this.#cuts.delete(`${from}>${to}`)) this.connections.dial(from, to);
  }

  healAll(): void {
    this.#cuts.clear();
    this.connections.dialAll();
  }

  isCut(from: End, to: End): boolean {
    return this.#cuts.has(`${from}>${to}`);
  }

  /** Connects a node. Its messages leave when it calls `flush`, as with the real transport. */
  attach(node: NodeId, receive: (message: PeerMessage) => void): Transport {
    this.#receivers.set(node, receive);
    let turn: PeerMessage[] = [];
    return {
      send: (message) => void turn.push(message),
      flush: () => {
        const leaving = turn;
        turn = [];
        for (const message of leaving) this.#carry(message);
      },
      // Nothing to do, because every node reaches every other.
      members: () => {},
      close: async () => void this.#receivers.delete(node),
    };
  }

  /** Calls `arrive` after a link's delay, unless `from`→`to` is cut by then. */
  later(from: End, to: End, arrive: () => void): void {
    if (this.#streams !== null) return this.#streams.carry({ from, to, channel: 'control' }, 0, arrive);
    this.#time.after(between(this.#random, this.#weather().linkDelayMs), () => {
      if (!this.isCut(from, to)) arrive();
    });
  }

  #carry(message: PeerMessage): void {
    const { from, to } = message;
    if (this.#streams !== null) {
      if (!this.connections.isOpen(from, to)) return;
      const way = { from, to, channel: channelOf(message) };
      return this.#streams.carry(way, encodedBytes(message), () => this.#deliver(message));
    }
    const { lossProbability, duplicateProbability } = this.#weather();
    if (chance(this.#random, lossProbability)) return;
    const copies = chance(this.#random, duplicateProbability) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.later(from, to, () => this.#deliver(message));
    }
  }

  #deliver(message: PeerMessage): void {
    this.onDelivery(message);
    this.#receivers.get(message.to)?.(message);
  }
}

/** Size of a message as nodes write it to a connection. */
function encodedBytes(message: PeerMessage): number {
  const out = new ByteWriter();
  writeMessage(out, message);
  return out.length;
}
