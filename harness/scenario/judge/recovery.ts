import type { ClusterState } from '../../view/cluster-state.ts';

/** How the cluster came back after the last heal: measured as it happens, also when steps follow the heal. */
export class Recovery {
  readonly #state: ClusterState;
  #since: number | null = null;
  #target = 0;
  #caughtUpAt: number | null = null;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** When the last fault was healed; null if none was. */
  get since(): number | null {
    return this.#since;
  }

  healed(t: number): void {
    this.#since = t;
    this.#target = this.#state.maxCommit;
    this.#caughtUpAt = null;
  }

  /** Call whenever the cluster changed. */
  look(t: number): void {
    if (this.#since === null || this.#caughtUpAt !== null) return;
    if (this.#state.converged(this.#target).ok) this.#caughtUpAt = t;
  }

  /** From the last heal until a leader stood; null: none has yet. */
  leaderMs(): number | null {
    if (this.#since === null) return null;
    const led = this.#state.ledFrom(this.#since);
    return led === null ? null : led - this.#since;
  }

  /** From the last heal until every node was up, in one term, and had applied all that was committed at the heal. */
  caughtUpMs(): number | null {
    return this.#since === null || this.#caughtUpAt === null ? null : this.#caughtUpAt - this.#since;
  }

  /** What is still missing, in words. */
  missing(): string {
    return this.#state.converged(this.#target).detail;
  }
}
