import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ERRORS } from '../../node/protocol/client.ts';
import type {
  ClientOperation,
  ClientResponse,
  MembersChange,
  NodeStatus,
} from '../../node/protocol/client.ts';
import type { NodeReport } from '../../node/protocol/report.ts';
import type { NodeClient, NodeCluster } from './raft-nodes.ts';

const WITHIN_MS = 20_000;
/** Time between two tries while no node serves. */
const REST_MS = 20;

/** The last report of a type. */
export const last = <T extends NodeReport['type']>(
  reports: readonly NodeReport[],
  type: T,
): Extract<NodeReport, { type: T }> | undefined =>
  reports.findLast((report): report is Extract<NodeReport, { type: T }> => report.type === type);

/**
 * A client that tries node after node until it gets a final answer, as a user's client would. It retries a write under
 * the same session and sequence number until the outcome is known.
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

  /** Returns the leader's answer: a result, or an error that a retry does not change. */
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

  /** Appends in this client's session. Returns the operation, so that it can be sent again. */
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

  /** Changes the membership, with retries until the leader accepts the change. */
  async change(...changes: readonly MembersChange[]): Promise<ClientResponse> {
    return this.ask({ type: 'change-members', changes });
  }

  /** Adds a learner, and promotes it as soon as the leader allows it. */
  async addVoter(id: string): Promise<void> {
    const address = this.#cluster.peerAddress(id);
    const added = await this.change({ type: 'add-learner', id, address });
    if (added.type !== 'done') throw new Error(`add ${id}: ${JSON.stringify(added)}`);
    await this.promote(id);
  }

  /** Promotes `id`, with `others` in the same change, as soon as it has caught up. */
  async promote(id: string, ...others: readonly MembersChange[]): Promise<void> {
    const until = performance.now() + WITHIN_MS;
    for (;;) {
      const answer = await this.change({ type: 'promote', id }, ...others);
      if (answer.type === 'done') return;
      if (performance.now() > until) throw new Error(`promote ${id}: ${JSON.stringify(answer)}`);
      await delay(REST_MS);
    }
  }

  /** Status that one node reports about itself. */
  async status(id: string): Promise<NodeStatus> {
    using client = await this.#cluster.client(id);
    const answer = await client.request({ type: 'status' });
    if (answer?.type !== 'status') throw new Error(`status of ${id}: ${JSON.stringify(answer)}`);
    return JSON.parse(answer.status) as NodeStatus;
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
    this.#nodes = [node, ...this.#nodes.filter((each) => each !== node)];
  }
}

/**
 * Resolves to the leader that all nodes agree on. If two nodes were candidates at the start, the first leader may be
 * replaced at once.
 */
export async function agreedLeader({ nodes }: NodeCluster): Promise<string> {
  const until = performance.now() + WITHIN_MS;
  for (;;) {
    const statuses = [...nodes.values()].map(({ reports }) => last(reports, 'status'));
    const [leader, ...others] = new Set(statuses.map((status) => status?.leader ?? null));
    const leads = statuses.some((status) => status?.role === 'leader' && status.node === leader);
    if (typeof leader === 'string' && others.length === 0 && leads) return leader;
    if (performance.now() > until)
      throw new Error(`the nodes agree on no leader: ${JSON.stringify(statuses)}`);
    await delay(REST_MS);
  }
}

/**
 * Resolves when all running nodes have applied every entry that any of them has in its log, and the leader knows that
 * they have it (an answer may be lost with a connection, until the next heartbeat). Rejects if their logs differ.
 */
export async function settled(cluster: NodeCluster): Promise<void> {
  const running = [...cluster.nodes].filter(
    ([, { child }]) => child.exitCode === null && child.signalCode === null,
  );
  const until = performance.now() + WITHIN_MS;
  using client = new ClusterClient(cluster);
  for (;;) {
    const statuses = await Promise.all(running.map(([id]) => client.status(id)));
    const last = Math.max(...statuses.map(({ lastIndex }) => lastIndex));
    const ids = new Set(statuses.map(({ id }) => id));
    const known = statuses.flatMap(({ followers }) => followers.filter(({ id }) => ids.has(id)));
    if (
      statuses.every(({ applied }) => applied === last) &&
      known.every(({ matchIndex }) => matchIndex === last)
    )
      break;
    if (performance.now() > until) throw new Error(`not settled: ${JSON.stringify(statuses)}`);
    await delay(REST_MS);
  }
  const applied = await Promise.all(
    running.map(([id, node]) =>
      node.until(`a status of ${id}`, (reports) => {
        const status = last(reports, 'status');
        return status !== undefined && status.applied === status.lastIndex ? status : undefined;
      }),
    ),
  );
  const farthest = Math.max(...applied.map((status) => status.applied));
  const equal = applied
    .filter((status) => status.applied === farthest)
    .map(({ appliedDigest }) => appliedDigest);
  if (new Set(equal).size > 1) throw new Error(`logs differ at entry ${farthest}: ${equal.join(', ')}`);
}

/** Kills a node with SIGKILL. Resolves when its process has ended. */
export async function kill(cluster: NodeCluster, id: string): Promise<void> {
  const { child } = cluster.nodes.get(id)!;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
