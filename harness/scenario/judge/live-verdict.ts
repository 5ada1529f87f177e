import type { LinearizabilityResult } from '../../checker/linearizable.ts';
import type { Violation } from '../../result.ts';

/** What judging the operations as they ended came to, beside the final check, which is the judge. */
export class LiveVerdict {
  readonly violations: Violation[] = [];
  /** Keys that were left to the final check. */
  undecided = 0;
  /** Why nothing was judged any more from some time on; null: all was. */
  broken: string | null = null;

  /**
   * The final result with what was found live on keys that the final check did not come to: each is a proof by itself.
   * `final` null: there was no final check.
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
   * Where the two checkers contradict each other, in words; null: nowhere. One of them is wrong then, so that the run
   * may prove what it likes, but never that all is well.
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
