import { generateHistory, type GeneratorOptions } from '../../harness/checker/testing/generate.ts';
import type { Op, RegisterValue } from '../../harness/history/op.ts';
import { type Random, randomStream } from '../../harness/random.ts';

/** A history with one anomaly in it. */
export interface Injected {
  readonly ops: readonly Op[];
  /** Ids of the operations that were changed or added. The proof must contain one of them. */
  readonly victims: readonly number[];
}

export interface Injection {
  /** Name that the checker must give the anomaly. */
  readonly anomaly: string;
  readonly base: 'register' | 'appends';
  /** Returns null if the anomaly cannot be put into this history. */
  readonly inject: (ops: readonly Op[], random: Random) => Injected | null;
}

const COMMON = { keys: 1, unknown: 0.03, failed: 0.03, opaque: 0, uniqueValues: true } as const;
const BASES: Readonly<Record<Injection['base'], GeneratorOptions>> = {
  register: {
    ...COMMON,
    operations: 300,
    clients: 8,
    mix: { read: 5, write: 3, cas: 2, delete: 0.5, append: 0 },
  },
  appends: {
    ...COMMON,
    operations: 100,
    clients: 6,
    mix: { read: 5, write: 0, cas: 0, delete: 0, append: 4 },
  },
};
/** Size of half of the histories with appends, because Porcupine checks only certificates with few appends. */
const SHORT = { operations: 14, clients: 3 } as const;

/** Returns a history of correct registers, with concurrent clients, unknown outcomes and failures. */
export const validHistory = (base: Injection['base'], random: Random): Op[] =>
  generateHistory(random, {
    ...BASES[base],
    ...(base === 'appends' && random.float() < 0.5 ? SHORT : {}),
  });

/** Returns the history of this number with the anomaly, drawing again until one can take it. */
export function injected({ anomaly, base, inject }: Injection, seed: number, number: number): Injected {
  const random = randomStream(seed, 'workload', `${anomaly} ${base} ${number}`);
  for (;;) {
    const found = inject(validHistory(base, random), random);
    if (found !== null) return found;
  }
}

const isRead = (op: Op): boolean => op.f === 'read' && op.outcome === 'ok';
const isKnown =
  (f: Op['f']) =>
  (op: Op): boolean =>
    op.f === f && op.outcome === 'ok';
const precedes = (a: Op, b: Op): boolean => a.return < b.call;

function pickOne<T>(items: readonly T[], random: Random): T | null {
  return items.length === 0 ? null : random.pick(items);
}

/** Returns the history with another answer to one operation. */
const answering = (ops: readonly Op[], victim: Op, output: RegisterValue): Injected => ({
  ops: ops.map((op) => (op === victim ? { ...op, output } : op)),
  victims: [victim.id],
});

/** Returns the history with more operations, each by a client of its own. */
function joined(ops: readonly Op[], more: readonly Pick<Op, 'f' | 'input' | 'call' | 'return'>[]): Injected {
  const first = 1 + Math.max(...ops.map((op) => Math.max(op.id, op.process)));
  const put = more.map((op, i): Op => ({
    ...op,
    id: first + i,
    process: first + i,
    key: ops[0]!.key,
    outcome: 'ok',
    node: `n${1 + (i % 3)}`,
    attempts: 1,
  }));
  return { ops: [...ops, ...put].sort((a, b) => a.call - b.call), victims: put.map((op) => op.id) };
}

/** A read returns the value of an earlier read, although a read between them returned another value. */
function staleRead(ops: readonly Op[], random: Random): Injected | null {
  const reads = ops.filter(isRead);
  const victim = pickOne(reads, random);
  if (victim === null) return null;
  const between = reads.filter((read) => precedes(read, victim));
  const newer = pickOne(between, random);
  if (newer === null) return null;
  const old = pickOne(
    between.filter((read) => precedes(read, newer) && read.output !== newer.output),
    random,
  );
  if (old === null || old.output === victim.output) return null;
  return answering(ops, victim, old.output!);
}

/** A write or an append succeeded between two reads of one value, and no read ever shows it. */
function lostWrite(ops: readonly Op[], random: Random): Injected | null {
  const reads = ops.filter(isRead);
  const gaps = reads.flatMap((a) =>
    reads.filter((b) => a.output === b.output && precedes(a, b)).map((b) => [a.return, b.call] as const),
  );
  const gap = pickOne(gaps, random);
  if (gap === null) return null;
  const [from, to] = gap;
  const f = ops.some((op) => op.f === 'append') ? 'append' : 'write';
  const at = (share: number): number => from + share * (to - from);
  return joined(ops, [{ f, input: 'lost;', call: at(0.25), return: at(0.75) }]);
}

function valueFromNowhere(ops: readonly Op[], random: Random): Injected | null {
  const victim = pickOne(ops.filter(isRead), random);
  return victim === null ? null : answering(ops, victim, 'nobody;');
}

/** A read shows the effect of an operation whose answer was that it failed. */
function dirtyRead(ops: readonly Op[], random: Random): Injected | null {
  const failed = pickOne(
    ops.filter((op) => op.outcome === 'fail' && (op.f === 'write' || op.f === 'append')),
    random,
  );
  if (failed === null) return null;
  const victim = pickOne(
    ops.filter((op) => isRead(op) && failed.call < op.return),
    random,
  );
  if (victim === null) return null;
  const value =
    failed.f === 'append' ? `${victim.output ?? ''}${failed.input as string}` : (failed.input as string);
  return answering(ops, victim, value);
}

/** A second CAS succeeds from a value that another CAS had already replaced. */
function twoWinners(ops: readonly Op[], random: Random): Injected | null {
  const winner = pickOne(ops.filter(isKnown('cas')), random);
  if (winner === null) return null;
  const [from] = winner.input as readonly [RegisterValue, string];
  const call = winner.call + random.float() * 3;
  return joined(ops, [{ f: 'cas', input: [from, 'second;'], call, return: call + random.float() * 4 }]);
}

const tokensOf = (value: RegisterValue | undefined): string[] => value?.match(/[^;]*;/g) ?? [];

/** Two reads show two appends in opposite orders. */
function appendReorder(ops: readonly Op[], random: Random): Injected | null {
  const victim = pickOne(
    ops.filter((op) => isRead(op) && tokensOf(op.output).length >= 2),
    random,
  );
  if (victim === null) return null;
  const tokens = tokensOf(victim.output);
  const at = random.int(0, tokens.length - 2);
  const witnesses = ops.filter(
    (op) => isRead(op) && op !== victim && tokensOf(op.output).includes(tokens[at + 1]!),
  );
  if (witnesses.length === 0) return null;
  const swapped = [...tokens.slice(0, at), tokens[at + 1]!, tokens[at]!, ...tokens.slice(at + 2)];
  return answering(ops, victim, swapped.join(''));
}

function duplicateAppend(ops: readonly Op[], random: Random): Injected | null {
  const victim = pickOne(
    ops.filter((op) => isRead(op) && op.output !== null),
    random,
  );
  if (victim === null) return null;
  return answering(ops, victim, victim.output! + random.pick(tokensOf(victim.output)));
}

/** A read ended before the write of the value that it returned was invoked. */
function readFromTheFuture(ops: readonly Op[], random: Random): Injected | null {
  const write = pickOne(ops.filter(isKnown('write')), random);
  if (write === null) return null;
  const victim = pickOne(
    ops.filter((op) => isRead(op) && precedes(op, write)),
    random,
  );
  return victim === null ? null : answering(ops, victim, write.input as string);
}

/** A CAS is refused with the answer that it found the value it expected, or the value it would have written. */
const refusedFinding =
  (which: 0 | 1) =>
  (ops: readonly Op[], random: Random): Injected | null => {
    const victim = pickOne(
      ops.filter((op) => op.f === 'cas' && op.output !== undefined),
      random,
    );
    if (victim === null) return null;
    return answering(ops, victim, (victim.input as readonly [RegisterValue, string])[which]);
  };

/** Two CAS operations that each expect the value that the other writes. */
function casCycle(ops: readonly Op[], random: Random): Injected {
  const call = random.float() * 100;
  const times = { call, return: call + 5 };
  return joined(ops, [
    { f: 'cas', input: ['egg;', 'hen;'], ...times },
    { f: 'cas', input: ['hen;', 'egg;'], ...times },
  ]);
}

const COMMON_VALUE = 'common;';

/**
 * After a common beginning, two nodes serve separately: the clients of each side work on their own register.
 */
const splitBrain =
  (base: Injection['base']) =>
  (_: readonly Op[], random: Random): Injected | null => {
    const options: GeneratorOptions = { ...BASES[base], clients: 2, failed: 0 };
    const common = generateHistory(random, { ...options, operations: 10, unknown: 0 });
    const start = 50 + Math.max(...common.map((op) => op.call));
    const write: Op = {
      ...common[0]!,
      id: 900,
      process: 900,
      f: 'write',
      input: COMMON_VALUE,
      call: start - 2,
      return: start - 1,
      outcome: 'ok',
    };
    const mix = base === 'appends' ? options.mix : { read: 5, write: 3, cas: 0, delete: 0, append: 0 };
    const side = (name: string, firstId: number): Op[] =>
      generateHistory(random, { ...options, mix, operations: 60 }).map((op) => ({
        ...op,
        id: firstId + op.id,
        process: firstId + op.process,
        node: name,
        input: op.f === 'read' ? null : `${name}.${op.input as string}`,
        call: start + op.call,
        return: start + op.return,
        ...(op.output === undefined ? {} : { output: shownBy(name, op.output, base) }),
      }));
    const sides = [...side('n1', 1_000), ...side('n2', 2_000)].sort((a, b) => a.call - b.call);
    // Otherwise stale reads of one node would explain the history.
    if (base === 'register' && !(ignores(sides, 'n1', 'n2') && ignores(sides, 'n2', 'n1'))) return null;
    return { ops: [...common, write, ...sides], victims: sides.map((op) => op.id) };
  };

/**
 * True if `node` shows its own value again after a write of `other` was seen, although that value was seen before the
 * write began.
 */
function ignores(ops: readonly Op[], node: string, other: string): boolean {
  const sights = (write: Op): readonly Op[] => [
    write,
    ...ops.filter((op) => isRead(op) && op.output === write.input),
  ];
  const writesOf = (name: string): readonly Op[] => ops.filter((op) => op.node === name && op.f === 'write');
  return writesOf(node).some((older) =>
    writesOf(other).some(
      (newer) =>
        sights(older).some((sight) => precedes(sight, newer)) &&
        sights(older).some((again) => isRead(again) && sights(newer).some((sight) => precedes(sight, again))),
    ),
  );
}

function shownBy(name: string, output: RegisterValue, base: Injection['base']): RegisterValue {
  const own = tokensOf(output).map((token) => `${name}.${token}`);
  if (own.length === 0) return COMMON_VALUE;
  return base === 'appends' ? [COMMON_VALUE, ...own].join('') : own.join('');
}

export const INJECTIONS: readonly Injection[] = [
  { anomaly: 'stale read', base: 'register', inject: staleRead },
  { anomaly: 'stale read', base: 'appends', inject: staleRead },
  { anomaly: 'lost write', base: 'register', inject: lostWrite },
  { anomaly: 'lost write', base: 'appends', inject: lostWrite },
  { anomaly: 'value from nowhere', base: 'register', inject: valueFromNowhere },
  { anomaly: 'value from nowhere', base: 'appends', inject: valueFromNowhere },
  { anomaly: 'dirty read of a failed write', base: 'register', inject: dirtyRead },
  { anomaly: 'dirty read of a failed write', base: 'appends', inject: dirtyRead },
  { anomaly: 'two CAS winners', base: 'register', inject: twoWinners },
  { anomaly: 'append reorder', base: 'appends', inject: appendReorder },
  { anomaly: 'split brain', base: 'register', inject: splitBrain('register') },
  { anomaly: 'split brain', base: 'appends', inject: splitBrain('appends') },
  { anomaly: 'duplicate append', base: 'appends', inject: duplicateAppend },
  { anomaly: 'read from the future', base: 'register', inject: readFromTheFuture },
  { anomaly: 'cas refused its own value', base: 'register', inject: refusedFinding(0) },
  { anomaly: 'retry applied twice', base: 'register', inject: refusedFinding(1) },
  { anomaly: 'cas cycle', base: 'register', inject: casCycle },
];
