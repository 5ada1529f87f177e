import type { Clock } from '../../clock.ts';
import type { ClusterState } from '../../view/cluster-state.ts';
import { EmptyMatch, type FaultAction, type Targets } from '../../nemesis/fault.ts';
import type { Nemesis } from '../../nemesis/nemesis.ts';
import { formatSelector, resolveSelector, type Electorate, type Selector } from '../../nemesis/selector.ts';
import type { Random } from '../../random.ts';
import type { Binding } from '../language/comparison.ts';
import type { Bind, Resolved } from '../language/schema.ts';

/** Resolves selectors at the moment of the call, and keeps the nodes that `bind:` named. */
export class Choices {
  /** All bindings, oldest first. In a `repeat`, a name is bound again in each round. */
  readonly bindings: { readonly t: number; readonly name: string; readonly binding: Binding }[] = [];
  readonly #state: ClusterState;
  readonly #nemesis: Nemesis;
  readonly #clock: Clock;
  readonly #random: Random;

  /** `random`: the stream `selectors`. */
  constructor(options: {
    readonly state: ClusterState;
    readonly nemesis: Nemesis;
    readonly clock: Clock;
    readonly random: Random;
  }) {
    this.#state = options.state;
    this.#nemesis = options.nemesis;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Names the nodes that a fault has chosen. One name for a fault on links is for the nodes at both ends. */
  bind(bind: Bind, { nodes, ends }: FaultAction): void {
    if (typeof bind === 'string') {
      const both = ends === undefined ? nodes : [...new Set([...ends.from, ...ends.to])];
      this.#bind(bind, both);
    } else
      for (const end of ['from', 'to'] as const)
        if (bind[end] !== undefined) this.#bind(bind[end], ends?.[end] ?? []);
  }

  #bind(name: string, nodes: readonly string[]): void {
    if (nodes.length === 0) return;
    const { status, commit } = this.#state.node(nodes[0]!);
    const binding = { nodes, term: status?.term ?? 0, commitIndex: commit };
    this.bindings.push({ t: this.#clock.now(), name, binding });
  }

  bound(): ReadonlyMap<string, Binding> {
    return new Map(this.bindings.map(({ name, binding }) => [name, binding]));
  }

  /** Nodes that the selector matches now; may be empty. A random selector draws again at every call. */
  select(selector: Selector): readonly string[] {
    return resolveSelector(selector, this.#electorate(), this.#random);
  }

  /**
   * Targets for one step: its selectors see the same state of the cluster, and `rest` matches the nodes that the step
   * has not chosen yet.
   */
  targets(recorded: Resolved): Targets {
    const electorate = this.#electorate();
    const taken = new Set<string>();
    return {
      nodes: electorate.nodes,
      links: this.#nemesis.world.links.links,
      select: (selector, end) => {
        const prefer = 'from' in recorded ? recorded[end ?? 'from'] : recorded;
        const chosen = resolveSelector(selector, electorate, this.#random, taken, prefer);
        if (chosen.length === 0) throw new EmptyMatch(`\`${formatSelector(selector)}\` matches no node now`);
        for (const node of chosen) taken.add(node);
        return chosen;
      },
    };
  }

  #electorate(): Electorate {
    const state = this.#state;
    const lastIndex = state.ids.flatMap((id) => {
      const index = state.node(id).lastIndex;
      return index === null ? [] : [[id, index] as const];
    });
    const kills = this.#nemesis.faults.filter(({ verb }) => verb === 'kill');
    return {
      nodes: state.ids,
      up: state.up(),
      leader: state.claimants()[0]?.node ?? null,
      lastIndex: new Map(lastIndex),
      killed: kills.flatMap(({ aimed }) => aimed.nodes),
      bound: new Map(this.bindings.map(({ name, binding }) => [name, binding.nodes])),
    };
  }
}
