import { LiveChecker } from '../checker/live/live-checker.ts';
import type { Op } from '../history/op.ts';
import type { OpenOp } from '../history/recorder.ts';
import type { WorkloadEvent } from '../ports/workload.ts';

/**
 * Judges operations as they are recorded and tells of a violation at once. Whatever goes wrong in it ends the judging,
 * never the recording: the final check judges all in any case.
 */
export class Judge {
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

  /** Says that every operation that ended by `t` is judged. */
  report(t: number): void {
    if (this.#checker !== null) this.#say({ type: 'checked', t, ...this.#checker.counts });
  }

  /** How many things it remembers. */
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
