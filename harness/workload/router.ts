/**
 * Time during which a node that did not answer is not asked again, in ms, even if another node names it as the leader.
 */
const AVOID_MS = 1_000;

/** Chooses the node that a client asks. Times are in ms, with any origin. */
export interface Router {
  readonly pinned: boolean;
  /** The node to ask next, of those for which `busy` is false; null if there is none. */
  pick(busy: (node: string) => boolean, now: number): string | null;
  /** The node answered as a leader does. */
  answered(node: string): void;
  /** The node answered that it does not lead; `hint` is the leader, if the node knows it. */
  notLeader(node: string, hint: string | undefined, now: number): void;
  /** The node did not answer in time, or the connection broke. */
  silent(node: string, now: number): void;
}

/**
 * The router of client `index`. With `mixed`, odd clients are pinned to the nodes in turn, and even ones follow the
 * leader.
 */
export function routerFor(options: {
  readonly index: number;
  readonly nodes: readonly string[];
  readonly routing: 'leader' | 'pinned' | 'mixed';
}): Router {
  const { index, nodes, routing } = options;
  const nth = (i: number): number => i % nodes.length;
  switch (routing) {
    case 'leader':
      return new LeaderRouter(nodes, nth(index));
    case 'pinned':
      return new PinnedRouter(nodes[nth(index)]!);
    case 'mixed': {
      const pair = nth(Math.floor(index / 2));
      return index % 2 === 1 ? new PinnedRouter(nodes[pair]!) : new LeaderRouter(nodes, pair);
    }
    default:
      return routing satisfies never;
  }
}

class PinnedRouter implements Router {
  readonly pinned = true;
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
  }

  pick(busy: (node: string) => boolean): string | null {
    return busy(this.#node) ? null : this.#node;
  }
  answered(): void {}
  notLeader(): void {}
  silent(): void {}
}

/** Asks the last known leader if there is one, else follows hints, else asks the nodes in turn. */
export class LeaderRouter implements Router {
  readonly pinned = false;
  readonly #nodes: readonly string[];
  #leader: string | null = null;
  #next: number;
  readonly #avoidUntil = new Map<string, number>();

  constructor(nodes: readonly string[], first = 0) {
    this.#nodes = nodes;
    this.#next = first;
  }

  pick(busy: (node: string) => boolean, now: number): string | null {
    if (this.#leader !== null && !busy(this.#leader)) return this.#leader;
    const free = this.#round().filter((node) => !busy(node));
    const chosen = free.find((node) => !this.#avoided(node, now)) ?? free[0];
    if (chosen === undefined) return null;
    this.#next = (this.#nodes.indexOf(chosen) + 1) % this.#nodes.length;
    return chosen;
  }

  answered(node: string): void {
    this.#leader = node;
    this.#avoidUntil.delete(node);
  }

  notLeader(node: string, hint: string | undefined, now: number): void {
    const useful =
      hint !== undefined && hint !== node && this.#nodes.includes(hint) && !this.#avoided(hint, now);
    if (useful) this.#leader = hint;
    else if (this.#leader === node) this.#leader = null;
  }

  silent(node: string, now: number): void {
    this.#avoidUntil.set(node, now + AVOID_MS);
    if (this.#leader === node) this.#leader = null;
  }

  #avoided(node: string, now: number): boolean {
    return (this.#avoidUntil.get(node) ?? -Infinity) > now;
  }

  #round(): readonly string[] {
    return [...this.#nodes.slice(this.#next), ...this.#nodes.slice(0, this.#next)];
  }
}
