import { SeededRandom } from '../../node/raft/testing/random.ts';
import { mutated } from './mutate.ts';
import { Finding } from './target.ts';
import type { Target } from './target.ts';

/** Result of an iteration without a finding: the decoder accepted the bytes, or refused them with a known error. */
export type Outcome = 'accepted' | 'refused';

/** An input that a decoder handles wrongly, and what is needed to repeat it. */
export interface Bad {
  readonly target: string;
  readonly seed: number;
  readonly iteration: number;
  readonly input: string;
  readonly error: string;
}

/** Message of the worker: its counts so far, or a finding. */
export type FuzzMessage =
  | {
      readonly type: 'progress';
      readonly counts: Readonly<Record<string, { accepted: number; refused: number }>>;
    }
  | { readonly type: 'bad'; readonly bad: Bad };

/** Runs one iteration. Target, seed and iteration determine it, so any iteration can be repeated alone. */
export function iterate(target: Target, seed: number, iteration: number): Outcome | Bad {
  const random = new SeededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(iteration + 1, 0x85eb_ca6b));
  const bytes = target.sample(random);
  const input = random.chance(0.03) ? bytes : mutated(bytes, target.sample(random), random);
  // A copy, because a decoder may keep a view of its input.
  const given = Buffer.from(input);
  const bad = (error: string): Bad => ({
    target: target.name,
    seed,
    iteration,
    input: input.toString('hex'),
    error,
  });
  try {
    target.run(given, random);
  } catch (error) {
    if (target.refuses.some((kind) => error instanceof kind) && !(error instanceof Finding)) return 'refused';
    return bad(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return 'accepted';
}
