import { expect, test } from 'vitest';
import { iterate } from './fuzz.ts';
import type { Bad } from './fuzz.ts';
import { expectEqual } from './target.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';

/** A slice of `npm run fuzz:codecs`. */
const ITERATIONS = 1_500;

test.each(TARGETS)(
  'the decoder of $name accepts or refuses every input, and what it accepted encodes to the same bytes',
  (target) => {
    const outcomes = { accepted: 0, refused: 0 };
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      const outcome = iterate(target, 1, iteration);
      if (typeof outcome !== 'string') throw new Error(JSON.stringify(outcome));
      outcomes[outcome]++;
    }
    // If a decoder accepts no input, or every input, the fuzzer does not reach much of its code.
    expect(outcomes.accepted).toBeGreaterThan(ITERATIONS / 50);
    expect(target.refuses.length === 0 || outcomes.refused > ITERATIONS / 50).toBe(true);
  },
);

test.each<[string, Target['run'], RegExp]>([
  ['reads past the end', (bytes) => void bytes.readUInt32BE(bytes.readUInt32BE(4)), /RangeError/],
  ['trusts a length', (bytes) => void Buffer.alloc(bytes.readUInt32BE(0) * 2 ** 40), /RangeError|ERR_/],
  ['returns a wrong value', (bytes) => expectEqual('it', bytes[20], TARGETS[1]!.sample.length), /Finding/],
])('the fuzzer finds a decoder that %s', (_, run, error) => {
  const target: Target = { ...TARGETS[1]!, name: 'broken', run };
  const found = Array.from({ length: 200 }, (__, iteration) => iterate(target, 1, iteration)).filter(
    (outcome): outcome is Bad => typeof outcome !== 'string',
  );
  expect(found[0]?.error).toMatch(error);
  expect(iterate(target, 1, found[0]!.iteration)).toEqual({
    ...found[0],
    error: expect.any(String) as string,
  });
});
