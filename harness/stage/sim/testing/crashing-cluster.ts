import type { Cluster, ClusterEvent, NodeExit, NodeView } from '../../../ports/cluster.ts';

/** A cluster whose nodes can end by themselves, with any exit code and error output. */
export class CrashingCluster implements Cluster {
  readonly nodes: readonly string[];
  readonly #cluster: Cluster;
  /** Exit that is reported for the node that is being killed. */
  readonly #ends = new Map<string, NodeExit>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.nodes = cluster.nodes;
  }

  crash(node: string, code: number, stderr: string): void {
    this.#ends.set(node, { code, signal: null, expected: false, stderr });
    void this.#cluster.kill(node);
  }

  view(node: string): NodeView {
    return this.#cluster.view(node);
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    return this.#cluster.subscribe((event) => listener(this.#retold(event)));
  }

  start(node: string): Promise<void> {
    return this.#cluster.start(node);
  }

  kill(node: string): Promise<void> {
    return this.#cluster.kill(node);
  }

  stop(node: string): Promise<void> {
    return this.#cluster.stop(node);
  }

  pause(node: string): Promise<void> {
    return this.#cluster.pause(node);
  }

  resume(node: string): Promise<void> {
    return this.#cluster.resume(node);
  }

  wipe(node: string): Promise<void> {
    return this.#cluster.wipe(node);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cluster[Symbol.asyncDispose]();
  }

  #retold(event: ClusterEvent): ClusterEvent {
    const exit = this.#ends.get(event.node);
    if (exit === undefined || event.type !== 'life' || event.life !== 'down') return event;
    this.#ends.delete(event.node);
    return { ...event, exit };
  }
}
