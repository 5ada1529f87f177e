import { generateHistory, type GeneratorOptions } from '../../harness/checker/testing/generate.ts';
import type { Op, OpFunction, RegisterValue } from '../../harness/history/op.ts';
import { type Random, randomStream } from '../../harness/random.ts';

export interface SmallHistory {
  /** Properties of the history that decide which algorithms the checker uses. */
  readonly kind: string;
  readonly ops: readonly Op[];
  /** True if correct registers made it and it was not changed, so that it is certainly linearizable. */
  readonly isValid: boolean;
}

const MIN_OPERATIONS = 4;
const MAX_OPERATIONS = 16;
/** Maximum number of appends. Each order of them is a separate state, so an oracle's time grows with the factorial. */
const MAX_APPENDS = 6;

const MIXES: Readonly<Record<string, GeneratorOptions['mix']>> = {
  register: { read: 4, write: 3, cas: 3, delete: 1, append: 0 },
  /** Most CAS fail here. If they do not report the value they found, writes with unknown outcome may explain them. */
  'many cas': { read: 2, write: 4, cas: 6, delete: 0, append: 0 },
  appends: { read: 4, write: 0, cas: 0, delete: 0, append: 4 },
  both: { read: 4, write: 1, cas: 2, delete: 1, append: 3 },
};

/**
 * Returns the history of this number in the series of this seed. It is one of correct registers, either unchanged or
 * with a few changes, or a random one.
 */
export function smallHistory(seed: number, number: number): SmallHistory {
  const random = randomStream(seed, 'workload', `small/${number}`);
  const uniqueValues = random.float() < 0.6;
  const opaque = random.pick([0, 0, 0.5, 1]);
  const mix = random.pick(Object.keys(MIXES));
  const keys = random.pick([1, 1, 1, 3]);
  const options: GeneratorOptions = {
    operations: random.int(MIN_OPERATIONS, MAX_OPERATIONS),
    clients: random.int(2, 6),
    keys,
    mix: MIXES[mix]!,
    unknown: random.pick([0, 0.1, 0.4]),
    failed: random.pick([0, 0.1]),
    opaque,
    uniqueValues,
  };
  const kind = `${uniqueValues ? 'distinct' : 'ambiguous'}, ${opaque === 0 ? 'observed' : 'opaque'} cas, ${mix}, ${keys === 1 ? 'one key' : 'several keys'}`;
  let recorded = generateHistory(random, options);
  while (recorded.filter(({ f }) => f === 'append').length > MAX_APPENDS)
    recorded = generateHistory(random, options);
  const timed = random.float() < 0.5 ? recorded : coarse(recorded);
  const way = random.float();
  if (way < 0.25) return { kind, ops: timed, isValid: true };
  const plain = way < 0.75 ? changed(timed, random) : byChance(timed, random, options);
  const ops = random.float() < 0.4 ? withNothingDeleted(plain) : plain;
  return { kind, ops: opaque > 0 && random.float() < 0.5 ? pressed(ops, random) : ops, isValid: false };
}

/** Lets deletes leave nothing instead of a tombstone, and everything else that leaves or shows the same value, too. */
function withNothingDeleted(ops: readonly Op[]): readonly Op[] {
  const tombstones = new Set(
    ops.flatMap(({ f, input }) => (f === 'delete' && typeof input === 'string' ? [input] : [])),
  );
  const withNothing = (value: RegisterValue): RegisterValue => {
    if (value === null || tombstones.has(value)) return null;
    const base = [...tombstones].find((tombstone) => tombstone !== '' && value.startsWith(tombstone));
    return base === undefined ? value : value.slice(base.length);
  };
  return ops.map((op) => ({
    ...op,
    input:
      op.f === 'append'
        ? op.input
        : Array.isArray(op.input)
          ? (op.input.map(withNothing) as unknown as Op['input'])
          : withNothing(op.input as RegisterValue),
    ...(op.output === undefined ? {} : { output: withNothing(op.output) }),
  }));
}

/** Makes failed CAS with an unknown found value expect a value that some operation wrote, so that they are harder. */
function pressed(ops: readonly Op[], random: Random): Op[] {
  return ops.map((op) => {
    if (op.f !== 'cas' || op.outcome !== 'fail' || op.output !== undefined) return op;
    const value = random.pick(valuesOf(ops.filter((other) => other.key === op.key && other.f !== 'read')));
    return { ...op, input: [value, (op.input as readonly [RegisterValue, string])[1]] };
  });
}

/** Rounds all times down, as a coarse clock would. This only makes more operations concurrent. */
export const coarse = (ops: readonly Op[]): Op[] =>
  ops.map((op) => ({ ...op, call: Math.floor(op.call), return: Math.floor(op.return) }));

/** Changes one to three answers, inputs, times or outcomes. */
export function changed(ops: readonly Op[], random: Random): Op[] {
  const result = [...ops];
  for (let changes = random.int(1, 3); changes > 0; changes--) {
    const at = random.int(0, result.length - 1);
    result[at] = random.pick(CHANGES)(result[at]!, result, random);
  }
  return result;
}

/** Returns all values that operations answered, wrote or expected, and null for "never written". */
function valuesOf(ops: readonly Op[]): RegisterValue[] {
  const values: RegisterValue[] = [null];
  for (const op of ops) {
    if (op.output !== undefined) values.push(op.output, op.output);
    if (typeof op.input === 'string') values.push(op.input);
    else if (op.input !== null) values.push(...op.input);
  }
  return values;
}

function withAnswer(op: Op, ops: readonly Op[], random: Random): Op {
  const ofKey = ops.filter((other) => other.key === op.key);
  const value = random.pick(valuesOf(ofKey));
  if (op.output !== undefined)
    return { ...op, output: random.float() < 0.2 ? glued(value, ofKey, random) : value };
  if (op.f === 'cas') return { ...op, input: [value, (op.input as readonly [RegisterValue, string])[1]] };
  return op;
}

/** Returns a value followed by an appended token, which a read may have missed or seen too early. */
function glued(value: RegisterValue, ops: readonly Op[], random: Random): RegisterValue {
  const tokens = ops.filter((op) => op.f === 'append');
  return tokens.length === 0 ? value : (value ?? '') + (random.pick(tokens).input as string);
}

/** Gives an operation the input of another one, or an empty one, so that values are no longer distinct. */
function withInput(op: Op, ops: readonly Op[], random: Random): Op {
  const other = random.pick(ops).input;
  const value = random.float() < 0.3 || other === null ? '' : typeof other === 'string' ? other : other[1];
  if (op.f === 'read') return op;
  return {
    ...op,
    input: op.f === 'cas' ? [(op.input as readonly [RegisterValue, string])[0], value] : value,
  };
}

function withTimes(op: Op, ops: readonly Op[], random: Random): Op {
  const other = random.pick(ops);
  const length = op.outcome === 'info' ? Infinity : op.return - op.call;
  return { ...op, call: other.call, return: other.call + length };
}

function withOutcome(op: Op, _ops: readonly Op[], random: Random): Op {
  if (op.outcome === 'info') return answered(op, random);
  const { output: _, ...rest } = op;
  return { ...rest, outcome: 'info', return: Infinity, error: 'timeout', gaveUp: op.return };
}

/** Changes to draw from. Changed answers are the most frequent, because they keep the history plausible. */
const CHANGES = [
  withAnswer,
  withAnswer,
  withAnswer,
  withAnswer,
  withTimes,
  withTimes,
  withOutcome,
  withInput,
];

/** Turns an operation with unknown outcome into one that succeeded. */
function answered(op: Op, random: Random): Op {
  const { error: _, gaveUp, ...rest } = op;
  const output = op.f === 'read' ? { output: null } : {};
  return {
    ...rest,
    ...output,
    outcome: 'ok',
    return: Math.max(op.call, gaveUp ?? op.call + random.float() * 4),
  };
}

/** Returns the same operations with random times, answers and outcomes. */
function byChance(ops: readonly Op[], random: Random, { unknown, opaque }: GeneratorOptions): Op[] {
  const span = random.int(3, 12);
  return ops.map((op) => {
    const call = random.int(0, span);
    const value = random.pick(valuesOf(ops.filter((other) => other.key === op.key)));
    const base = {
      id: op.id,
      process: op.process,
      key: op.key,
      f: op.f,
      input: op.input,
      call,
      node: op.node,
    };
    if (random.float() < unknown)
      return { ...base, return: Infinity, outcome: 'info', error: 'timeout', gaveUp: call + 1, attempts: 1 };
    const end = call + random.int(0, 4);
    return { ...base, return: end, attempts: 1, ...outcomeByChance(op.f, value, random, opaque) };
  });
}

function outcomeByChance(
  f: OpFunction,
  value: RegisterValue,
  random: Random,
  opaque: number,
): Pick<Op, 'outcome' | 'output' | 'error'> {
  if (f === 'read') return { outcome: 'ok', output: value };
  if (f !== 'cas' || random.float() < 0.5) return { outcome: 'ok' };
  const found = random.float() < opaque ? {} : { output: value };
  return { outcome: 'fail', error: 'cas-mismatch', ...found };
}
