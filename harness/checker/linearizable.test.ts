import { describe, expect, test } from 'vitest';
import type { Op } from '../history/op.ts';
import { type Random, randomStream } from '../random.ts';
import { isLinearizableByDefinition } from './testing/brute-force.ts';
import { FrontierSearch } from './search/frontier.ts';
import { generateHistory, type GeneratorOptions } from './testing/generate.ts';
import { checkKey, stepsOf } from './key.ts';
import { checkLinearizable } from './linearizable.ts';
import { bearingOf, models } from './models.ts';
import { toParts } from './parts.ts';
import { registerMachine } from './search/register-machine.ts';
import { decideUnambiguous } from './decide/unambiguous.ts';
import { verifyWitnesses } from './verify.ts';
import { WglSearch } from './search/wgl.ts';

const MEMORY_BYTES = 256 * 1_048_576;
const limits = { limitMs: 10_000, memoryBytes: MEMORY_BYTES };
const mixes = [
  { read: 4, write: 3, cas: 2, delete: 1, append: 0 },
  { read: 4, write: 0, cas: 0, delete: 0, append: 4 },
  { read: 4, write: 1, cas: 2, delete: 1, append: 3 },
];
const options = (random: Random, change: Partial<GeneratorOptions>): GeneratorOptions => ({
  operations: random.int(3, 9),
  clients: random.int(2, 4),
  keys: 1,
  mix: random.pick(mixes),
  unknown: random.pick([0, 0.1, 0.4]),
  failed: random.pick([0, 0.1]),
  opaque: 0,
  uniqueValues: true,
  ...change,
});

/** Makes one answer wrong: a read or failed CAS returns the value of another one, a written value, or none. */
function tamper(ops: readonly Op[], random: Random): Op[] {
  const shown = ops.flatMap((op) => (op.output === undefined ? [] : [op.output]));
  const written = ops.flatMap((op) =>
    typeof op.input === 'string' ? [op.input] : Array.isArray(op.input) ? [op.input[1]] : [],
  );
  const pool = [...shown, ...shown, ...written, null];
  const answers = ops.filter((op) => op.output !== undefined);
  if (answers.length === 0) return [...ops];
  const changes = random.int(1, 2);
  const victims = new Set(Array.from({ length: changes }, () => random.pick(answers)));
  return ops.map((op) => (victims.has(op) ? { ...op, output: random.pick(pool) } : op));
}

function drain<Result>(walk: Generator<void, Result>): Result {
  for (;;) {
    const next = walk.next();
    if (next.done === true) return next.value;
  }
}

/**
 * Compares both methods and the whole checker with the definition, for one history. Returns descriptions of the
 * differences.
 */
function disagreements(ops: readonly Op[], expected: 'linearizable' | 'violation'): string[] {
  const wrong: string[] = [];
  const { columns, positions } = toParts(ops)[0]!;
  const machine = registerMachine(stepsOf(columns));
  const problem = { ...columns, machine, steps: machine.steps };
  const results = {
    depthFirst: new WglSearch(problem, MEMORY_BYTES).run(Infinity),
    frontier: new FrontierSearch(problem, MEMORY_BYTES).run(Infinity),
    quick: decideUnambiguous(columns),
  };
  for (const [name, result] of Object.entries(results)) {
    if (result === null || result === 'memory') {
      wrong.push(`${name}: ${result}`);
      continue;
    }
    if (result.verdict !== expected && result.verdict !== 'ambiguous')
      wrong.push(`${name}: ${result.verdict}`);
    if (result.verdict !== 'linearizable') continue;
    const order = Int32Array.from(result.order, (row) => columns.at[row]!);
    const [flaw] = drain(verifyWitnesses(models.kv, ops, [{ positions, order }], (op) => bearingOf(op)));
    if (flaw !== null) wrong.push(`${name}: its order is wrong, ${String(flaw)}`);
  }
  const judged = checkKey({ ops }, limits);
  if (judged.verdict !== expected) wrong.push(`whole: ${judged.verdict}, ${judged.detail}`);
  if (judged.violation !== null) {
    const window = new Set(judged.violation.opIds);
    const alone = ops.filter((op) => window.has(op.id));
    if (isLinearizableByDefinition(alone))
      wrong.push(`window ${[...window].join()} proves nothing: ${judged.detail}`);
    if (!window.has(judged.violation.stuckId!)) wrong.push('the stuck operation is not in the window');
    if (/undefined|NaN|Infinity/.test(judged.violation.prose)) wrong.push(judged.violation.prose);
  }
  return wrong;
}

/** Rounds the times to a coarse clock, so that many are equal. This only makes more operations concurrent. */
const coarse = (ops: readonly Op[]): Op[] =>
  ops.map((op) => ({ ...op, call: Math.floor(op.call), return: Math.floor(op.return) }));

/**
 * Compares histories of which about a third are valid. Returns the number of non-linearizable ones and of those that
 * needed no search.
 */
function compare(
  count: number,
  stream: string,
  change: Partial<GeneratorOptions>,
): { bad: number; decided: number } {
  let bad = 0;
  let decided = 0;
  for (let i = 0; i < count; i++) {
    const random = randomStream(i, 'workload', stream);
    const exact = generateHistory(random, options(random, change));
    const valid = random.float() < 0.5 ? exact : coarse(exact);
    const ops = random.float() < 0.3 ? valid : tamper(valid, random);
    const expected = isLinearizableByDefinition(ops) ? 'linearizable' : 'violation';
    const wrong = disagreements(ops, expected);
    if (wrong.length > 0)
      throw new Error(
        `history ${i} of ${stream} is ${expected}; ${wrong.join('; ')}: ${JSON.stringify(ops)}`,
      );
    if (ops === valid && expected === 'violation')
      throw new Error(`history ${i} of ${stream}: the generator made a violation`);
    if (expected === 'violation') bad++;
    if (decideUnambiguous(toParts(ops)[0]!.columns).verdict !== 'ambiguous') decided++;
  }
  return { bad, decided };
}

describe('the checker agrees with the definition', () => {
  test('on 12,000 small histories with unique values, in both methods, the verdict and the window', () => {
    const { bad, decided } = compare(12_000, 'unique', {});
    expect(bad).toBeGreaterThan(2_500);
    expect(decided).toBe(12_000);
  });

  test('on 6,000 small histories with repeated values, and CAS that do not say what they found', () => {
    const { bad } = compare(6_000, 'ambiguous', { uniqueValues: false, opaque: 0.5 });
    expect(bad).toBeGreaterThan(900);
  });

  test('on 4,000 small histories with unique values and CAS that do not say what they found, most without a search', () => {
    const { bad, decided } = compare(4_000, 'opaque', {
      opaque: 0.7,
      mix: { read: 3, write: 3, cas: 4, delete: 0, append: 1 },
    });
    expect(bad).toBeGreaterThan(500);
    expect(decided).toBeGreaterThan(3_500);
  });
});

describe('on histories of a run', () => {
  test('2,000 operations per key of 20 clients with 5 % unknown outcomes are linearizable, without a search', async () => {
    for (const mix of mixes) {
      const random = randomStream(1, 'workload', JSON.stringify(mix));
      const ops = generateHistory(
        random,
        options(random, { operations: 10_000, clients: 20, keys: 5, unknown: 0.05, mix }),
      );
      const result = await checkLinearizable(ops, { limitMs: 20_000 });
      expect(result).toMatchObject({ verdict: 'linearizable', violations: [] });
      expect(result.keys.map((key) => key.operations).reduce((a, b) => a + b)).toBe(10_000);
    }
  });

  test('a stale read among 5,000 operations of one key is found and named, with what contradicts it', async () => {
    const random = randomStream(2, 'workload', 'stale');
    const ops = generateHistory(
      random,
      options(random, { operations: 5_000, clients: 20, unknown: 0.05, mix: mixes[0]! }),
    );
    const reads = ops.filter((op) => op.f === 'read' && op.outcome === 'ok' && op.output !== null);
    const old = reads[Math.floor(reads.length / 3)]!;
    const victim = reads[Math.floor((2 * reads.length) / 3)]!;
    const result = await checkLinearizable(
      ops.map((op) => (op === victim ? { ...op, output: old.output! } : op)),
      { limitMs: 20_000 },
    );
    expect(result.verdict).toBe('violation');
    expect(result.violations).toHaveLength(1);
    expect(result.violations[0]).toMatchObject({
      anomaly: 'stale read',
      key: 'k0',
      property: 'linearizability',
    });
    expect(result.violations[0]!.opIds).toContain(victim.id);
    expect(result.violations[0]!.prose).toContain(`read#${victim.id}`);
    expect(result.tookMs).toBeLessThan(5_000);
  });
});

describe('the checker never gives a wrong ok', () => {
  const write: Op = {
    id: 0,
    process: 0,
    key: 'k',
    f: 'write',
    input: 'a',
    call: 0,
    return: 1,
    outcome: 'ok',
    node: 'n1',
    attempts: 1,
  };

  test('a history that no recorder can write is unknown', async () => {
    const result = await checkLinearizable([{ ...write, call: 2 }], { limitMs: 30_000 });
    expect(result.verdict).toBe('unknown');
    expect(result.detail).toContain('before it began');
  });

  test('a key after one that failed is still judged', async () => {
    const other = { ...write, key: 'l' };
    const result = await checkLinearizable(
      [{ ...write, call: 2 }, other, { ...other, id: 1, call: 3, return: 4, input: 'b' }],
      { limitMs: 30_000 },
    );
    expect(result.keys.map((key) => key.verdict)).toEqual(['unknown', 'linearizable']);
    expect(result.verdict).toBe('unknown');
  });

  test('a cancelled check is unknown, and ends at once', async () => {
    const controller = new AbortController();
    controller.abort(new Error('stop'));
    const before = await checkLinearizable([write], { limitMs: 30_000, signal: controller.signal });
    expect(before.verdict).toBe('unknown');

    const during = new AbortController();
    const check = checkLinearizable(hardHistory(), { limitMs: 60_000, signal: during.signal });
    during.abort(new Error('stop'));
    const result = await check;
    expect(result.verdict).toBe('unknown');
    expect(result.detail).toContain('cancelled');
  });

  test('a search that exceeds its time or memory reports its progress and the obstacle', () => {
    const timed = checkKey({ ops: hardHistory() }, { limitMs: 50, memoryBytes: MEMORY_BYTES });
    expect([timed.verdict, timed.detail]).toEqual([
      'unknown',
      expect.stringMatching(
        /^the time limit was reached after \d+ of 42 operations could be ordered, at \w+#\d+ \(n1\): .* configurations/,
      ),
    ]);
    const sized = checkKey({ ops: hardHistory() }, { limitMs: 30_000, memoryBytes: 1_048_576 });
    expect([sized.verdict, sized.detail]).toEqual([
      'unknown',
      expect.stringContaining('the memory limit was reached after'),
    ]);
  });

  test('a search in a thread stays within its time and memory', async () => {
    const timed = await checkLinearizable(hardHistory(), { limitMs: 1_500 });
    expect([timed.verdict, timed.detail]).toEqual([
      'unknown',
      expect.stringContaining('the time limit was reached'),
    ]);
    const sized = await checkLinearizable(hardHistory(), { limitMs: 30_000, memoryMb: 1 });
    expect([sized.verdict, sized.detail]).toEqual([
      'unknown',
      expect.stringContaining('the memory limit was reached after'),
    ]);
  });

  test('an empty history is linearizable', async () => {
    expect(await checkLinearizable([], { limitMs: 30_000 })).toMatchObject({
      verdict: 'linearizable',
      keys: [],
    });
  });
});

/**
 * Forty concurrent appends of a few tokens after a write, and a read that seems to show only some of them, although all
 * had ended. Only a search can decide it.
 */
function hardHistory(): Op[] {
  const base = { process: 0, key: 'k', node: 'n1', attempts: 1, outcome: 'ok' as const };
  const token = (id: number): string => `${id % 2}`.repeat(1 + (id % 7));
  const appends = Array.from({ length: 40 }, (_, id) => ({
    ...base,
    id,
    f: 'append' as const,
    input: token(id),
    call: 2,
    return: 10,
  }));
  const written: Op = { ...base, id: 40, f: 'write', input: '2', call: 0, return: 1 };
  return [
    written,
    ...appends,
    { ...base, id: 41, f: 'read', input: null, output: `2${'0'.repeat(60)}`, call: 11, return: 12 },
  ];
}
