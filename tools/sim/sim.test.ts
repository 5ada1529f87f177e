import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { simulateAll } from './pool.ts';
import type { Simulated } from '../../harness/stage/sim/storm/simulate.ts';

/** Number of simulated clusters. For more, set SIM_COUNT or, better, use `npm run sim`. */
const COUNT = Number(process.env['SIM_COUNT'] ?? 120);
const THREADS = Math.min(2, availableParallelism());
const BOUND_MS = 600_000;

const SHIPPED = new URL('./shipped.ts', import.meta.url);
const mutant = (name: string): URL => new URL(`../../test/support/sim-mutants/${name}.ts`, import.meta.url);

async function simulate(firstSeed: number, count: number): Promise<readonly Simulated[]> {
  const all: Simulated[] = [];
  const failure = await simulateAll({
    firstSeed,
    count,
    threads: THREADS,
    parts: SHIPPED,
    onSimulated: (each) => void all.push(each),
  });
  if (failure !== null) throw new Error(`seed ${failure.seed}: ${failure.error}`);
  return all.toSorted((a, b) => a.seed - b.seed);
}

describe('shipped nodes under every fault at once, in virtual time', () => {
  test(
    'keep the safety properties, linearizability and equal states, and recover after all faults are healed',
    async () => {
      const all = await simulate(1, COUNT);
      expect(all).toHaveLength(COUNT);
      expect(all.filter(({ events }) => events < 2_000)).toEqual([]);
      expect(new Set(all.map(({ size }) => size))).toEqual(new Set([3, 5, 7]));
      const kinds = [
        'BecomeLeader',
        'Recover',
        'Commit',
        'read ok',
        'write ok',
        'write info',
        'cas ok',
        'append ok',
        'InstallSnapshot',
        'change-members done',
        'transfer-leadership done',
      ];
      const totals = kinds.map((kind) => all.reduce((sum, { counts }) => sum + (counts[kind] ?? 0), 0));
      expect(totals.filter((total) => total < COUNT / 2)).toEqual([]);
    },
    BOUND_MS,
  );

  test('repeat every event with the same seed, and differ with another seed', async () => {
    const once = await simulate(1_000, 8);
    expect(await simulate(1_000, 8)).toEqual(once);
    expect(new Set(once.map(({ digest }) => digest)).size).toBe(once.length);
  });
});

/** First visible effects of two majorities without a common node, in the properties or the node's own assertions. */
const LOGS_DIVERGED =
  /election-safety|leader-completeness|state-machine-safety|log-matching|liveness|differs from a committed|acknowledges \d+|both lead/;

describe('nodes that are broken on purpose', () => {
  test.each([
    [
      'acks-before-durable',
      /durability|election-safety|log-matching|leader-completeness|state-machine-safety|linearizability/,
    ],
    ['forgets-vote', /election-safety/],
    ['stale-reads', /linearizability: violation/],
    ['no-log-check', /leader-completeness|state-machine-safety|differs from a committed/],
    ['retries-twice', /linearizability: violation/],
    ['one-majority', LOGS_DIVERGED],
    ['skips-joint', /membership-change: .* that share no node/],
    ['votes-without-folder', LOGS_DIVERGED],
  ])(
    'the node %s is found within 200 seeds',
    async (name, finds) => {
      const failure = await simulateAll({ firstSeed: 1, count: 200, threads: THREADS, parts: mutant(name) });
      expect(failure?.error).toMatch(finds);
    },
    BOUND_MS,
  );
});
