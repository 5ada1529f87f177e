import { isDeepStrictEqual } from 'node:util';
import type { SeededRandom } from '../../node/raft/testing/random.ts';

/** A decoder under attack. */
export interface Target {
  readonly name: string;
  /** Bytes that it takes, as the encoder writes them: what is mutated. */
  readonly sample: (random: SeededRandom) => Buffer;
  /**
   * Decodes. What it throws must be of `refuses`; anything else is a finding, and so is a call that does not end.
   * Throws `Finding` itself for what is worse than a refusal: a wrong value.
   */
  readonly run: (bytes: Buffer, random: SeededRandom) => void;
  readonly refuses: readonly (new (message: string) => Error)[];
}

/** The decoder took bytes for something that they are not. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** What was decoded says the same as what it was decoded from. */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected))
    throw new Finding(`${what}: ${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
}
