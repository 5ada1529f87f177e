import type { ExpectationResult } from '../../result.ts';

/**
 * Maximum number of results of one step with one status that have their own rows. If there are more, all share one row.
 */
const MOST_ALIKE = 5;

interface Entry {
  readonly first: ExpectationResult;
  count: number;
  longestMs: number | undefined;
}

/** Results of the steps of a run. The many results of a step that is repeated are one row with their number. */
export class StepResults {
  #rows: { readonly entry: Entry; readonly row: ExpectationResult }[] = [];
  /** By step, then by status. */
  readonly #entries = new Map<object, Map<string, Entry>>();

  /** `step`: identity of the step that the row is about. */
  add(step: object, row: ExpectationResult): void {
    const ofStep = this.#entries.get(step) ?? new Map<string, Entry>();
    this.#entries.set(step, ofStep);
    const entry = ofStep.get(row.status) ?? { first: row, count: 0, longestMs: undefined };
    ofStep.set(row.status, entry);
    entry.count++;
    if (row.tookMs !== undefined) entry.longestMs = Math.max(entry.longestMs ?? 0, row.tookMs);
    if (entry.count <= MOST_ALIKE) this.#rows.push({ entry, row });
    else if (entry.count === MOST_ALIKE + 1)
      this.#rows = this.#rows.filter((other) => other.entry !== entry || other.row === entry.first);
  }

  get rows(): readonly ExpectationResult[] {
    return this.#rows.map(({ entry: { count, longestMs }, row }) =>
      count <= MOST_ALIKE
        ? row
        : {
            ...row,
            count,
            detail: `${count} times; the first time: ${row.detail}`,
            ...(longestMs !== undefined && { tookMs: longestMs }),
          },
    );
  }
}
