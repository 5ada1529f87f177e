import type { ClientOperation } from '../../../node/protocol/client.ts';
import type { Random } from '../../random.ts';
import type { Ask } from '../../ports/client.ts';
import type { WireEnd } from '../../systems/raft/answers.ts';
import type { Wire } from '../../systems/raft/wire.ts';
import { CLIENTS, type SimNetwork } from './network.ts';
import { serveRequest } from './serve-request.ts';
import type { SimServer } from './server.ts';
import { chance, type Weather } from './weather.ts';

export interface SimWireParts {
  readonly server: SimServer;
  readonly network: SimNetwork;
  readonly random: Random;
  readonly weather: () => Weather;
}

/**
 * A client's connection to one node. Streams lose no bytes, but they can break: then an answer never arrives, and the
 * client knows that the outcome is unknown.
 */
export class SimWire implements Wire {
  readonly #parts: SimWireParts;
  #closed = false;

  constructor(parts: SimWireParts) {
    this.#parts = parts;
  }

  ask(operation: ClientOperation, listener: (end: WireEnd) => void): Ask {
    const { server, network } = this.#parts;
    let over = false;
    const ask = { sent: false, drop: () => void (over = true) };
    const end = (what: WireEnd): void => {
      if (over || this.#closed) return;
      over = true;
      listener(what);
    };
    network.later(CLIENTS, server.id, () => {
      if (over || this.#closed) return;
      if (!server.up)
        return network.later(server.id, CLIENTS, () => end({ type: 'unsent', error: 'refused' }));
      ask.sent = true;
      this.#serve(operation, end);
    });
    return ask;
  }

  close(): void {
    this.#closed = true;
  }

  #serve(operation: ClientOperation, end: (what: WireEnd) => void): void {
    const { server, network, random, weather } = this.#parts;
    const back = (what: WireEnd): void => network.later(server.id, CLIENTS, () => end(what));
    const breaks = chance(random, weather().lossProbability);
    const awaitNoCrash = server.onCrash(() => back({ type: 'lost' }));
    serveRequest(server, operation, (result) => {
      awaitNoCrash();
      back(breaks ? { type: 'lost' } : { type: 'answer', result });
    });
  }
}
