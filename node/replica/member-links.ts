import type { Configuration } from '../raft/configuration.ts';
import type { CoreStatus } from '../raft/ready.ts';
import type { NodeId } from '../raft/types.ts';
import type { Transport } from './ports.ts';

/** Tells a transport the members whenever the configuration changes. */
export class MemberLinks {
  readonly #transport: Transport;
  /** The configuration that the transport knows; null: none, or one that was not committed at that time. */
  #known: Configuration | null = null;
  #addresses: ReadonlyMap<NodeId, string | null> = new Map();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Updates the links. A removed member keeps its link until its removal is committed. */
  follow({ id, configuration, configurationIndex, commitIndex }: CoreStatus): void {
    if (configuration === this.#known) return;
    const committed = configurationIndex <= commitIndex;
    const addresses = addressesOf(configuration, id);
    this.#addresses = committed ? addresses : new Map([...this.#addresses, ...addresses]);
    this.#known = committed ? configuration : null;
    this.#transport.members(this.#addresses);
  }
}

/** Addresses of the other members, from `configuration`. */
function addressesOf(
  { voters, outgoing, learners, addresses }: Configuration,
  own: NodeId,
): Map<NodeId, string | null> {
  const others = [...voters, ...outgoing, ...learners].filter((id) => id !== own);
  return new Map(others.map((id) => [id, Object.hasOwn(addresses, id) ? addresses[id]! : null]));
}
