import { encodeRequest, encodeResponse } from '../../../node/protocol/client-codec.ts';
import type { ClientOperation, ClientResult } from '../../../node/protocol/client.ts';
import type { Ask } from '../../ports/client.ts';
import type { WireEnd } from '../../systems/raft/answers.ts';
import { HELLO, type Wire } from '../../systems/raft/wire.ts';
import type { SimLinks } from './links.ts';
import { CLIENTS } from './network.ts';
import { serveRequest } from './serve-request.ts';
import type { SimServer } from './server.ts';
import type { VirtualTime } from './time.ts';

/** Time until a client learns that its connection was refused, in virtual ms. */
const REFUSED_AFTER_MS = 0.2;

export interface StreamWireParts {
  readonly server: SimServer;
  readonly links: SimLinks;
  readonly time: VirtualTime;
}

interface PendingAsk extends Ask {
  readonly operation: ClientOperation;
  readonly listener: (end: WireEnd) => void;
  sent: boolean;
  dropped: boolean;
}

/**
 * A client's connection to one node, like `TcpWire`: it is opened when it is first needed and again after it broke. It
 * carries operations only after the node has answered a harmless read on it.
 */
export class StreamWire implements Wire {
  readonly #parts: StreamWireParts;
  #connection: Connection | null = null;
  #proved = false;
  readonly #asks = new Set<PendingAsk>();
  #closed = false;

  constructor(parts: StreamWireParts) {
    this.#parts = parts;
  }

  ask(operation: ClientOperation, listener: (end: WireEnd) => void): Ask {
    if (this.#closed) throw new Error('this wire is closed');
    const ask: PendingAsk = {
      operation,
      listener,
      sent: false,
      dropped: false,
      drop: () => {
        ask.dropped = true;
        this.#asks.delete(ask);
      },
    };
    this.#asks.add(ask);
    if (this.#connection === null) this.#connect();
    else if (this.#proved) this.#send(ask, this.#connection);
    return ask;
  }

  close(): void {
    this.#closed = true;
    this.#asks.clear();
    this.#connection?.close();
  }

  #connect(): void {
    const connection = new Connection(this.#parts, (error) => this.#broken(error));
    this.#connection = connection;
    connection.request(HELLO, () => {
      this.#proved = true;
      for (const ask of this.#asks) this.#send(ask, connection);
    });
  }

  #send(ask: PendingAsk, connection: Connection): void {
    ask.sent = true;
    connection.request(ask.operation, (result) => {
      if (this.#asks.delete(ask)) ask.listener({ type: 'answer', result });
    });
  }

  #broken(error: 'refused' | 'closed'): void {
    const asks = [...this.#asks];
    this.#connection = null;
    this.#proved = false;
    this.#asks.clear();
    for (const ask of asks)
      if (!ask.dropped) ask.listener(ask.sent ? { type: 'lost' } : { type: 'unsent', error });
  }
}

/** One connection, from its dial to its end. `onBroken` is called once, at its end. */
class Connection {
  readonly #server: SimServer;
  readonly #forth;
  readonly #back;
  readonly #onBroken: (error: 'refused' | 'closed') => void;
  #cleanUp: (() => void)[] = [];
  #open = true;
  /** `waiting`: the node does not know the connection yet. `ended`: the node that accepted it has ended since. */
  #accepted: 'waiting' | 'yes' | 'ended' = 'waiting';

  constructor({ server, links, time }: StreamWireParts, onBroken: (error: 'refused' | 'closed') => void) {
    const link = { from: CLIENTS, to: server.id };
    this.#server = server;
    this.#onBroken = onBroken;
    this.#forth = links.stream(CLIENTS, server.id);
    this.#back = links.stream(server.id, CLIENTS);
    if (links.condition(link).cut === 'refuse') time.after(REFUSED_AFTER_MS, () => this.#break('refused'));
    else this.#cleanUp.push(links.onBreak(link, () => this.#break('closed')));
  }

  /** Sends a request to the node. The answer is dropped if the connection is closed or broken before it arrives. */
  request(operation: ClientOperation, onAnswer: (result: ClientResult) => void): void {
    const bytes = encodeRequest({ requestId: 0, ...operation }).length;
    this.#forth.carry(bytes, () => {
      if (this.#accepted === 'waiting') this.#accept();
      if (this.#accepted !== 'yes') return;
      serveRequest(this.#server, operation, (result) => {
        if (this.#accepted !== 'yes') return;
        this.#back.carry(encodeResponse({ requestId: 0, ...result }).length, () => {
          if (this.#open) onAnswer(result);
        });
      });
    });
  }

  close(): void {
    this.#open = false;
    for (const undo of this.#cleanUp) undo();
  }

  /**
   * Accepts the connection if the node runs; else closes it a moment later, as a proxy does for a node that is down.
   */
  #accept(): void {
    if (!this.#server.ready) return this.#end();
    this.#accepted = 'yes';
    this.#cleanUp.push(this.#server.onCrash(() => this.#end()));
  }

  #end(): void {
    this.#accepted = 'ended';
    this.#back.carry(0, () => this.#break('closed'));
  }

  #break(error: 'refused' | 'closed'): void {
    if (!this.#open) return;
    this.close();
    this.#onBroken(error);
  }
}
