import { generateHistory } from '../../harness/checker/testing/generate.ts';
import type { RegisterValue } from '../../harness/history/op.ts';
import type { Random } from '../../harness/random.ts';
import { type Event, eventsOf } from '../../test/support/write-history.ts';
import { MISMATCHES } from './spellings.ts';

/** Ways to write one value each; values of different lines are not equal, but look alike. */
const VALUES: readonly (readonly string[])[] = [
  ['0', '-0', '+0', '0N', '0/7'],
  ['0.0', '-0.0', '0e3', '0.'],
  ['0M', '0.00M', '-0M', '0E5M'],
  ['1', '+1', '1N', '7/7'],
  ['1.0', '1.', '10e-1', '1.000'],
  ['1.0M', '1M', '1.00M', '0.1E1M'],
  ['"1"', '"\\u0031"'],
  [':1'],
  ['\\1', '\\u0031'],
  ['1/2', '2/4', '+3/6'],
  ['0.5', '5e-1', '0.50'],
  ['"a"', '"\\u0061"'],
  [':a'],
  ['a'],
  ['\\a', '\\u0061'],
  [':n/a'],
  ['[1 2]', '(1 2)', '[1N, +2]', '(1 #_ 7 2)', '^{:m 1} [1 2]'],
  ['[2 1]', '(2 1)'],
  ['#{1 2}', '#{2 1}', '#{2N 1}'],
  ['{:a 1, :b (2)}', '{:b [2] :a 1}', '{:b [2N], :a +1}'],
  ['{:n/a 1}', '#:n{:a 1}'],
  ['{:a 1}'],
  ['[]', '()'],
  ['{}'],
  ['#{}'],
  [
    '#inst "2024-02-29T10:00:00Z"',
    '#inst "2024-02-29T10:00:00.000-00:00"',
    '#inst "2024-02-29T12:30:00+02:30"',
  ],
  ['#inst "2024-02-29T10:00:00.001Z"', '#inst "2024-02-29T10:00:00.0010-00:00"'],
  ['"2024-02-29T10:00:00Z"'],
  ['#uuid "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"', '#uuid "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"'],
  ['#my/tag (1)', '#my/tag [1]', '#my/tag[+1]'],
  ['true'],
  ['"true"'],
  ['12345678901234567890', '12345678901234567890N'],
  ['12345678901234567891'],
];
/** Ways to write one process each. */
const PROCESSES: readonly (readonly string[])[] = [
  ['1', '1N', '+1'],
  ['"1"', '"\\u0031"'],
  [':1'],
  ['\\1', '\\u0031'],
  ['a'],
  [':a'],
  ['"a"', '"\\u0061"'],
  ['#uuid "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"', '#uuid "F81D4FAE-7dec-11d0-a765-00a0c91e6bf6"'],
];

export interface SpelledHistory {
  readonly format: 'jepsen-edn' | 'jepsen-log';
  readonly text: string;
}

/**
 * A small history of registers whose keys, values and processes are written in ways that look different and are equal,
 * or look alike and are not. A few answers are exchanged. Some values are nil, which deletes leave.
 */
export function spelledHistory(random: Random): SpelledHistory {
  const ops = generateHistory(random, {
    operations: random.int(1, 10),
    clients: random.int(1, 4),
    keys: random.int(1, 3),
    mix: { read: 5, write: 3, cas: 2, delete: 1, append: 0 },
    unknown: random.pick([0, 0.2]),
    failed: random.pick([0, 0.2]),
    uniqueValues: false,
    opaque: 1,
  });
  const format = random.pick(['jepsen-edn', 'jepsen-log'] as const);
  const speller = new Speller(random, format);
  const events = eventsOf(ops).map((event) => {
    const isRead = event.op.f === 'read' && event.type === 'ok';
    if (!isRead || random.float() > 0.15) return event;
    return { ...event, op: { ...event.op, output: String(random.int(0, 2)) } };
  });
  const told = events.flatMap((event) => [...speller.nemesis(), speller.event(event)]);
  if (format === 'jepsen-log') return { format, text: told.map((line) => `${line}\n`).join('') };
  const text = told.join(random.pick(['\n', '\n\n', '\n; and then\n', ' ']));
  const [opening, closing] = random.pick([
    ['', ''],
    ['', ''],
    ['[', ']'],
    ['(', ')'],
  ] as const);
  return { format, text: `${opening}${text}${closing}\n` };
}

class Speller {
  readonly #random: Random;
  readonly #format: SpelledHistory['format'];
  /** Ways to write each value and key of the generated history. */
  readonly #values: ReadonlyMap<RegisterValue, readonly string[]>;
  readonly #keys: readonly (readonly string[])[];
  readonly #processes: readonly (readonly string[])[];
  readonly #mismatch: string;
  readonly #wraps: boolean;

  constructor(random: Random, format: SpelledHistory['format']) {
    this.#random = random;
    this.#format = format;
    const near = random.int(0, VALUES.length - 1);
    const draw = (): readonly string[] =>
      random.float() < 0.6 ? VALUES[(near + random.int(0, 4)) % VALUES.length]! : random.pick(VALUES);
    const third = random.float() < 0.5 ? ['nil'] : draw();
    this.#values = new Map([
      [null, ['nil']],
      ['0', draw()],
      ['1', draw()],
      ['2', third],
    ]);
    this.#keys = [draw(), draw(), draw()];
    const first = random.int(0, PROCESSES.length - 1);
    this.#processes = [...PROCESSES.slice(first), ...PROCESSES.slice(0, first)];
    this.#mismatch = random.pick(MISMATCHES);
    this.#wraps = random.float() < 0.2;
  }

  /** Events of processes that are no clients. */
  nemesis(): readonly string[] {
    if (this.#random.float() > 0.1) return [];
    const name = this.#random.pick([':nemesis', '"nemesis"', 'monitor']);
    return [this.#fields([name, ':info', ':start', '[:n1 "all"]'])];
  }

  event({ op, type }: Event): string {
    const process = this.#processes[op.process];
    const name = process === undefined ? String(100 + op.process) : this.#random.pick(process);
    const isNilDelete = op.f === 'delete' && this.#values.get(op.input as string)![0] === 'nil';
    const f = op.f === 'delete' && !isNilDelete ? 'write' : op.f;
    const value =
      op.f === 'read'
        ? [type === 'ok' ? (op.output ?? null) : null]
        : Array.isArray(op.input)
          ? op.input
          : [op.input];
    const spelled = (value as readonly RegisterValue[]).map((each) => this.#value(each));
    const key = this.#random.pick(this.#keys[Number(op.key.slice(1))]!);
    const isFlat = spelled.length === 1 || this.#random.float() < 0.5;
    const inner = isFlat ? spelled.join(' ') : this.#sequence(spelled);
    const error = type === 'invoke' ? undefined : op.error === 'cas-mismatch' ? this.#mismatch : op.error;
    return this.#fields([
      name,
      `:${type}`,
      `:${f}`,
      this.#sequence([key, inner]),
      ...(error === undefined ? [] : [`:${error}`]),
    ]);
  }

  #value(value: RegisterValue): string {
    const text = this.#random.pick(this.#values.get(value)!);
    return this.#wraps && text !== 'nil' ? this.#sequence([text, 'x']) : text;
  }

  #sequence(items: readonly string[]): string {
    const text = items.join(this.#random.pick([' ', ', ', '  ']));
    return this.#random.float() < 0.7 ? `[${text}]` : `(${text})`;
  }

  #fields(columns: readonly string[]): string {
    if (this.#format === 'jepsen-log') return `INFO jepsen.util - ${columns.join('\t')}`;
    const names = ['process', 'type', 'f', 'value', 'error'];
    const fields = columns.map((column, i) => `:${names[i]!} ${column}`);
    const from = this.#random.int(0, fields.length - 1);
    return `{${[...fields.slice(from), ...fields.slice(0, from)].join(this.#random.pick([', ', ' ', ' ,']))}}`;
  }
}
