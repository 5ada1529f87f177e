import { expect, test } from 'vitest';
import type { Op } from '../../history/op.ts';
import { stepsOf } from '../key.ts';
import { toParts } from '../parts.ts';
import { type PoolOptions, searchAll } from './search-pool.ts';
import type { RegisterSteps } from './register-steps.ts';

const MIB = 1_048_576;
const limits = {
  deadline: performance.now() + 60_000,
  graceMs: 5_000,
  memoryBytes: 256 * MIB,
  signal: undefined,
};

const op = (id: number, change: Partial<Op>): Op => ({
  id,
  process: id,
  key: 'k',
  f: 'write',
  input: 'a',
  call: id,
  return: id + 0.5,
  outcome: 'ok',
  node: 'n1',
  attempts: 1,
  ...change,
});
const read = (id: number, output: string): Op => op(id, { f: 'read', input: null, output });
const steps = (...ops: readonly Op[]): RegisterSteps => stepsOf(toParts(ops)[0]!.columns);
/** A key whose search uses all the time: 2^24 sets of concurrent appends, and a read that none of them explains. */
const endless = steps(
  ...Array.from({ length: 24 }, (_, id) => op(id, { f: 'append', input: `${id % 2}`, call: 0, return: 50 })),
  read(60, `${'01'.repeat(12)}2`),
);

test('each of many searches has its answer at its own place, independent of its thread', async () => {
  const searches = Array.from({ length: 12 }, (_, i) =>
    steps(op(0, {}), op(1, {}), read(2, i % 3 === 0 ? 'b' : 'a')),
  );
  const answers = await searchAll(searches, limits);
  expect(answers.map(({ judgement }) => judgement.verdict)).toEqual(
    searches.map((_, i) => (i % 3 === 0 ? 'violation' : 'linearizable')),
  );
});

test('a search that throws does not affect the others', async () => {
  const broken = { ...steps(op(0, {})), kind: null as unknown as Uint8Array };
  const answers = await searchAll([broken, steps(op(0, {}))], limits);
  expect(answers.map(({ judgement }) => judgement)).toMatchObject([
    { verdict: 'none', reason: expect.stringContaining('the checker failed') },
    { verdict: 'linearizable' },
  ]);
});

test('a search that cannot be sent to a thread, is too late or is cancelled has no result but a reason', async () => {
  const unsendable = { ...steps(op(0, {})), values: [() => {}] as unknown as string[] };
  const reasonOf = async (columns: RegisterSteps, change: Partial<PoolOptions>): Promise<string> => {
    const [answer] = await searchAll([columns], { ...limits, ...change });
    return answer!.judgement.verdict === 'none' ? answer!.judgement.reason : answer!.judgement.verdict;
  };
  expect(await reasonOf(unsendable, {})).toContain('could not be sent to the checker');
  expect(await reasonOf(endless, { deadline: performance.now() - 1 })).toContain(
    'before it could be searched',
  );
  const controller = new AbortController();
  const running = reasonOf(endless, { signal: controller.signal });
  controller.abort();
  expect(await running).toContain('cancelled');
});
