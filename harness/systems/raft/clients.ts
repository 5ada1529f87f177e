import type { ClientOperation } from '../../../node/protocol/client.ts';
import type {
  Ask,
  AttemptEnd,
  ClientSetup,
  SystemClient,
  SystemClients,
  SystemRequest,
  Task,
} from '../../ports/client.ts';
import { realTimers, type Timers } from '../../workload/timers.ts';
import { endOf } from './answers.ts';
import { SessionDesk } from './sessions.ts';
import { TcpWire, type Wire } from './wire.ts';

/** Number of spare sessions, in addition to one per client. */
const SPARE_SESSIONS = 4;

/** Clients of real nodes: the load's thread finds this by its name. */
export const connectClients = ({ addresses, clients, onUnable }: ClientSetup): SystemClients =>
  new RaftClients({
    nodes: Object.keys(addresses),
    clients,
    dial: (node) => new TcpWire(addresses[node]!, onUnable),
    timers: realTimers,
  });

export interface RaftClientsParts {
  readonly nodes: readonly string[];
  /** Number of logical clients. */
  readonly clients: number;
  /** Makes a connection to a node, for one client only. */
  readonly dial: (node: string) => Wire;
  readonly timers: Timers;
}

/** The clients of our node, which write in sessions that are opened ahead of need. */
export class RaftClients implements SystemClients {
  readonly appliesOnce = true;
  readonly #parts: RaftClientsParts;
  readonly #wires: Wire[] = [];
  readonly #sessions: SessionDesk;

  constructor(parts: RaftClientsParts) {
    this.#parts = parts;
    this.#sessions = new SessionDesk({
      wires: this.#dialAll(),
      timers: parts.timers,
      stock: parts.clients + SPARE_SESSIONS,
    });
  }

  client(): SystemClient {
    return new RaftClient(this.#dialAll(), this.#sessions);
  }

  start(): void {
    this.#sessions.start();
  }

  stop(): void {
    this.#sessions.stop();
  }

  close(): void {
    for (const wire of this.#wires) wire.close();
  }

  #dialAll(): ReadonlyMap<string, Wire> {
    return new Map(
      this.#parts.nodes.map((node) => {
        const wire = this.#parts.dial(node);
        this.#wires.push(wire);
        return [node, wire];
      }),
    );
  }
}

/**
 * Numbers its mutations within a session, so that the cluster applies each at most once. After an unknown outcome the
 * session retires: the old write may still be applied, and a new number in the old session would make the node forget
 * its answer.
 */
class RaftClient implements SystemClient {
  readonly #wires: ReadonlyMap<string, Wire>;
  readonly #sessions: SessionDesk;
  #session: number | null = null;
  #seq = 0;

  constructor(wires: ReadonlyMap<string, Wire>, sessions: SessionDesk) {
    this.#wires = wires;
    this.#sessions = sessions;
  }

  mayMutate(): boolean {
    if (this.#session === null) {
      this.#session = this.#sessions.take();
      this.#seq = 0;
    }
    return this.#session !== null;
  }

  request(task: Task): ClientOperation {
    const { f, key } = task;
    if (f === 'read') return { type: 'read', key };
    const write = { session: this.#session!, seq: ++this.#seq, key };
    if (f === 'cas') {
      const [from, to] = task.input as readonly [string | null, string];
      return { type: 'cas', ...write, from, to };
    }
    const value = task.input as string;
    return f === 'delete' ? { type: 'delete', ...write, tombstone: value } : { type: f, ...write, value };
  }

  ask(node: string, request: SystemRequest, listener: (end: AttemptEnd) => void): Ask {
    return this.#wires.get(node)!.ask(request as ClientOperation, (end) => listener(endOf(end)));
  }

  ended(outcome: 'ok' | 'fail' | 'info', error: string | undefined): void {
    if (outcome === 'info' || error === 'session-expired') this.#session = null;
  }
}
