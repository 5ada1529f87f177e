import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ERRORS } from '../../node/protocol/client.ts';
import type { ClientOperation, ClientResponse } from '../../node/protocol/client.ts';
import type { NodeReport } from '../../node/protocol/report.ts';
import type { NodeClient, NodeCluster } from './raft-nodes.ts';

const WITHIN_MS = 20_000;
/** Between two tries while nobody serves. */
const REST_MS = 20;

/** The last report of a type. */
export const last = <T extends NodeReport['type']>(
  reports: readonly NodeReport[],
  type: T,
): Extract<NodeReport, { type: T }> | undefined =>
  reports.findLast((report): report is Extract<NodeReport, { type: T }> => report.type === type);

/**
 * A client that goes from node to node until its operation is answered for good: a write under one session and seq is
 * asked again until it is known, as a user's would be.
 */
export class ClusterClient {
  readonly #cluster: NodeCluster;
  #nodes: readonly string[];
  #connected: NodeClient | null = null;
  #session = 0;
  #seq = 0;

  constructor(cluster: NodeCluster, nodes: readonly string[] = cluster.ids) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  /** Answered by whoever leads: a result, or an error that a retry does not mend. */
  async ask(operation: ClientOperation): Promise<ClientResponse> {
    const until = performance.now() + WITHIN_MS;
    for (let answer: ClientResponse | null = null; performance.now() < until;) {
      const client = await this.#connect();
      answer = (await client?.request(operation)) ?? null;
      if (answer !== null && (answer.type !== 'error' || !ERRORS[answer.code].retry)) return answer;
      this.#disconnect();
      if (answer?.type === 'error' && answer.leader !== undefined) this.#prefer(answer.leader);
      else this.#rotate();
      await delay(REST_MS);
    }
    throw new Error(`${JSON.stringify(operation)} was not answered within ${WITHIN_MS} ms`);
  }

  /** An append in this client's session. Returns it, to be tried again. */
  async append(key: string, value: string): Promise<ClientOperation> {
    if (this.#session === 0) {
      const opened = await this.ask({ type: 'open-session' });
      this.#session = opened.type === 'session' ? opened.session : Number.NaN;
    }
    const operation = { type: 'append', session: this.#session, seq: ++this.#seq, key, value } as const;
    const answer = await this.ask(operation);
    if (answer.type !== 'done') throw new Error(`${JSON.stringify(operation)}: ${JSON.stringify(answer)}`);
    return operation;
  }

  async read(key: string): Promise<string | null> {
    const answer = await this.ask({ type: 'read', key });
    return answer.type === 'value' ? answer.value : `${JSON.stringify(answer)}`;
  }

  [Symbol.dispose](): void {
    this.#disconnect();
  }

  async #connect(): Promise<NodeClient | null> {
    try {
      this.#connected ??= await this.#cluster.client(this.#nodes[0]!);
    } catch {
      this.#connected = null;
    }
    return this.#connected;
  }

  #disconnect(): void {
    this.#connected?.[Symbol.dispose]();
    this.#connected = null;
  }

  #rotate(): void {
    this.#nodes = [...this.#nodes.slice(1), this.#nodes[0]!];
  }

  #prefer(node: string): void {
    if (this.#nodes.includes(node)) this.#nodes = [node, ...this.#nodes.filter((each) => each !== node)];
    else this.#rotate();
  }
}

/** Resolves when all nodes that run have applied what one of them knows to be committed; their logs must be equal. */
export async function settled(cluster: NodeCluster): Promise<void> {
  const running = [...cluster.nodes.values()].filter(
    ({ child }) => child.exitCode === null && child.signalCode === null,
  );
  const commit = Math.max(...running.map(({ reports }) => last(reports, 'status')?.commit ?? 0));
  const statuses = await Promise.all(
    running.map((node) =>
      node.until(`entry ${commit} applied`, (reports) => {
        const status = last(reports, 'status');
        return status !== undefined && status.applied >= commit ? status : undefined;
      }),
    ),
  );
  const farthest = Math.max(...statuses.map(({ applied }) => applied));
  const equal = statuses.filter(({ applied }) => applied === farthest).map((status) => status.appliedDigest);
  if (new Set(equal).size > 1) throw new Error(`logs differ at entry ${farthest}: ${equal.join(', ')}`);
}

/** kill -9. */
export async function kill(cluster: NodeCluster, id: string): Promise<void> {
  const { child } = cluster.nodes.get(id)!;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
