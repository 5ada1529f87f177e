import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { allLinks, linkName, type LinkId } from '../ports/links.ts';
import { takePorts, takeStandardPorts } from './ports.ts';

/** The node's own listening ports, which are the targets of the links. */
export interface NodePorts {
  readonly id: string;
  readonly peerPort: number;
  readonly clientPort: number;
}

export const CLIENTS = 'clients';
const STANDARD_FILE = new URL('../../toxiproxy.json', import.meta.url);

const proxySchema = z.object({
  name: z.string(),
  listen: z.string(),
  upstream: z.string(),
  enabled: z.boolean().optional(),
});

/** Where a link leads: the peer port of its node, or the client port for the clients' link. */
export function upstreamPort(link: LinkId, nodes: readonly NodePorts[]): number {
  const node = nodes.find(({ id }) => id === link.to);
  if (node === undefined) throw new Error(`link ${linkName(link)}: there is no node ${link.to}`);
  return link.from === CLIENTS ? node.clientPort : node.peerPort;
}

/**
 * Ports for nodes n1…n<count>: those of `toxiproxy.json` if there are three nodes and all of them are free, otherwise
 * other free ports. They stay taken until the `Links` that are opened with them are disposed of.
 */
export async function allocateNodePorts(count: number): Promise<readonly NodePorts[]> {
  const standard = readStandard();
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`);
  const wanted = ids.flatMap((id) => [standard.peer.get(id), standard.client.get(id)]);
  const complete = wanted.filter((port) => port !== undefined);
  const isStandard = complete.length === wanted.length && standard.peer.size === count;
  const ports = (isStandard ? await takeStandardPorts(complete) : null) ?? (await takePorts(count * 2));
  return ids.map((id, i) => ({ id, peerPort: ports[2 * i]!, clientPort: ports[2 * i + 1]! }));
}

/** Ports of the links: those of `toxiproxy.json` if the nodes are its nodes and the ports are free; else free ports. */
export async function allocateListenPorts(nodes: readonly NodePorts[]): Promise<ReadonlyMap<string, number>> {
  const names = allLinks(nodes.map(({ id }) => id)).map(linkName);
  const standard = readStandard();
  const isStandard =
    standard.peer.size === nodes.length &&
    nodes.every((n) => standard.peer.get(n.id) === n.peerPort && standard.client.get(n.id) === n.clientPort);
  const wanted = names.map((name) => standard.listen.get(name)).filter((port) => port !== undefined);
  const ports =
    (isStandard && wanted.length === names.length ? await takeStandardPorts(wanted) : null) ??
    (await takePorts(names.length));
  return new Map(names.map((name, i) => [name, ports[i]!]));
}

interface StandardTopology {
  /** Link name → the port it listens on. */
  readonly listen: ReadonlyMap<string, number>;
  /** Node → its own port, for peers and for clients. */
  readonly peer: ReadonlyMap<string, number>;
  readonly client: ReadonlyMap<string, number>;
}

function readStandard(): StandardTopology {
  const parsed = z.array(proxySchema).safeParse(JSON.parse(readFileSync(STANDARD_FILE, 'utf8')));
  if (!parsed.success)
    throw new Error(`toxiproxy.json is not a list of Toxiproxy proxies: ${z.prettifyError(parsed.error)}`);
  const listen = new Map<string, number>();
  const peer = new Map<string, number>();
  const client = new Map<string, number>();
  for (const proxy of parsed.data) {
    const [from, to] = proxy.name.split('->');
    if (from === undefined || to === undefined) {
      throw new Error(
        `toxiproxy.json: proxy ${JSON.stringify(proxy.name)}: a name must be like "n1->n2" or "clients->n1"`,
      );
    }
    listen.set(proxy.name, portOf(proxy.listen));
    (from === CLIENTS ? client : peer).set(to, portOf(proxy.upstream));
  }
  return { listen, peer, client };
}

function portOf(address: string): number {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`toxiproxy.json: ${JSON.stringify(address)} has no port`);
  return port;
}
