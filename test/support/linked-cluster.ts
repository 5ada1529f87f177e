import { Link } from './link.ts';
import { freePorts, NodeCluster } from './raft-nodes.ts';

/** Node processes n1…n<size> with a `Link` per direction between each pair. Clients connect to the nodes directly. */
export class LinkedCluster implements AsyncDisposable {
  readonly cluster: NodeCluster;
  /** Links by `from->to`. */
  readonly #links: ReadonlyMap<string, Link>;

  private constructor(cluster: NodeCluster, links: ReadonlyMap<string, Link>) {
    this.cluster = cluster;
    this.#links = links;
  }

  /** `options` are given to every node in addition to its own. */
  static async start(
    folder: string,
    size: number,
    options: Readonly<Record<string, string>> = {},
  ): Promise<LinkedCluster> {
    const ports = await freePorts(Array.from({ length: size }, (_, i) => `n${i + 1}`));
    const links = new Map<string, Link>();
    for (const from of ports)
      for (const to of ports) if (to !== from) links.set(`${from.id}->${to.id}`, await Link.to(to.peerPort));
    const route = (from: string, to: string): string => links.get(`${from}->${to}`)!.address;
    return new LinkedCluster(await NodeCluster.startWired(folder, { ports, route }, options), links);
  }

  link(from: string, to: string): Link {
    return this.#links.get(`${from}->${to}`)!;
  }

  /** Cuts every link to and from `id`. */
  isolate(id: string): void {
    for (const [name, link] of this.#links) if (name.split('->').includes(id)) link.cut();
  }

  heal(): void {
    for (const link of this.#links.values()) link.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await Promise.all(Array.from(this.#links.values(), (link) => link.close()));
  }
}
