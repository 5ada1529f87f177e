import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { simulateAll } from './pool.ts';
import type { Simulated } from '../../harness/stage/sim/storm/simulate.ts';

/** `SIM_COUNT=10000 npx vitest run test/sim` looks further; `npm run sim` is made for it. */
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
    'keep the safety properties, linearizability and equal states, and recover when all heals',
    async () => {
      const all = await simulate(1, COUNT);
      expect(all).toHaveLength(COUNT);
      expect(all.filter(({ events }) => events < 2_000)).toEqual([]);
      expect(new Set(all.map(({ size }) => size))).toEqual(new Set([3, 5, 7]));
      const seldom = [
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
      const totals = seldom.map((kind) => all.reduce((sum, { counts }) => sum + (counts[kind] ?? 0), 0));
      expect(totals.filter((total) => total < COUNT / 2)).toEqual([]);
    },
    BOUND_MS,
  );

  test('one seed gives one life, event for event; another seed another', async () => {
    const once = await simulate(1_000, 8);
    expect(await simulate(1_000, 8)).toEqual(once);
    expect(new Set(once.map(({ digest }) => digest)).size).toBe(once.length);
  });
});

/** Two majorities that share nobody: what the properties, or the assertions in the node, see of it first. */
const LOGS_GREW_APART =
  /election-safety|leader-completeness|state-machine-safety|log-matching|liveness|differs from a committed|acknowledges \d+|both lead/;

describe('what is broken on purpose is found within 200 seeds', () => {
  test.each([
    [
      'acks-before-durable',
      /durability|election-safety|log-matching|leader-completeness|state-machine-safety|linearizability/,
    ],
    ['forgets-vote', /election-safety/],
    ['stale-reads', /linearizability: violation/],
    ['no-log-check', /leader-completeness|state-machine-safety|differs from a committed/],
    ['retries-twice', /linearizability: violation/],
    ['one-majority', LOGS_GREW_APART],
    ['skips-joint', /membership-change: .* that share no node/],
    ['votes-without-folder', LOGS_GREW_APART],
  ])(
    '%s',
    async (name, finds) => {
      const failure = await simulateAll({ firstSeed: 1, count: 200, threads: THREADS, parts: mutant(name) });
      expect(failure?.error).toMatch(finds);
    },
    BOUND_MS,
  );
});
