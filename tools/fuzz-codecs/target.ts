import { isDeepStrictEqual } from 'node:util';
import type { SeededRandom } from '../../node/raft/testing/random.ts';

/** A decoder to be fuzzed. */
export interface Target {
  readonly name: string;
  /** Returns valid bytes, as the encoder writes them, which are then mutated. */
  readonly sample: (random: SeededRandom) => Buffer;
  /**
   * Decodes. It may throw the errors of `refuses`. Any other error, or a call that does not end, is a finding. It
   * throws `Finding` itself if the decoder returns a wrong value.
   */
  readonly run: (bytes: Buffer, random: SeededRandom) => void;
  readonly refuses: readonly (new (message: string) => Error)[];
}

/** Thrown if a decoder returns a value that its input does not encode. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Throws unless the two values are equal. */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(found, expected))
    throw new Finding(`${what}: ${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
}
