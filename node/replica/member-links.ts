import type { Configuration } from '../raft/configuration.ts';
import type { CoreStatus } from '../raft/ready.ts';
import type { NodeId } from '../raft/types.ts';
import type { Transport } from './ports.ts';

/** Tells a transport who the members are, as the configuration changes. */
export class MemberLinks {
  readonly #transport: Transport;
  /** What the transport was told of; null: nothing, or it was not committed then. */
  #known: Configuration | null = null;
  #addresses: ReadonlyMap<NodeId, string | null> = new Map();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Who leaves is still spoken to until that is committed. */
  follow({ id, configuration, configurationIndex, commitIndex }: CoreStatus): void {
    if (configuration === this.#known) return;
    const committed = configurationIndex <= commitIndex;
    const addresses = addressesOf(configuration, id);
    this.#addresses = committed ? addresses : new Map([...this.#addresses, ...addresses]);
    this.#known = committed ? configuration : null;
    this.#transport.members(this.#addresses);
  }
}

/** Where the other members listen, as far as `configuration` says. */
function addressesOf(
  { voters, outgoing, learners, addresses }: Configuration,
  own: NodeId,
): Map<NodeId, string | null> {
  const others = [...voters, ...outgoing, ...learners].filter((id) => id !== own);
  return new Map(others.map((id) => [id, Object.hasOwn(addresses, id) ? addresses[id]! : null]));
}
