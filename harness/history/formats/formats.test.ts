import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EdnStyle, eventsOf, writeHistory } from '../../../test/support/write-history.ts';
import { generateHistory } from '../../checker/testing/generate.ts';
import { models } from '../../checker/models.ts';
import { randomStream } from '../../random.ts';
import { formatProblems, HistoryError } from '../history-error.ts';
import type { Op, OpFunction, RegisterValue } from '../op.ts';
import { type Edn, EdnError, EdnReader } from './edn.ts';
import { ednText } from './edn-text.ts';
import { importHistory } from './import.ts';
import { detectFormat, FORMAT_NAMES, formatNamed } from './registry.ts';

const history = (seed: number, mix: Partial<Record<OpFunction, number>>, unknown = 0.1): Op[] =>
  generateHistory(randomStream(seed, 'workload', 'formats'), {
    operations: 40,
    clients: 4,
    keys: 3,
    mix: { read: 3, write: 2, cas: 0, delete: 0, append: 0, ...mix },
    unknown,
    failed: unknown,
    uniqueValues: seed % 2 === 0,
    opaque: 0.3,
  });

/** The part of an operation that a foreign format can express, with values in the form of that format. */
const told = (ops: readonly Op[], text: (value: RegisterValue) => RegisterValue) =>
  ops.map(({ process, key, f, input, outcome, output }, order) => ({
    order,
    process,
    key,
    f,
    input: Array.isArray(input) ? input.map(text) : text(input as RegisterValue),
    outcome,
    ...(f === 'read' && outcome === 'ok' ? { output: text(output ?? null) } : {}),
  }));
const asRead = (ops: readonly Op[]) =>
  ops.map(({ id, process, key, f, input, outcome, output }) => ({
    order: id,
    process,
    key,
    f,
    input,
    outcome,
    ...(output === undefined ? {} : { output }),
  }));
/** For all pairs of events, which one came first: a verdict depends only on this. */
const precedence = (ops: readonly Op[]): string =>
  ops.map((a) => ops.map((b) => (a.return < b.call ? '1' : '0')).join('')).join('\n');

const edn = (value: RegisterValue): RegisterValue => (value === null ? null : JSON.stringify(value));
const seeds = fc.integer({ min: 0, max: 1e6 });
const styles: fc.Arbitrary<EdnStyle> = fc.record({
  vector: fc.boolean(),
  tagged: fc.boolean(),
  namespaced: fc.boolean(),
  bare: fc.boolean(),
  lists: fc.constant(false),
});

describe('what is written is what is read back, and recognised', () => {
  test('our own lines, field for field', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const ops = history(seed, { cas: 2, delete: 1, append: 1 });
        const text = writeHistory(eventsOf(ops), 'chaos');
        const read = importHistory(text, { file: 'h' });
        expect(read).toMatchObject({ format: 'chaos', clock: 'time', notes: [] });
        expect(told(read.ops, (value) => value)).toEqual(told(ops, (value) => value));
        expect(read.ops.map(({ node, error, attempts }) => ({ node, error, attempts }))).toEqual(
          ops.map(({ node, error, attempts }) => ({ node, error, attempts })),
        );
        expect(precedence(read.ops)).toBe(precedence(ops));
      }),
    );
  });

  test('Jepsen’s EDN, in every style', () => {
    fc.assert(
      fc.property(seeds, styles, (seed, style) => {
        const ops = history(seed, { cas: 2 });
        const read = importHistory(writeHistory(eventsOf(ops), 'jepsen-edn', { style }), { file: 'h' });
        expect(read).toMatchObject({
          format: 'jepsen-edn',
          clock: !style.bare ? 'time' : 'line',
          lists: false,
        });
        expect(asRead(read.ops)).toEqual(told(ops, edn));
        expect(precedence(read.ops)).toBe(precedence(ops));
      }),
    );
  });

  test('Jepsen’s log lines, with keys and without', () => {
    fc.assert(
      fc.property(seeds, fc.boolean(), (seed, keyed) => {
        const ops = history(seed, { cas: 2 }).map((op) => (keyed ? op : { ...op, key: 'register' }));
        const read = importHistory(writeHistory(eventsOf(ops), 'jepsen-log', { keyed }), { file: 'h' });
        expect(read).toMatchObject({ format: 'jepsen-log', clock: 'line' });
        expect(asRead(read.ops)).toEqual(told(ops, edn));
        expect(precedence(read.ops)).toBe(precedence(ops));
      }),
    );
  });

  test('Porcupine’s key-value lines', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const ops = history(seed, { append: 2 }, 0);
        const read = importHistory(writeHistory(eventsOf(ops), 'porcupine-kv'), { file: 'h' });
        expect(read).toMatchObject({ format: 'porcupine-kv', clock: 'line', initial: '' });
        // A key that was never written holds "" there.
        const asText = told(ops, (value) => value ?? '').map((op) =>
          op.f === 'read' ? { ...op, input: null } : op,
        );
        expect(asRead(read.ops)).toEqual(asText);
        expect(precedence(read.ops)).toBe(precedence(ops));
      }),
    );
  });
});

test.each(['chaos', 'jepsen-edn'] as const)(
  'each operation is told once while it is read, whole, with its place: %s',
  (format) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const heard: Op[] = [];
        let count = 0;
        const onOp = (op: Op, position: number): void => {
          // As it was at that moment: nothing may be added later.
          heard[position] = { ...op };
          count++;
        };
        const text = writeHistory(eventsOf(history(seed, { cas: 2 })), format);
        const { ops } = importHistory(text, { file: 'h', onOp });
        expect(heard).toEqual(ops);
        expect(count).toBe(ops.length);
      }),
    );
  },
);

describe('Jepsen’s histories', () => {
  const map = (fields: string): string => `{:process 0, :type ${fields}}`;
  const ops = (text: string, model?: keyof typeof models): readonly Op[] =>
    importHistory(text, { file: 'h', model: model && models[model] }).ops;

  test('the nemesis is left out and told; an info stays open; a read that timed out is a failure', () => {
    const text = [
      '{:process :nemesis, :type :info, :f :start-partition, :value {:n1 #{"n2"}}, :time 1}',
      '{:process 0, :type :invoke, :f :write, :value 1, :time 2, :index 1}',
      '{:process 1, :type :invoke, :f :read, :value nil, :time 3, :index 2}',
      '#jepsen.history.Op{:process 0, :type :info, :f :write, :value 1, :time 4, :index 3, :error [:timeout "n1"]}',
      '{:process 1, :type :fail, :f :read, :value nil, :time 5, :index 4, :error :timed-out}',
    ].join('\n');
    const read = importHistory(text, { file: 'h' });
    expect(read.notes).toEqual(['1 event of the nemesis left out.']);
    expect(read.ops).toMatchObject([
      { f: 'write', input: '1', outcome: 'info', return: Infinity, error: '[:timeout "n1"]' },
      { f: 'read', outcome: 'fail', error: 'timed-out' },
    ]);
    expect(read.lines).toEqual({ calls: [2, 3], returns: [4, 5] });
  });

  test('a number is not the string of its digits, and nil is never written', () => {
    const text = [
      map(':invoke, :f :write, :value "1"'),
      map(':ok, :f :write, :value "1"'),
      map(':invoke, :f :read, :value nil'),
      map(':ok, :f :read, :value 1'),
      map(':invoke, :f :read'),
      map(':ok, :f :read, :value nil'),
    ].join('\n');
    expect(ops(text)).toMatchObject([{ input: '"1"' }, { output: '1' }, { output: null }]);
  });

  test('lists are read as the elements appended to them, also per key', () => {
    const text = [
      map(':invoke, :f :append, :value [7 1]'),
      map(':ok, :f :append, :value [7 1]'),
      map(':invoke, :f :append, :value [7 "a,"]'),
      map(':ok, :f :append, :value [7 "a,"]'),
      map(':invoke, :f :read, :value [7 nil]'),
      map(':ok, :f :read, :value [7 [1 "a,"]]'),
      map(':invoke, :f :read, :value [8 nil]'),
      map(':ok, :f :read, :value [8 []]'),
    ].join('\n');
    expect(importHistory(text, { file: 'h' }).lists).toBe(true);
    expect(ops(text)).toMatchObject([
      { key: '7', input: '1,' },
      { key: '7', input: '"a,",' },
      { key: '7', output: '1,"a,",' },
      { key: '8', output: null },
    ]);
  });

  test('text is appended to text where reads return text', () => {
    const text = [
      map(':invoke, :f :append, :value "a"'),
      map(':ok, :f :append, :value "a"'),
      map(':invoke, :f :read, :value nil'),
      map(':ok, :f :read, :value "a"'),
    ].join('\n');
    expect(ops(text)).toMatchObject([{ input: 'a' }, { output: 'a' }]);
  });

  test('what an ok says it wrote counts, as in Knossos', () => {
    const text = [map(':invoke, :f :write, :value 1'), map(':ok, :f :write, :value 2')].join('\n');
    expect(ops(text)).toMatchObject([{ input: '2' }]);
    const silent = [map(':invoke, :f :write, :value 1'), map(':ok, :f :write, :value nil')].join('\n');
    expect(ops(silent)).toMatchObject([{ input: '1' }]);
  });

  test('a log’s other lines are passed over, of whichever logger', () => {
    const text = [
      '2023-04-11 10:15:21,345{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:invoke\t:write\t3',
      '2023-04-11 10:15:21,346{GMT}\tINFO\t[jepsen node n1] jepsen.db: Tearing down DB',
      '2023-04-11 10:15:21,347{GMT}\tINFO\t[main] jepsen.util: Waiting for something',
      'INFO [2023-10-08 18:08:39,970] jepsen worker nemesis - jepsen.util :nemesis\t:info\t:pause\t{"a" #<Oops',
      'INFO  jepsen.util - 0\t:ok\t:write\t3',
    ].join('\n');
    expect(importHistory(`${text}\n`, { file: 'h' })).toMatchObject({
      format: 'jepsen-log',
      ops: [{ f: 'write', input: '3', outcome: 'ok' }],
      notes: [
        '1 event of the nemesis left out.',
        '1 line of jepsen.util is not an operation and was skipped.',
      ],
    });
  });

  test('history.txt: the columns alone; there every line counts', () => {
    const text = '0\t:invoke\t:cas\t[0 1]\n0\t:info\t:cas\t:timed-out\n';
    expect(importHistory(text, { file: 'h' }).ops).toMatchObject([
      { f: 'cas', input: ['0', '1'], outcome: 'info', error: 'timed-out' },
    ]);
    expect(() => importHistory(`${text}what is this\n`, { file: 'h' })).toThrow(
      'h:3:1: a line with too few columns',
    );
  });

  test('times that do not rise give way to the order of the lines', () => {
    const text = [map(':invoke, :f :read, :time 5'), map(':ok, :f :read, :value nil, :time 5')].join('\n');
    expect(importHistory(text, { file: 'h' })).toMatchObject({
      clock: 'line',
      ops: [{ call: 1, return: 2 }],
    });
    expect(importHistory(`[${text.replace('\n', ' ')}]`, { file: 'h' })).toMatchObject({
      clock: 'event',
      ops: [{ call: 0, return: 1 }],
    });
  });
});

describe('a text that was cut off', () => {
  const ops = history(4, { cas: 1 });
  test.each(['chaos', 'jepsen-edn', 'jepsen-log'] as const)(
    '%s: anywhere within its last line loses that line only, and says so',
    (format) => {
      const text = writeHistory(eventsOf(ops), format);
      const lastLine = text.lastIndexOf('\n', text.length - 2) + 1;
      const without = importHistory(text.slice(0, lastLine), { file: 'h' });
      for (let cut = lastLine + 1; cut < text.length - 1; cut++) {
        const torn = importHistory(text.slice(0, cut), { file: 'h' });
        expect(torn.ops).toEqual(without.ops);
      }
      const whole = importHistory(text, { file: 'h' });
      expect(importHistory(text.slice(0, -1), { file: 'h' }).ops).toEqual(whole.ops);
    },
  );

  test('an unclosed vector is an error where it begins', () => {
    expect(() => importHistory(' [{:process 0, :type :invoke, :f :read}\n', { file: 'h' })).toThrow(
      'h:1:2: the `[` that begins here is never closed; the file is cut off',
    );
  });
});

describe('a mistake is named with its line, column, value and mend', () => {
  const good = '{:process 0, :type :invoke, :f :read, :value nil}';
  test.each<[name: string, text: string, message: string]>([
    ['a type', '{:process 0, :type :invok, :f :read}', 'h:1:20: the type is :invok; it must be :invoke, :ok'],
    ['a function', '{:process 0, :type :invoke, :f :swap}', 'h:1:32: the function is :swap; known: :read'],
    [
      'a transaction',
      '{:process 0, :type :invoke, :f :txn}',
      'h:1:32: :txn is a transaction; here an operation is one read or write',
    ],
    [
      'a process',
      '{:process 1.5, :type :invoke}',
      'h:1:11: the process is 1.5; it must be an integer, a keyword',
    ],
    [
      'a cas',
      '{:process 0, :type :invoke, :f :cas, :value 3}',
      'h:1:45: the value of a cas is 3; it must be [from to]',
    ],
    [
      'a write of nothing',
      '{:process 0, :type :invoke, :f :write}',
      'h:1:1: a write without a value; to write nil: :value nil',
    ],
    [
      'a delete of a value',
      '{:process 0, :type :invoke, :f :delete, :value 7}',
      'h:1:48: a delete with the value 7; a delete has no value',
    ],
    [
      'a field that occurs twice',
      '{:process 0, :type :invoke, :f :write, :value 1, :value 2}',
      'h:1:50: the field :value occurs twice',
    ],
    [
      'a client that begins with an :info',
      '{:process :a, :type :info, :f :read}\n{:process :a, :type :invoke, :f :read, :value nil}',
      'h:1:1: process :a completes an operation, but has none open',
    ],
    [
      'an operation of the logger in other columns',
      'INFO jepsen.util - 0 :invoke :read nil\nINFO jepsen.util - [n1] 0 :ok :read 7\n',
      'h:2:1: this line of jepsen.util seems to be an operation, but has other columns',
    ],
    [
      'two operations on one line of a log',
      '0 :invoke :read nil\n0 :ok :read 7\r0 :invoke :read nil\n',
      'h:2:14: a carriage return within a line',
    ],
    ['a missing field', '{:process 0, :f :read}', 'h:1:1: :type is missing; it must be :invoke'],
    [
      'a lone completion',
      '{:process 0, :type :ok, :f :read}',
      'h:1:1: process 0 completes an operation, but has none',
    ],
    [
      'a doubled invocation',
      `${good}\n${good}`,
      'h:2:1: process 0 invokes read while its read of line 1 is open',
    ],
    [
      'another function',
      `${good}\n{:process 0, :type :ok, :f :write, :value 1}`,
      'h:2:28: process 0 invoked read, but completes write',
    ],
    ['an unclosed map', `{:process 0, :type\n${good}\n`, 'h:1:1: the text ends before this is closed'],
    ['a stray bracket', `${good}}`, 'h:1:50: `}` closes nothing'],
    ['an odd map', '{:process 0, :type}', 'h:1:14: a map has a key without a value'],
    ['no map', `${good} 17`, 'h:1:51: a number where an operation should be; an operation is a map'],
    [
      'a retired process',
      `${good}\n{:process 0, :type :info, :f :read}\n${good}`,
      'h:3:1: process 0 continues after an unknown outcome',
    ],
    [
      'an index',
      '{:process 0, :type :invoke, :f :read, :index 4}\n{:process 0, :type :ok, :f :read, :index 4}',
      'h:2:42: index 4 is not greater than 4, the one before',
    ],
    ['a zero byte', `${good}\0`, 'h:1:50: a zero byte: this is not text'],
    [
      'no history',
      'Dear diary,\n',
      'h:1:1: no format of a history begins like this; known: chaos, jepsen-edn',
    ],
    ['a deep nest', `{:process ${'['.repeat(100_000)}`, 'nested more than 200 deep'],
    ['deep discards', `{:process ${'#_'.repeat(100_000)}`, 'nested more than 200 deep'],
    ['JSON in a list', '[{"index":0}]', 'h:1:2: :process is missing; it must be an integer or a name'],
    ['JSON that is cut off', '[{"process":0,', 'h:1:2: the text ends before this is closed'],
    ['a list that is not JSON', '[{"process":0}, ?]', 'h:1:17: not JSON from here on'],
    [
      'a log line',
      '0 :invoke :read\n',
      'h:1:1: a line with too few columns; a line is PROCESS :TYPE :F VALUE',
    ],
    [
      'another key',
      '{:process 0, :type :invoke, :f :get, :key "a", :value nil}\n{:process 0, :type :ok, :f :get, :key "b", :value "x"}',
      'h:2:39: process 0 invoked read of key a, but completes one of key b',
    ],
  ])('%s', (_name, text, message) => {
    expect(() => importHistory(text, { file: 'h' })).toThrow(HistoryError);
    expect(() => importHistory(text, { file: 'h' })).toThrow(message);
  });

  test('once, and not again for the completion of the operation', () => {
    const fields = ':f :cas, :value 3}';
    const text = `{:process 0, :type :invoke, ${fields}\n{:process 0, :type :ok, ${fields}\n`;
    const error = thrownBy(() => importHistory(text, { file: 'h' })) as HistoryError;
    expect(error.problems.map(({ line }) => line)).toEqual([1]);
  });

  test('a function that the asked-for model does not have', () => {
    const cas = '{:process 0, :type :invoke, :f :cas, :value [0 1]}';
    const read = (text: string): unknown => importHistory(text, { file: 'h', model: models.register });
    expect(() => read(cas)).toThrow('h:1:32: the model register has no cas; its functions: read, write');
    const ours = writeHistory(eventsOf(history(2, { cas: 0, delete: 9 })), 'chaos');
    expect(() => read(ours)).toThrow(/^h:\d+:1: the model register has no delete/);
  });

  test('people see the line with a caret, of a long one what is around it, without control characters', () => {
    const shown = (text: string): string =>
      formatProblems(thrownBy(() => importHistory(text, { file: 'h' })) as HistoryError);
    expect(shown('\t{:process 0, :type :in\u007Fvok, :f :read}')).toBe(
      [
        'h:1:21: the type is :in␡vok',
        '    1 | \t{:process 0, :type :in␡vok, :f :read}',
        '      | \t                   ^^^^^^^',
        '      = it must be :invoke, :ok, :fail or :info',
      ].join('\n'),
    );
    const wide = shown(`{:process 0, :x "${'é'.repeat(500)}", :type :no, :y "${'z'.repeat(500)}"}`);
    expect(Math.max(...wide.split('\n').map((line) => line.length))).toBeLessThan(180);
    expect(wide).toMatch(/ {4}1 \| é.*:type :no.*z\n {6}\| {61}\^{3}\n/);
  });

  test('at most 20 problems are reported', () => {
    const text = '{:process 0, :type :invok, :f :read}\n'.repeat(1_000);
    const error = thrownBy(() => importHistory(text, { file: 'h' }));
    expect((error as HistoryError).problems).toHaveLength(20);
  });
});

describe('EDN', () => {
  const scalar: fc.Arbitrary<string> = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom(
      'nil',
      'true',
      'false',
      ':a',
      ':a/b',
      'sym',
      '1.5',
      '2/3',
      '\\a',
      '-0.1e9',
      '7N',
      '##Inf',
    ),
    fc.string().map((text) => JSON.stringify(text)),
  );
  const { value } = fc.letrec<{ value: string; items: readonly string[] }>((tie) => ({
    items: fc.array(tie('value'), { maxLength: 4 }),
    value: fc.oneof(
      { maxDepth: 3 },
      scalar,
      tie('items').map((items) => `[${items.join(' ')}]`),
      tie('items').map((items) => `(${items.join(', ')})`),
      tie('items').map((items) => `#{${items.join(' ')}}`),
      tie('items').map((items) => `{${items.map((item) => `${item} ; comment\n ${item}`).join(' ')}}`),
      tie('value').map((inner) => `#my/tag #_ [discarded] ${inner}`),
    ),
  }));

  test('text, read and written again, is the same value', () => {
    fc.assert(
      fc.property(value, (text) => {
        const once = ednText(new EdnReader(text).next()!);
        expect(ednText(new EdnReader(once).next()!)).toBe(once);
      }),
    );
  });

  test('places are those of the text', () => {
    fc.assert(
      fc.property(fc.array(scalar, { minLength: 1 }), (items) => {
        const text = ` [${items.join('  ,')}] `;
        const vector = new EdnReader(text).next() as Edn & { type: 'vector' };
        expect(text.slice(vector.from, vector.to)).toBe(text.trim());
        expect(vector.items.map(({ from, to }) => text.slice(from, to))).toEqual(items);
      }),
    );
  });

  test('whatever the text, it is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'[](){}#_"\\:;^ ,an1-/\n') }), (text) => {
        const reader = new EdnReader(text);
        const error = thrownBy(() => {
          while (reader.next() !== null);
        });
        expect(error === null || error instanceof EdnError).toBe(true);
        expect((error as EdnError | null)?.from ?? 0).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 5_000 },
    );
  });

  test('a format is recognised behind space, comments and a byte order mark', () => {
    expect(detectFormat('\uFEFF; made by hand\n\n {:process 0}')?.name).toBe('jepsen-edn');
    expect(detectFormat('\n[]')?.name).toBe('jepsen-edn');
    expect(detectFormat('{"index":0}')?.name).toBe('chaos');
    expect(detectFormat('{:process 0, :key "a"}')?.name).toBe('porcupine-kv');
    expect(detectFormat('17')).toBe(null);
  });
});

function thrownBy(act: () => void): unknown {
  try {
    act();
    return null;
  } catch (error) {
    return error;
  }
}

test.each(FORMAT_NAMES)('the example of %s is recognised and read', (name) => {
  const { example } = formatNamed(name);
  const read = importHistory(example, { file: name });
  expect(read.format).toBe(name);
  expect(read.ops).toMatchObject([{ process: 0, f: 'write', outcome: 'ok' }]);
});
