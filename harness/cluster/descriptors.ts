import { readFileSync } from 'node:fs';
import { systemReason } from '../system-reason.ts';

/** Number of file descriptors that a process needs besides those of the links: its files, pipes and threads. */
const BASE = 30;
/** Number of connections on a link between nodes, while an old one still closes. */
const CONNECTIONS_PER_LINK = 2;

/**
 * Refuses a run that would run out of file descriptors. Whatever cannot be opened then looks like a failing node.
 * @throws Error that names the limit and the need.
 */
export function requireDescriptors(size: { readonly nodes: number; readonly clients: number }): void {
  const limit = openFilesLimit();
  const needed = neededDescriptors(size);
  if (limit !== null && limit < needed)
    throw new Error(
      `a process may open ${limit} files here, but ${size.nodes} nodes and ${size.clients} clients may need ${needed}; raise the limit (ulimit -n)`,
    );
}

/** Upper bound for the Toxiproxy server, which needs the most: two descriptors per connection, one per proxy. */
export function neededDescriptors({
  nodes,
  clients,
}: {
  readonly nodes: number;
  readonly clients: number;
}): number {
  const peerLinks = nodes * (nodes - 1);
  const connections = CONNECTIONS_PER_LINK * peerLinks + clients * nodes;
  return BASE + peerLinks + nodes + 2 * connections;
}

/** Number of files that this process and those that it starts may open; null: no limit, or it is not known. */
function openFilesLimit(): number | null {
  if (process.platform !== 'linux') return null;
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch (error) {
    throw new Error(`cannot read the limits of this process: ${systemReason(error)}`, { cause: error });
  }
  // Node.js has raised the soft limit (first number) to the hard one.
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}
