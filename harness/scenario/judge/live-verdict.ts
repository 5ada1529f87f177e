import type { LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Violation } from '../../result.ts';

/** Results of the linearizability check during the run. The final check decides the verdict. */
export class LiveVerdict {
  readonly violations: Violation[] = [];
  /** Keys that were left to the final check. */
  undecided = 0;
  /** Reason why the live check ended before the load did; null: it did not. */
  broken: string | null = null;

  /**
   * The final result, with the violations that the live check found on keys that the final check left undecided: each
   * of them is a proof by itself. `final` null: there was no final check.
   */
  completed(final: LinearizabilityResult | null): LinearizabilityResult | null {
    const judged = new Map(final?.keys.map(({ key, verdict }) => [key, verdict]));
    const standing = this.violations.filter(({ key }) => (judged.get(key!) ?? 'unknown') === 'unknown');
    const [first] = standing;
    if (first === undefined) return final;
    const more = standing.length > 1 ? ` (and on ${standing.length - 1} more keys)` : '';
    const found = `${first.anomaly}, found during the run, not judged again at its end: ${first.prose}${more}`;
    const { keys = [], violations = [], tookMs = 0, verdict, detail } = final ?? {};
    return {
      verdict: 'violation',
      detail: verdict === 'violation' ? `${detail}; ${found}` : found,
      keys,
      violations: [...violations, ...standing],
      tookMs,
    };
  }

  /**
   * Describes a contradiction between the two checkers; null if there is none. With a contradiction one of them is
   * wrong, so the run must not pass.
   */
  disagreement(final: LinearizabilityResult | null): string | null {
    if (final === null) return null;
    const finally_ = new Map(final.keys.map((key) => [key.key, key]));
    const denied = this.violations.find(({ key }) => finally_.get(key!)?.verdict === 'linearizable');
    if (denied !== undefined)
      return `key ${denied.key} was found not to be linearizable during the run, but is by the final check: ${denied.prose}`;
    if (this.undecided > 0 || this.broken !== null) return null;
    const found = new Set(this.violations.map(({ key }) => key));
    const missed = final.violations.find(({ key }) => !found.has(key));
    return missed === undefined
      ? null
      : `key ${missed.key} was found to be linearizable during the run, but is not by the final check: ${missed.prose}`;
  }
}
