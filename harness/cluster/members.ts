import type { NodeLife, NodeView } from '../ports/cluster.ts';

/** One node of a cluster. `pid`: of its process; null: it has none. */
export interface Member {
  readonly id: string;
  life: NodeLife;
  readonly pid: number | null;
}

/** Actions of port `Cluster` on one node. */
export type Action = 'start' | 'kill' | 'stop' | 'pause' | 'resume' | 'wipe';

/** The nodes of a cluster, and the rules of port `Cluster` on which action each node's state allows. */
export class Members<M extends Member> {
  readonly ids: readonly string[];
  /** True once the cluster is being shut down: no node may be started any more. */
  closed = false;
  readonly #members: ReadonlyMap<string, M>;

  constructor(members: readonly M[]) {
    this.ids = members.map(({ id }) => id);
    this.#members = new Map(members.map((member) => [member.id, member]));
  }

  get all(): readonly M[] {
    return [...this.#members.values()];
  }

  /** @throws Error if there is no such node. */
  member(node: string): M {
    const member = this.#members.get(node);
    if (member === undefined) throw new Error(`no node ${node}; there are ${this.ids.join(', ')}`);
    return member;
  }

  view(node: string): NodeView {
    const { id, life, pid } = this.member(node);
    return { id, life, pid };
  }

  /** The node on which the action is allowed now. @throws Error that names the action, the node and its state. */
  forAction(action: Action, node: string): M {
    const member = this.member(node);
    if (action === 'start' && this.closed)
      throw new Error(`cannot start ${node}: the cluster is being shut down`);
    if (!allows(member, action))
      throw new Error(
        `cannot ${action} ${node}: it is ${member.life}${action === 'wipe' ? '; kill or stop it first' : ''}`,
      );
    return member;
  }
}

function allows({ life, pid }: Member, action: Action): boolean {
  switch (action) {
    case 'start':
    case 'wipe':
      return life === 'down';
    case 'kill':
    case 'stop':
      return pid !== null;
    case 'pause':
      return pid !== null && life === 'up';
    case 'resume':
      return pid !== null && life === 'paused';
    default:
      return action satisfies never;
  }
}
