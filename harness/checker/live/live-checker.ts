import type { Op } from '../../history/op.ts';
import type { Violation } from '../../result.ts';
import { LiveKey, type Invoked, type LiveOptions } from './live-key.ts';

export type { Invoked } from './live-key.ts';

/** Progress of the check of all keys. */
export interface LiveCounts {
  readonly keys: number;
  /** Number of these keys that are left to the final check, because their values do not show the writer. */
  readonly undecided: number;
}

/**
 * Checks linearizability during a run. Every key is checked after each response; open operations count as operations
 * with an unknown outcome. Linearizability is prefix-closed, so a violation found here is final (Herlihy and Wing
 * 1990). It takes O(log n + clients) time per response. Memory does not grow with the history, except for writes with
 * an unknown outcome, each of which may take effect at any later time. Pure: no clock, no I/O.
 */
export class LiveChecker {
  readonly #keys = new Map<string, LiveKey>();
  readonly #options: LiveOptions;
  #undecided = 0;

  constructor(options: LiveOptions = {}) {
    this.#options = options;
  }

  /**
   * Must be called when an operation begins. Calls must be in order of time; at equal times, beginnings come before
   * ends.
   */
  invoke(op: Invoked): void {
    let key = this.#keys.get(op.key);
    if (key === undefined) this.#keys.set(op.key, (key = new LiveKey(this.#options)));
    const was = key.undecided;
    key.invoke(op);
    if (was === null && key.undecided !== null) this.#undecided++;
  }

  /**
   * Must be called when an operation ends (`info`: its client gave up). Returns the violation that this completes, at
   * most one per key.
   */
  complete(op: Op): Violation | null {
    const key = this.#keys.get(op.key);
    if (key === undefined) return null;
    const was = key.undecided;
    const found = key.complete(op);
    if (was === null && key.undecided !== null) this.#undecided++;
    if (found === null) return null;
    const { anomaly, prose, opIds } = found;
    return { property: 'linearizability', anomaly, prose: `Key ${op.key}: ${prose}`, key: op.key, opIds };
  }

  get counts(): LiveCounts {
    return { keys: this.#keys.size, undecided: this.#undecided };
  }

  /** Number of remembered items. */
  get size(): number {
    let size = 0;
    for (const key of this.#keys.values()) size += key.size;
    return size;
  }
}
