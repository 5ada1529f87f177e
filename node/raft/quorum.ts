/** Votes, matchIndex, read contexts and contact times are all decided by "what has a majority reached?". */

/** The smallest majority of `voters` (≥ 1) servers. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The highest value that a majority has reached, given one value per voter: the N of figure 2's "a majority of
 * matchIndex[i] ≥ N". Sorts `values` in place (it is a handful, and the caller's scratch space).
 */
export function reachedByMajority(values: number[]): number {
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    let at = i;
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!;
    values[at] = value;
  }
  return values[values.length - majority(values.length)]!;
}

export type Tally = 'won' | 'lost' | 'pending';

/** How an election stands. `lost` once the votes that are still out cannot make a majority. */
export function tally(votes: ReadonlyMap<unknown, boolean>, voters: number): Tally {
  let granted = 0;
  for (const vote of votes.values()) if (vote) granted++;
  const refused = votes.size - granted;
  if (granted >= majority(voters)) return 'won';
  return voters - refused < majority(voters) ? 'lost' : 'pending';
}
