import { perFunction } from '../../harness/history/op.ts';
import { gzipSync } from 'node:zlib';
import { generateHistory } from '../../harness/checker/testing/generate.ts';
import type { OpFunction } from '../../harness/history/op.ts';
import { type Random, randomStream } from '../../harness/random.ts';
import { expectedVerdict, type Knowledge } from './naive.ts';
import { naiveVerdict } from './naive-history.ts';
import { spelledHistory } from './spelled-history.ts';
import { MISMATCHES, randomNames, withLineEnds } from './spellings.ts';
import {
  type EdnStyle,
  type Event,
  eventsOf,
  PLAIN,
  type WriteOptions,
  type WrittenFormat,
  writeHistory,
} from '../../test/support/write-history.ts';

type Verdict = 'linearizable' | 'violation' | 'unknown' | 'error';

/** A damaged history file, and the verdicts that are right for it. */
export interface FuzzCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly allowed: readonly Verdict[];
}

/** Returns a case, which `seed` and `number` determine. */
export function fuzzCase(seed: number, number: number): FuzzCase {
  const random = randomStream(seed, 'workload', `fuzz/${number}`);
  if (random.float() < 0.25) return spelled(random);
  if (random.float() < 0.6) return damagedEvents(random);
  return random.float() < 0.95 ? damagedBytes(random) : enormous(random);
}

interface Kind {
  readonly format: WrittenFormat;
  readonly mix: Partial<Record<OpFunction, number>>;
  readonly style?: EdnStyle;
  readonly knowledge: Knowledge;
}

const REGISTER = { read: 4, write: 3, cas: 3 };
const edn = (style: Partial<EdnStyle>, mix: Kind['mix']): Kind => ({
  format: 'jepsen-edn',
  mix,
  style: { ...PLAIN, ...style },
  knowledge: { indexed: style.bare !== true, ids: false, found: false },
});
const KINDS: readonly Kind[] = [
  {
    format: 'chaos',
    mix: { ...REGISTER, delete: 1, append: 1 },
    knowledge: { indexed: true, ids: true, found: true },
  },
  edn({}, REGISTER),
  edn({ bare: true }, REGISTER),
  edn({ vector: true, tagged: true, namespaced: true }, REGISTER),
  edn({ bare: true, lists: true }, { read: 1, append: 1 }),
  { format: 'jepsen-log', mix: REGISTER, knowledge: { indexed: false, ids: false, found: false } },
  { format: 'json', mix: REGISTER, knowledge: { indexed: false, ids: false, found: false } },
  {
    format: 'porcupine-kv',
    mix: { read: 3, write: 1, append: 2 },
    knowledge: { indexed: false, ids: false, found: false },
  },
];

function history(random: Random, kind: Kind, operations: number): readonly Event[] {
  const ops = generateHistory(random, {
    operations,
    clients: random.int(1, 4),
    keys: random.int(1, 3),
    mix: { ...perFunction(0), ...kind.mix },
    unknown: random.pick([0, 0.1, 0.3]),
    failed: random.pick([0, 0.1]),
    uniqueValues: random.float() < 0.5,
    opaque: random.pick([0, 0.5]),
  });
  return eventsOf(ops);
}

const text = (events: readonly Event[], { format, style }: Kind, options: WriteOptions = {}): string =>
  writeHistory(events, format, style === undefined ? options : { ...options, style });

/** A small history whose events were dropped, doubled, moved or changed. The definition gives the right verdict. */
function damagedEvents(random: Random): FuzzCase {
  const kind = random.pick(KINDS);
  let events = history(random, kind, random.int(0, 8));
  const names: string[] = [];
  for (let i = random.int(0, 3); i > 0 && events.length > 0; i--) {
    // Most damage makes the file invalid. The last kind makes a violation, so it is drawn more often.
    const [name, damage] = random.float() < 0.3 ? EVENT_DAMAGES.at(-1)! : random.pick(EVENT_DAMAGES);
    names.push(name);
    events = damage([...events], random);
  }
  const processName = randomNames(random);
  const written = text(events, kind, { processName, mismatch: random.pick(MISMATCHES) });
  const isNamed = (process: number): boolean =>
    kind.format !== 'chaos' && !/^\d+$/.test(processName(process));
  return {
    name: `${kind.format}: events ${names.join(', ') || 'whole'}`,
    bytes: Buffer.from(withLineEnds(written, random)),
    allowed: [expectedVerdict(events, { ...kind.knowledge, isNamed })],
  };
}

/** Keys, values and processes in many spellings, whose identity decides the verdict. */
function spelled(random: Random): FuzzCase {
  const { format, text: written } = spelledHistory(random);
  const bytes = withLineEnds(written, random);
  return {
    name: `${format}: other spellings`,
    bytes: Buffer.from(bytes),
    allowed: [naiveVerdict(bytes, format)],
  };
}

type EventDamage = (events: Event[], random: Random) => readonly Event[];
const at = (events: readonly unknown[], random: Random): number => random.int(0, events.length - 1);
const EVENT_DAMAGES: readonly (readonly [string, EventDamage])[] = [
  ['cut off', (events, random) => events.slice(0, at(events, random))],
  ['cut off at the start', (events, random) => events.slice(at(events, random))],
  ['dropped', (events, random) => events.toSpliced(at(events, random), random.int(1, 3))],
  [
    'doubled',
    (events, random) => {
      const which = at(events, random);
      return events.toSpliced(random.float() < 0.5 ? which : at(events, random), 0, events[which]!);
    },
  ],
  [
    'swapped',
    (events, random) => {
      const [a, b] = [at(events, random), at(events, random)];
      return events.with(a, events[b]!).with(b, events[a]!);
    },
  ],
  [
    'moved to a neighbour',
    (events, random) => {
      const a = at(events, random);
      const b = Math.min(events.length - 1, a + 1);
      return events.with(a, events[b]!).with(b, events[a]!);
    },
  ],
  [
    'with another outcome',
    (events, random) => {
      const which = at(events, random);
      const event = events[which]!;
      if (event.type === 'invoke' || event.op.f === 'cas') return events;
      return events.with(which, { ...event, type: random.pick(['ok', 'fail', 'info'] as const) });
    },
  ],
  [
    'with another value read',
    (events, random) => {
      const reads = events.flatMap(({ op, type }, i) => (op.f === 'read' && type === 'ok' ? [i] : []));
      const values = events.flatMap(({ op }) => (typeof op.input === 'string' ? [op.input] : []));
      if (reads.length === 0 || values.length === 0) return events;
      const which = random.pick(reads);
      const event = events[which]!;
      return events.with(which, { ...event, op: { ...event.op, output: random.pick(values) } });
    },
  ],
];

/** A correct history with damaged bytes. If it was only cut off or converted, it must not become a violation. */
function damagedBytes(random: Random): FuzzCase {
  const kind = random.pick(KINDS);
  const whole = Buffer.from(text(history(random, kind, random.int(1, 40)), kind));
  const [name, damage, allowed] = random.pick(BYTE_DAMAGES);
  return { name: `${kind.format}: ${name}`, bytes: damage(whole, random), allowed };
}

const ANY: readonly Verdict[] = ['linearizable', 'violation', 'unknown', 'error'];
const NEVER_WRONG: readonly Verdict[] = ['linearizable', 'unknown', 'error'];
const place = (bytes: Uint8Array, random: Random): number => random.int(0, Math.max(0, bytes.length - 1));
const noise = (random: Random, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => random.int(0, 255)));
const lines = (bytes: Buffer): string[] => bytes.toString('utf8').split(/(?<=\n)/);
const SNIPPETS = [
  '[',
  ']',
  '{',
  '}',
  '"',
  '\\',
  ':',
  '#',
  '#_',
  '^',
  ';',
  'nil',
  '\n',
  '\0',
  ' 7',
  '\uFEFF',
  '{:process 0}',
  '9'.repeat(400),
  'é',
] as const;

type ByteDamage = (bytes: Buffer, random: Random) => Uint8Array;
const BYTE_DAMAGES: readonly (readonly [string, ByteDamage, readonly Verdict[]])[] = [
  ['bytes whole', (bytes) => bytes, NEVER_WRONG],
  ['bytes cut off', (bytes, random) => bytes.subarray(0, place(bytes, random)), NEVER_WRONG],
  ['gzipped', (bytes) => gzipSync(bytes), NEVER_WRONG],
  [
    'gzipped and cut off',
    (bytes, random) => {
      const zipped = gzipSync(bytes);
      return zipped.subarray(0, random.int(2, zipped.length - 1));
    },
    ['error'],
  ],
  ['empty', () => Buffer.alloc(0), ['unknown']],
  ['only noise', (_, random) => noise(random, random.int(1, 2_000)), ['error', 'unknown']],
  ['bytes cut off at the start', (bytes, random) => bytes.subarray(place(bytes, random)), ANY],
  [
    'bits flipped',
    (bytes, random) => {
      const damaged = Buffer.from(bytes);
      for (let i = random.int(1, 4); i > 0; i--) damaged[place(bytes, random)]! ^= 1 << random.int(0, 7);
      return damaged;
    },
    ANY,
  ],
  [
    'with bytes inserted',
    (bytes, random) => {
      const where = place(bytes, random);
      const put = random.float() < 0.3 ? noise(random, 8) : Buffer.from(random.pick(SNIPPETS));
      return Buffer.concat([bytes.subarray(0, where), put, bytes.subarray(where)]);
    },
    ANY,
  ],
  [
    'with bytes removed',
    (bytes, random) => {
      const where = place(bytes, random);
      return Buffer.concat([bytes.subarray(0, where), bytes.subarray(where + random.int(1, 20))]);
    },
    ANY,
  ],
  ['twice', (bytes) => Buffer.concat([bytes, bytes]), ANY],
  [
    'lines shuffled',
    (bytes, random) => {
      const shuffled = lines(bytes).map((line) => [random.float(), line] as const);
      return Buffer.from(
        shuffled
          .sort(([a], [b]) => a - b)
          .map(([, line]) => line)
          .join(''),
      );
    },
    ANY,
  ],
  [
    'with DOS line ends',
    (bytes) => Buffer.from(bytes.toString('utf8').replaceAll('\n', '\r\n')),
    NEVER_WRONG,
  ],
  ['with a byte order mark', (bytes) => Buffer.concat([Buffer.from('\uFEFF'), bytes]), NEVER_WRONG],
  ['in UTF-16', (bytes) => Buffer.from(`\uFEFF${bytes.toString('utf8')}`, 'utf16le'), ['error']],
  ['with a zero byte at the end', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]), ['error']],
];

/** Enormous inputs: long files, lines, values, keys and deep nesting. */
function enormous(random: Random): FuzzCase {
  const kind = random.pick(KINDS);
  const [name, make, allowed] = random.pick<readonly [string, () => string, readonly Verdict[]]>([
    // Each read shows all earlier appends, so such a file grows with the square of its number of lines.
    [
      'many lines',
      () => text(history(random, kind, kind.mix.append === undefined ? 20_000 : 2_000), kind),
      NEVER_WRONG,
    ],
    [
      'one line',
      () =>
        text(history(random, { ...kind, mix: REGISTER }, 10_000), edn({ vector: true }, {})).replaceAll(
          '\n',
          ' ',
        ),
      NEVER_WRONG,
    ],
    ['a long value', () => text(longValue('value', 2_000_000), kind), NEVER_WRONG],
    ['a long key', () => text(longValue('key', 2_000_000), kind), NEVER_WRONG],
    [
      'deep nesting',
      () => `{:process ${random.pick(['[', '{', '(', '#{', '#_', '#a ', '^']).repeat(500_000)}`,
      ['error'],
    ],
    ['spaces', () => ' '.repeat(3_000_000), ['unknown']],
    ['newlines', () => '\n'.repeat(1_000_000), ['unknown']],
    ['one long string', () => `{:process "${'x'.repeat(3_000_000)}`, ['error']],
    ['very many mistakes', () => '{:process 0, :type :oops}\n'.repeat(50_000), ['error']],
  ]);
  return { name: `${kind.format}: ${name}`, bytes: Buffer.from(make()), allowed };
}

function longValue(field: 'value' | 'key', length: number): readonly Event[] {
  const long = `${'x'.repeat(length)};`;
  const key = field === 'key' ? long : 'k';
  const value = field === 'value' ? long : 'v';
  const base = { process: 0, key, node: 'n1', attempts: 1, outcome: 'ok' as const };
  return eventsOf([
    { ...base, id: 0, f: 'append', input: value, call: 0, return: 1 },
    { ...base, id: 1, f: 'read', input: null, output: value, call: 2, return: 3 },
  ]);
}
