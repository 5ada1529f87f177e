import { SeededRandom } from '../../node/raft/testing/random.ts';
import { mutated } from './mutate.ts';
import { Finding } from './target.ts';
import type { Target } from './target.ts';

/** What an iteration came to: the bytes were taken, or refused as they should be. */
export type Outcome = 'taken' | 'refused';

/** An input that a decoder does not bear, and how to see it again. */
export interface Bad {
  readonly target: string;
  readonly seed: number;
  readonly iteration: number;
  readonly input: string;
  readonly error: string;
}

/** Everything follows from target, seed and iteration, so that any one can be run alone. */
export function iterate(target: Target, seed: number, iteration: number): Outcome | Bad {
  const random = new SeededRandom(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(iteration + 1, 0x85eb_ca6b));
  const bytes = target.sample(random);
  const input = random.chance(0.03) ? bytes : mutated(bytes, target.sample(random), random);
  // A copy, because what a decoder keeps must not be what another test of it changes.
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
  return 'taken';
}
