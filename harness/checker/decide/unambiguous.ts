import { buildBlocks, conflictingPair, orderOf, sortBlocks, tellingPair } from './blocks.ts';
import { type Columns, KIND } from '../columns.ts';
import { type Contradiction, Evidence } from './evidence.ts';
import { placeOpaque } from './opaque.ts';
import { splitBrain } from './split-brain.ts';
import { States } from './states.ts';
import type { Step } from '../steps.ts';

export type Decision =
  /** Rows of the columns. */
  | { readonly verdict: 'linearizable'; readonly order: Int32Array }
  | {
      readonly verdict: 'violation';
      readonly contradiction: Contradiction;
      /** `Evidence.support` */
      readonly support: (steps: readonly Step[]) => Int32Array;
    }
  | { readonly verdict: 'ambiguous'; readonly reason: string };

/**
 * Decides a key on which every value that a step depends on was left by exactly one write, CAS or append. It takes O(n
 * log n) time and needs no search. Gibbons and Korach ("Testing shared memories", 1997) show it for registers; CAS and
 * appends only link states.
 *
 * In any order, the register has such a value during one uninterrupted time, because one step makes the value and no
 * step restores it. So a state (`States`), its readers and the states made from it form a sequence, a block, whose
 * order is forced. Only the order of the blocks remains to be found: `blocks.ts` has the rules for this, with their
 * proofs.
 */
export function decideUnambiguous(columns: Columns): Decision {
  const states = new States(columns);
  const violation = (tell: (evidence: Evidence) => Contradiction): Decision => {
    const evidence = new Evidence(columns, states);
    return {
      verdict: 'violation',
      contradiction: tell(evidence),
      support: (steps) => evidence.support(steps),
    };
  };
  const trouble = states.see();
  if (trouble?.type === 'ambiguous') return { verdict: 'ambiguous', reason: trouble.reason };
  if (trouble !== null) return violation((evidence) => evidence.trouble(trouble));

  const built = buildBlocks(columns, states);
  if ('early' in built) return violation((evidence) => evidence.inversion(built));
  const { blocks, ring } = built;
  if (ring >= 0) return violation((evidence) => evidence.cycle(ring));
  const sorted = sortBlocks(blocks);
  const pair = conflictingPair(blocks, sorted);
  if (pair !== null) {
    const split = splitBrain(columns, blocks);
    if (split !== null) return violation((evidence) => evidence.split(blocks, split));
    const telling = tellingPair(columns, states, blocks, pair);
    return violation((evidence) => evidence.conflict(blocks, telling));
  }
  const order = orderOf(blocks, sorted, states);
  const opaque = columns.kind.subarray(0, columns.size).indexOf(KIND.differs);
  if (opaque < 0) return { verdict: 'linearizable', order };
  // Failed CAS that do not say what they found can only exclude orders. If all of them fit into this order, it is
  // enough.
  const all = placeOpaque(columns, states, order);
  if (all !== null) return { verdict: 'linearizable', order: all };
  return { verdict: 'ambiguous', reason: `#${columns.id[opaque]} failed without saying what it found` };
}
