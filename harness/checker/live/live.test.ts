import { describe, expect, test } from 'vitest';
import type { Op } from '../../history/op.ts';
import { changed, coarse, smallHistory } from '../../../tools/oracle/small-histories.ts';
import { type Random, randomStream } from '../../random.ts';
import { generateHistory, type GeneratorOptions } from '../testing/generate.ts';
import { toParts } from '../parts.ts';
import { checkKey } from '../key.ts';
import { decideUnambiguous } from '../decide/unambiguous.ts';
import { LiveChecker } from './live-checker.ts';

const LIMITS = { limitMs: 10_000, memoryBytes: 256 * 1_048_576 };
const MIXES = [
  { read: 4, write: 3, cas: 2, delete: 1, append: 0 },
  { read: 4, write: 0, cas: 0, delete: 0, append: 4 },
  { read: 4, write: 1, cas: 2, delete: 1, append: 3 },
  { read: 3, write: 0, cas: 5, delete: 0, append: 0 },
  { read: 2, write: 1, cas: 0, delete: 0, append: 6 },
];

const options = (random: Random, change: Partial<GeneratorOptions>): GeneratorOptions => ({
  operations: random.int(4, 40),
  clients: random.int(2, 6),
  keys: 1,
  mix: random.pick(MIXES),
  unknown: random.pick([0, 0.05, 0.3]),
  failed: random.pick([0, 0.1]),
  opaque: 0,
  uniqueValues: true,
  ...change,
});

/** Changes the outcome of some operations: an operation that took effect reports a failure. */
const deny = (ops: readonly Op[], random: Random): Op[] =>
  ops.map((op) =>
    op.f !== 'read' && op.outcome === 'ok' && random.float() < 0.03
      ? { ...op, outcome: 'fail', error: 'busy' }
      : op,
  );

interface Moment {
  readonly t: number;
  readonly ends: boolean;
  readonly op: Op;
}

/** Beginnings and ends in order of time; at equal times, beginnings first. */
function moments(ops: readonly Op[]): Moment[] {
  const all = ops.flatMap((op): Moment[] => [
    { t: op.call, ends: false, op },
    { t: op.outcome === 'info' ? (op.gaveUp ?? op.call) : op.return, ends: true, op },
  ]);
  return all.sort((a, b) => a.t - b.t || Number(a.ends) - Number(b.ends) || a.op.id - b.op.id);
}

/** The operations as known at a moment when some have begun and some have ended. */
const prefix = (begun: readonly Op[], ended: ReadonlySet<number>): Op[] =>
  begun.map((op) => {
    if (ended.has(op.id)) return op;
    const { output: _output, error: _error, ...rest } = op;
    return { ...rest, outcome: 'info', return: Infinity };
  });

interface Seen {
  prefixes: number;
  violations: number;
  undecided: number;
}

/** Plays a history of one key and compares the live verdict after every response with the batch one. */
function play(ops: readonly Op[], name: string, seen: Seen, forgetAfter?: number): void {
  const live = new LiveChecker(forgetAfter === undefined ? {} : { forgetAfter });
  const begun: Op[] = [];
  const ended = new Set<number>();
  for (const { ends, op } of moments(ops)) {
    if (!ends) {
      begun.push(op);
      live.invoke(op);
      continue;
    }
    ended.add(op.id);
    const found = live.complete(op);
    const known = prefix(begun, ended);
    const [part] = toParts(known);
    const batch = part === undefined ? 'linearizable' : decideUnambiguous(part.columns).verdict;
    seen.prefixes++;
    const verdict = live.counts.undecided > 0 ? 'ambiguous' : found === null ? 'linearizable' : 'violation';
    if (verdict === 'ambiguous') {
      seen.undecided++;
      return;
    }
    // If the final checker must search (because of a failed CAS that does not say what it found), the live one may miss
    // a violation, but must not report a false one.
    const expected =
      batch !== 'ambiguous' ? batch : found === null ? verdict : checkKey({ ops: known }, LIMITS).verdict;
    if (verdict !== expected)
      throw new Error(
        `${name}, after #${op.id}: live ${verdict}, batch ${expected}: ${JSON.stringify(found)} ${JSON.stringify(known)}`,
      );
    if (found === null) continue;
    seen.violations++;
    expect(found.prose).not.toMatch(/undefined|NaN|Infinity|object/);
    expect(found.opIds).toContain(op.id);
    return;
  }
}

function compare(count: number, stream: string, change: Partial<GeneratorOptions> = {}): Seen {
  const seen: Seen = { prefixes: 0, violations: 0, undecided: 0 };
  for (let i = 0; i < count; i++) {
    const random = randomStream(i, 'workload', stream);
    let ops: readonly Op[] = generateHistory(random, options(random, change));
    if (random.float() < 0.3) ops = coarse(ops);
    if (random.float() < 0.2) ops = deny(ops, random);
    if (random.float() < 0.6) ops = changed(ops, random);
    play(ops, `history ${i} of ${stream}`, seen, random.pick([undefined, 1, 3]));
  }
  return seen;
}

/** Set `LIVE_HISTORIES=100000` to check more than the part that runs every time. */
const FULL = Number(process.env['LIVE_HISTORIES'] ?? 0);
const told = (seen: Seen): Seen => {
  if (FULL > 0) console.log(seen);
  return seen;
};

describe('after every response the live verdict is that of the batch checker on what is known so far', () => {
  test('histories with unique values, of which half are not linearizable', { timeout: 600_000 }, () => {
    const seen = told(compare(FULL || 4_000, 'live'));
    expect(seen.prefixes).toBeGreaterThan(40_000);
    expect(seen.violations).toBeGreaterThan(1_000);
    expect(seen.undecided).toBeLessThan(seen.prefixes / 20);
  });

  test('longer histories, with many clients and few wrong answers', { timeout: 600_000 }, () => {
    const seen: Seen = { prefixes: 0, violations: 0, undecided: 0 };
    for (let i = 0; i < (FULL >> 6 || 40); i++) {
      const random = randomStream(i, 'workload', 'live-long');
      const change = { operations: 250, clients: random.int(2, 20), unknown: random.pick([0, 0.02]) };
      const ops = generateHistory(random, options(random, change));
      play(random.float() < 0.7 ? changed(ops, random) : ops, `${i}`, seen, random.pick([undefined, 1, 8]));
    }
    told(seen);
    expect(seen.prefixes).toBeGreaterThan(5_000);
    expect(seen.violations).toBeGreaterThan(10);
  });

  test('the oracle’s small histories, with repeated values and CAS that do not say what they found', () => {
    const seen: Seen = { prefixes: 0, violations: 0, undecided: 0 };
    for (let i = 0; i < (FULL || 3_000); i++) {
      const { ops, kind } = smallHistory(1, i);
      for (const key of new Set(ops.map((op) => op.key)))
        play(ops.filter((op) => op.key === key), `${i}: ${kind}`, seen, 1 + (i % 3)); // prettier-ignore
    }
    told(seen);
    expect(seen.undecided).toBeGreaterThan(500);
    expect(seen.violations).toBeGreaterThan(500);
  });
});

/** `[f, input, call, return]`, or `[f, input, call, return, output]`. */
type Row = readonly [Op['f'], Op['input'], number, number, Op['output']?];

const history = (rows: readonly Row[]): Op[] =>
  rows.map(([f, input, call, end, output], id) => ({
    id, process: id, key: 'k', f, input, call, return: end, node: 'n1', attempts: 1,
    outcome: end === Infinity ? 'info' : 'ok',
    ...(output === undefined ? {} : { output }),
  })); // prettier-ignore

describe('cases that are rare in random histories', () => {
  test.each<{ readonly name: string; readonly rows: readonly Row[]; readonly legal?: true }>([
    {
      name: 'an append that had ended and the write before it are first shown together',
      rows: [
        ['write', 'a;', 0, Infinity],
        ['append', 'p;', 1, 2],
        ['read', null, 3, 4, 'a;p;'],
        ['read', null, 5, 6, 'a;p;'],
      ],
      legal: true,
    },
    {
      name: 'an append that is shown later than the write before it had ended before the write that replaced both',
      rows: [
        ['write', 'a;', 0, Infinity],
        ['append', 'p;', 1, 2],
        ['write', 'b;', 3, 4],
        ['read', null, 5, 6, 'a;p;'],
      ],
    },
    {
      name: 'a read shows a value, but began after the end of an append to another value, which is shown later',
      rows: [
        ['write', 'x;', 0, 0.1],
        ['write', 'a;', 0.2, Infinity],
        ['append', 'p;', 1, 2],
        ['read', null, 2.5, 9, 'x;'],
        ['read', null, 3, 4, 'a;p;'],
      ],
    },
    {
      name: 'an append that is shown late counts from its end',
      rows: [
        ['write', 'a;', 0, Infinity],
        ['append', 't;', 0.1, Infinity],
        ['append', 'u;', 0.2, Infinity],
        ['append', 'p;', 2, 5],
        ['read', null, 0.3, 3, 'a;t;'],
        ['read', null, 0.4, 10, 'a;t;u;'],
        ['read', null, 7, 14, 'a;t;u;'],
        ['read', null, 11, 12, 'a;t;u;p;'],
      ],
    },
  ])('$name', ({ rows, legal }) => {
    const seen: Seen = { prefixes: 0, violations: 0, undecided: 0 };
    for (const forgetAfter of [undefined, 1]) play(history(rows), 'history', seen, forgetAfter);
    expect(seen.violations).toBe(legal === true ? 0 : 2);
  });
});

describe('its memory does not grow with the history', () => {
  test.each(MIXES)('mix %o', (mix) => {
    const random = randomStream(1, 'workload', 'live-size');
    const ops = generateHistory(random, {
      // Every read of an append key contains everything that was appended to it.
      operations: mix.append > mix.write ? 4_000 : 30_000,
      clients: 20, keys: 1, mix, unknown: 0, failed: 0.01, opaque: 0, uniqueValues: true,
    }); // prettier-ignore
    const live = new LiveChecker();
    let most = 0;
    for (const [i, { ends, op }] of moments(ops).entries()) {
      if (!ends) live.invoke(op);
      else if (live.complete(op) !== null) throw new Error(`false alarm at #${op.id}`);
      if (i % 16 === 0) most = Math.max(most, live.size);
    }
    expect(most).toBeLessThan(400);
  });
});
