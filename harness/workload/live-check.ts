import { LiveChecker } from '../checker/live/live-checker.ts';
import type { Op } from '../history/op.ts';
import type { OpenOp } from '../history/recorder.ts';
import type { WorkloadEvent } from '../ports/workload.ts';

/**
 * Checks operations as they are recorded and reports a violation at once. An error in the checker ends the live check,
 * but never the recording; the final check covers all operations in any case.
 */
export class LiveCheck {
  readonly #say: (event: WorkloadEvent) => void;
  #checker: LiveChecker | null = new LiveChecker();

  constructor(say: (event: WorkloadEvent) => void) {
    this.#say = say;
  }

  readonly onInvoke = ({ id, call, invocation }: OpenOp): void => {
    const { f, key, input, node } = invocation;
    this.#try(call, (checker) => checker.invoke({ id, f, key, input, node, call }));
  };

  readonly onComplete = (op: Op): void => {
    const t = op.gaveUp ?? op.return;
    this.#try(t, (checker) => {
      const violation = checker.complete(op);
      if (violation !== null) this.#say({ type: 'violation', t, violation });
    });
  };

  /** Reports that every operation that ended by `t` is checked. */
  report(t: number): void {
    if (this.#checker !== null) this.#say({ type: 'checked', t, ...this.#checker.counts });
  }

  /** Number of remembered items. */
  get size(): number {
    return this.#checker?.size ?? 0;
  }

  #try(t: number, act: (checker: LiveChecker) => void): void {
    if (this.#checker === null) return;
    try {
      act(this.#checker);
    } catch (error) {
      this.#checker = null;
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#say({ type: 'unchecked', t, reason });
    }
  }
}
