import type { ClusterState } from '../../view/cluster-state.ts';

/**
 * Times that the cluster took to recover after the last heal. They are measured during the run, even if steps follow.
 */
export class RecoveryTimes {
  readonly #state: ClusterState;
  #since: number | null = null;
  /** Start of the last heal; null if no fault was healed, or all were over without one. */
  healingAt: number | null = null;
  #target = 0;
  #caughtUpAt: number | null = null;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** Time of the last heal; null if nothing was healed. */
  get since(): number | null {
    return this.#since;
  }

  healed(t: number): void {
    this.#since = t;
    this.#target = this.#state.maxCommit;
    this.#caughtUpAt = null;
  }

  /** Must be called whenever the cluster has changed. */
  look(t: number): void {
    if (this.#since === null || this.#caughtUpAt !== null) return;
    if (this.#state.converged(this.#target).ok) this.#caughtUpAt = t;
  }

  /** Time from the last heal until a leader stood, in ms; null: none has stood yet. */
  leaderMs(): number | null {
    if (this.#since === null) return null;
    const led = this.#state.ledFrom(this.#since);
    return led === null ? null : led - this.#since;
  }

  /**
   * Time from the last heal until every node was up, in one term, and had applied everything that was committed at the
   * heal, in ms; null: not yet.
   */
  caughtUpMs(): number | null {
    return this.#since === null || this.#caughtUpAt === null ? null : this.#caughtUpAt - this.#since;
  }

  /** Describes what is still missing. */
  missing(): string {
    return this.#state.converged(this.#target).detail;
  }
}
