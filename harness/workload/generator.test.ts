import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Task } from '../ports/client.ts';
import { Generator } from './generator.ts';
import type { WorkloadPlan } from '../ports/workload.ts';

const PLAN: WorkloadPlan = {
  clients: 4,
  ratePerSecond: null,
  keys: 5,
  skew: 'uniform',
  mix: { read: 0.4, write: 0.2, cas: 0.15, delete: 0.05, append: 0.2 },
  timeoutMs: 1_000,
  routing: 'mixed',
  seed: 7,
};
const draw = (plan: WorkloadPlan, count: number): Task[] => {
  const generator = new Generator(plan);
  return Array.from({ length: count }, (_, i) => generator.next(i % plan.clients, true)!);
};
const written = (task: Task): string[] =>
  task.f === 'read' ? [] : [typeof task.input === 'string' ? task.input : task.input![1]!];
const countBy = (tasks: Task[], of: (task: Task) => string): Record<string, number> =>
  tasks.reduce<Record<string, number>>((counts, task) => {
    counts[of(task)] = (counts[of(task)] ?? 0) + 1;
    return counts;
  }, {});

describe('Generator', () => {
  it('the same seed draws the same tasks, and another seed draws other tasks', () => {
    expect(draw(PLAN, 500)).toEqual(draw(PLAN, 500));
    expect(draw(PLAN, 500)).not.toEqual(draw({ ...PLAN, seed: 8 }, 500));
  });

  it('every written value is unique over the run, and no append token is part of another', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const tasks = draw({ ...PLAN, seed }, 2_000);
        const values = tasks.flatMap(written);
        expect(new Set(values).size).toBe(values.length);
        const tokens = tasks.filter((task) => task.f === 'append').flatMap(written);
        expect(tokens.join('').match(/[^;]+;/g)).toEqual(tokens);
      }),
      { numRuns: 20 },
    );
  });

  it('draws each function as often as the mix says', () => {
    const counts = countBy(draw(PLAN, 20_000), (task) => task.f);
    for (const [f, share] of Object.entries(PLAN.mix)) expect(counts[f]! / 20_000).toBeCloseTo(share, 1);
    expect(
      Object.keys(
        countBy(
          draw({ ...PLAN, mix: { read: 0.5, write: 0.5, cas: 0, delete: 0, append: 0 } }, 500),
          (t) => t.f,
        ),
      ).sort(),
    ).toEqual(['read', 'write']);
  });

  it('appends have separate keys, which are also read and stay short', () => {
    const tasks = draw(PLAN, 20_000);
    const appendKeys = new Set(tasks.filter((task) => task.f === 'append').map((task) => task.key));
    for (const task of tasks.filter((each) => each.f !== 'read'))
      expect(task.key).toMatch(task.f === 'append' ? /^a\d\.\d+$/ : /^k\d$/);
    const appends = countBy(
      tasks.filter((task) => task.f === 'append'),
      (task) => task.key,
    );
    expect(Math.max(...Object.values(appends))).toBe(100);
    const readKeys = new Set(tasks.filter((task) => task.f === 'read').map((task) => task.key));
    for (const key of appendKeys) expect(readKeys).toContain(key);
  });

  it('a cas usually expects the value that was seen last and, before any was seen, that the key was never written', () => {
    const generator = new Generator({
      ...PLAN,
      keys: 1,
      mix: { read: 0, write: 0, cas: 1, delete: 0, append: 0 },
    });
    expect(generator.next(0, true)).toEqual({ f: 'cas', key: 'k0', input: [null, 'c0.0'] });
    for (const value of ['v1', 'v2', 'v3', 'v4', 'v5', 'v6']) generator.observe('k0', value);
    const froms = Array.from(
      { length: 1_000 },
      () => (generator.next(0, true)!.input as readonly [string, string])[0],
    );
    expect(new Set(froms)).toEqual(new Set(['v3', 'v4', 'v5', 'v6']));
    expect(froms.filter((from) => from === 'v6').length).toBeGreaterThan(750);
  });

  it('a client that may not write only reads, or has no task if the mix has no reads', () => {
    const generator = new Generator(PLAN);
    for (let i = 0; i < 100; i++) expect(generator.next(0, false)!.f).toBe('read');
    expect(
      new Generator({ ...PLAN, mix: { read: 0, write: 1, cas: 0, delete: 0, append: 0 } }).next(0, false),
    ).toBeNull();
  });

  it('Zipf makes key 0 the most frequent, in the ratio of its exponent', () => {
    const tasks = draw(
      { ...PLAN, skew: { zipf: 1 }, mix: { read: 0, write: 1, cas: 0, delete: 0, append: 0 } },
      20_000,
    );
    const counts = countBy(tasks, (task) => task.key);
    expect(counts['k0']! / counts['k1']!).toBeCloseTo(2, 0);
    expect(counts['k0']! / counts['k4']!).toBeCloseTo(5, -0.5);
  });
});
