import type { Configuration } from './configuration.ts';
import type { NodeId } from './types.ts';

/**
 * Votes, matchIndex, read contexts and contact times all need the answer to one question: which value has a quorum
 * reached?
 */

/** The voters that decide: a majority of `voters`, and in a joint configuration also a majority of `outgoing` (§6). */
export type Electorate = Pick<Configuration, 'voters' | 'outgoing'>;

/** The smallest majority of `voters` (≥ 1) servers. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * The highest value that a quorum has reached: the N of figure 2's "a majority of matchIndex[i] ≥ N". `valueOf` is
 * called once for each voter of each half. The result is -Infinity if there are no voters.
 */
export function reachedByQuorum(
  { voters, outgoing }: Electorate,
  valueOf: (voter: NodeId) => number,
): number {
  const reached = reachedByMajority(voters.map(valueOf));
  return outgoing.length === 0 ? reached : Math.min(reached, reachedByMajority(outgoing.map(valueOf)));
}

export type Tally = 'won' | 'lost' | 'pending';

/** Returns the state of an election; `lost` if the missing votes cannot make a quorum. Only voters' votes count. */
export function tally(votes: ReadonlyMap<NodeId, boolean>, { voters, outgoing }: Electorate): Tally {
  const half = tallyMajority(votes, voters);
  if (outgoing.length === 0 || half === 'lost') return half;
  const other = tallyMajority(votes, outgoing);
  return other === 'won' ? half : other;
}

/** Sorts `values` in place: there are only a few, and the caller does not use them afterwards. */
function reachedByMajority(values: number[]): number {
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    let at = i;
    for (; at > 0 && values[at - 1]! > value; at--) values[at] = values[at - 1]!;
    values[at] = value;
  }
  return values[values.length - majority(values.length)] ?? -Infinity;
}

function tallyMajority(votes: ReadonlyMap<NodeId, boolean>, voters: readonly NodeId[]): Tally {
  const needed = majority(voters.length);
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted++;
    else if (vote === false) refused++;
  }
  if (granted >= needed) return 'won';
  return voters.length - refused < needed ? 'lost' : 'pending';
}
