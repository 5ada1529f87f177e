import type { Cluster } from '../ports/cluster.ts';

type Hold = 'down' | 'paused';

/**
 * Live faults that keep nodes down or paused. A node runs again only when no live fault holds it, so lifting one fault
 * never lifts another. Calls for one node run one after another.
 */
export class NodeLedger {
  readonly #cluster: Cluster;
  readonly #holds = new Map<string, Map<string, Hold>>();
  readonly #tails = new Map<string, Promise<void>>();
  /** Nodes that exited by themselves. They are not started again, so that their data can be examined. */
  readonly #broken = new Set<string>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    for (const node of cluster.nodes) this.#holds.set(node, new Map());
  }

  /** Records that the node exited by itself. */
  markBroken(node: string): void {
    this.#broken.add(node);
  }

  /** Takes the node down or pauses it by calling `how`; this lasts until `handle` is lifted. */
  async hold(handle: string, node: string, hold: Hold, how: () => Promise<void>): Promise<void> {
    this.#holds.get(node)!.set(handle, hold);
    await this.#inTurn(node, how);
  }

  async lift(handle: string): Promise<void> {
    const nodes = [...this.#holds].filter(([, holds]) => holds.delete(handle)).map(([node]) => node);
    await this.#restoreAll(nodes);
  }

  /** Ends all holds of this kind on the node, for an explicit `restart` or `resume`. */
  async release(node: string, hold: Hold): Promise<void> {
    const holds = this.#holds.get(node)!;
    for (const [handle, kind] of holds) if (kind === hold) holds.delete(handle);
    await this.#restoreAll([node]);
  }

  isHeldBy(handle: string): boolean {
    return [...this.#holds.values()].some((holds) => holds.has(handle));
  }

  /** Carries out `work` on the node after all earlier work on it. */
  inTurn(node: string, work: () => Promise<void>): Promise<void> {
    return this.#inTurn(node, work);
  }

  async #restoreAll(nodes: readonly string[]): Promise<void> {
    const results = await Promise.allSettled(
      nodes.map((node) => this.#inTurn(node, () => this.#restore(node))),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason as Error;
  }

  /** Brings the node to the state that its live holds require. */
  async #restore(node: string): Promise<void> {
    const holds = [...this.#holds.get(node)!.values()];
    if (holds.includes('down') || this.#broken.has(node)) return;
    if (this.#cluster.view(node).life === 'down') await this.#cluster.start(node);
    const { life } = this.#cluster.view(node);
    if (holds.includes('paused')) {
      if (life === 'up') await this.#cluster.pause(node);
    } else if (life === 'paused') await this.#cluster.resume(node);
  }

  #inTurn(node: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#tails.get(node) ?? Promise.resolve()).then(work);
    this.#tails.set(
      node,
      turn.catch(() => undefined),
    );
    return turn;
  }
}
