import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Op } from '../history/op.ts';
import { randomStream } from '../random.ts';
import { Allotments } from './search/allotments.ts';
import { Configurations } from './search/configurations.ts';
import { Dominance } from './search/dominance.ts';
import { FrontierSearch } from './search/frontier.ts';
import { generateHistory } from './testing/generate.ts';
import { stepsOf } from './key.ts';
import { MemoryBudget } from './search/memory-budget.ts';
import { OpenSteps } from './search/open-steps.ts';
import { toParts } from './parts.ts';
import { eventsOf, type Problem, type Search } from './search/problem.ts';
import { registerMachine } from './search/register-machine.ts';
import { Trail } from './search/trail.ts';
import { WglSearch } from './search/wgl.ts';

const MIB = 1_048_576;

/**
 * Many clients on few values, with few reads; the last read has no legal place. This search does not end in a
 * reasonable time.
 */
function endless(): Problem {
  const options = { operations: 2_000, clients: 200, keys: 1, unknown: 0.1, failed: 0.01, opaque: 0.8 };
  const mix = { read: 1, write: 2, cas: 4, delete: 0, append: 0 };
  const random = randomStream(31, 'workload', 'limits');
  const ops = generateHistory(random, { ...options, mix, uniqueValues: false });
  const victim = ops.findLast((op) => op.f === 'read' && op.outcome === 'ok');
  const judged = ops.map((op): Op => (op === victim ? { ...op, output: 'nowhere' } : op));
  const columns = stepsOf(toParts(judged)[0]!.columns);
  const machine = registerMachine(columns);
  return { machine, steps: machine.steps, call: columns.call, ret: columns.ret, certain: columns.certain };
}

test('the frontier does little work between two checks of the clock, and none after the deadline was noticed', () => {
  const problem = endless();
  const { machine } = problem;
  let looks = 0;
  let applied = 0;
  let most = 0;
  const counted: Problem = {
    ...problem,
    machine: {
      ...machine,
      apply(state, step) {
        applied++;
        return machine.apply(state, step);
      },
    },
  };
  const search = new FrontierSearch(counted, 64 * MIB, () => {
    most = Math.max(most, applied);
    applied = 0;
    return looks++;
  });
  for (let until = 0; until < 4_000; until += 100) {
    const result = search.run(until);
    expect(result).toBeNull();
    expect(looks).toBe(until + 2);
  }
  expect(search.reach().configurations).toBeGreaterThan(2_000);
  expect(most).toBeLessThan(20_000);
});

test('the removal of covered configurations pauses every few rows, and so does the compaction of the trail', () => {
  const rows = 4_096;
  const budget = new MemoryBudget(64 * MIB);
  const problem = endless();
  const open = new OpenSteps(problem, eventsOf(problem));
  const layout = { state: 0, allotment: 1, taken: 2, hidden: 3, length: 5 };
  const [all, kept] = [new Configurations(budget, 5), new Configurations(budget, 5)];
  for (let state = 0; state < rows; state++) all.add(Int32Array.of(state, 0, 0, 0, 0));
  const prune = new Dominance(layout, open, new Allotments(budget), budget).prune(all, kept);
  let pauses = 0;
  while (prune.next().done !== true) pauses++;
  expect(kept.count).toBe(rows);
  expect(pauses).toBe((2 * rows) / 32);

  const trail = new Trail(budget);
  let mark: number = Trail.start;
  for (let entry = 0; entry < 100_000; entry++) mark = trail.add(mark, entry);
  const compact = trail.compact([mark]);
  pauses = 0;
  while (compact.next().done !== true) pauses++;
  expect(pauses).toBeGreaterThan(10);
});

test.each<[name: string, make: (problem: Problem, bytes: number) => Search]>([
  ['frontier', (problem, bytes) => new FrontierSearch(problem, bytes)],
  ['depth-first', (problem, bytes) => new WglSearch(problem, bytes)],
])('the arrays of a search stay within its memory, even while they grow: %s', (_, make) => {
  const limit = 6 * MIB;
  // Garbage of other tests must not be collected during this measurement. The second collection waits until the first
  // one has released the arrays, which happens in parallel.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const search = make(endless(), limit);
  let most = 0;
  // With 0 as the limit, `run` returns at the next check of the clock.
  while (search.run(0) === null) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  expect(most).toBeGreaterThan(limit / 4);
  expect(most).toBeLessThan(1.1 * limit);
});
