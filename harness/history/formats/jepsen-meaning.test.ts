import { describe, expect, test } from 'vitest';
import { eventsOf, writeHistory } from '../../../test/support/write-history.ts';
import { checkLinearizable } from '../../checker/library.ts';
import { generateHistory } from '../../checker/testing/generate.ts';
import { randomStream } from '../../random.ts';
import { HistoryError } from '../history-error.ts';
import { importHistory } from './import.ts';

/** Operations that run one after the other: `[f, input, output]`, with values as EDN. */
type Told = readonly [f: string, invoked: string, completed: string];
const edn = (...told: readonly Told[]): string =>
  told
    .map(
      ([f, invoked, completed]) =>
        `{:process 0, :type :invoke, :f :${f}, :value ${invoked}}\n{:process 0, :type :ok, :f :${f}, :value ${completed}}\n`,
    )
    .join('');
const verdictOf = async (text: string, initial?: string): Promise<string> => {
  const history = importHistory(text, { file: 'h', initial });
  return (await checkLinearizable(history.ops, { initial: history.initial })).verdict;
};

describe('keys', () => {
  test('that are written differently are different keys, and are shown so that they can be told apart', async () => {
    const keys = ['7', '"7"', ':7', '7.0', '[7]', '\\7'];
    const text = edn(...keys.flatMap((key): Told[] => [['write', `[${key} 1]`, `[${key} 1]`]]));
    const { ops } = importHistory(text, { file: 'h' });
    expect(ops.map(({ key }) => key)).toEqual(keys);
    expect(await verdictOf(`${text}${edn(['read', '[seven nil]', '[seven nil]'])}`)).toBe('linearizable');
  });

  test('that are equal are one key, and shown as people call them', () => {
    const text = edn(['write', '[(7 8.0) 1]', '[[7N 8.00] 1]'], ['write', '["a" 1]', '["a" 1]']);
    expect(importHistory(text, { file: 'h' }).ops.map(({ key }) => key)).toEqual(['[7 8.0]', 'a']);
  });
});

describe('values', () => {
  test.each([
    ['(1 2 3)', '[1 2 3]'],
    ['0', '-0'],
    ['1.50', '1.5'],
    ['#inst "2024-01-01T00:00:00Z"', '#inst "2024-01-01T01:00:00.000+01:00"'],
    ['{:a 1, :b (2)}', '{:b [2N], :a 1}'],
  ])('%s and %s are equal', async (written, read) => {
    expect(await verdictOf(edn(['write', written, written], ['read', 'nil', read]))).toBe('linearizable');
  });

  test.each([
    ['1', '"1"'],
    ['1', '1.0'],
    ['1.0', '1.0M'],
    [':a', '"a"'],
    ['[1 2]', '[2 1]'],
    ['{:a 1}', '{:b/a 1}'],
  ])('%s and %s are not equal', async (written, read) => {
    expect(await verdictOf(edn(['write', written, written], ['read', 'nil', read]))).toBe('violation');
  });

  test('numbers and strings stay apart where values of a key-value store are not all text', async () => {
    const kv = (value: string): string =>
      `{:process 0, :type :invoke, :f :put, :key "a", :value 1}\n{:process 0, :type :ok, :f :put, :key "a", :value 1}
{:process 0, :type :invoke, :f :get, :key "a", :value nil}\n{:process 0, :type :ok, :f :get, :key "a", :value ${value}}\n`;
    expect(await verdictOf(kv('1'))).toBe('linearizable');
    expect(await verdictOf(kv('"1"'))).toBe('violation');
  });

  test('are text from the first operation on, however late the first append comes', async () => {
    const reads = Array.from({ length: 2_100 }, (): Told => ['read', 'nil', '"a"']);
    const appended: Told[] = [
      ['append', '"b"', '"b"'],
      ['read', 'nil', '"ab"'],
    ];
    expect(await verdictOf(edn(['write', '"a"', '"a"'], ...reads, ...appended))).toBe('linearizable');
  });
});

describe('nil', () => {
  test('is written by a write, a delete and a cas, and read again after that', async () => {
    for (const clear of [
      ['write', '[1 nil]', '[1 nil]'],
      ['delete', '[1 nil]', '[1 nil]'],
      ['cas', '[1 [5 nil]]', '[1 [5 nil]]'],
    ] as const) {
      const before: Told = ['write', '[1 5]', '[1 5]'];
      expect(await verdictOf(edn(before, clear, ['read', '[1 nil]', '[1 nil]']))).toBe('linearizable');
      expect(await verdictOf(edn(before, clear, ['read', '[1 nil]', '[1 5]']))).toBe('violation');
      expect(await verdictOf(edn(before, ['read', '[1 nil]', '[1 nil]']))).toBe('violation');
    }
  });

  test('is "" in a key-value store, which put writes and append leaves as it is', async () => {
    const kv = (f: string, invoked: string, completed: string): string =>
      ['invoke', 'ok']
        .map(
          (type) =>
            `{:process 0, :type :${type}, :f :${f}, :key "a", :value ${type === 'ok' ? completed : invoked}}\n`,
        )
        .join('');
    const empty = kv('get', 'nil', '""');
    expect(await verdictOf(`${empty}${kv('put', '""', '""')}${empty}`)).toBe('linearizable');
    expect(await verdictOf(`${kv('append', '""', '""')}${empty}`)).toBe('linearizable');
    expect(await verdictOf(`${kv('put', '"x"', '"x"')}${kv('delete', 'nil', 'nil')}${empty}`)).toBe(
      'linearizable',
    );
    const appended = `${kv('put', '""', '""')}${kv('append', '"x"', '"x"')}`;
    expect(await verdictOf(`${appended}${kv('get', 'nil', '"x"')}`)).toBe('linearizable');
    expect(await verdictOf(`${appended}${empty}`)).toBe('violation');
  });
});

test('what keys hold at first may be said, in the words of the history, and written again later', async () => {
  const text = edn(
    ['read', 'nil', '(0)'],
    ['write', '1', '1'],
    ['write', '[0]', '[0]'],
    ['read', 'nil', '[0]'],
  );
  expect(await verdictOf(text)).toBe('violation');
  expect(await verdictOf(text, '[0N]')).toBe('linearizable');
  expect(await verdictOf(edn(['read', 'nil', 'nil']), '[0]')).toBe('violation');
  expect(await verdictOf(edn(['append', '"b"', '"b"'], ['read', 'nil', '"ab"']), 'a')).toBe('linearizable');
  expect(() => importHistory(text, { file: 'h', initial: '1 2' })).toThrow(HistoryError);
});

test('what keys hold at first is written as the history writes it, in JSON and in lines of our own, too', async () => {
  const read = (value: string): string =>
    `[{"process":0,"type":"invoke","f":"read","key":"x","value":null},
      {"process":0,"type":"ok","f":"read","key":"x","value":${value}}]`;
  for (const value of ['null', '0.0', '"z"', '{"a":[1,2]}'])
    expect(await verdictOf(read(value), value)).toBe('linearizable');
  expect(await verdictOf(read('{"a":1}'), '{"a" 1}')).toBe('linearizable');
  expect(await verdictOf(read('1'), '2')).toBe('violation');
  const line = (type: string, value: string | null, index: number): string =>
    JSON.stringify({ index, id: 0, process: 0, type, f: 'read', key: 'x', value, time: index, node: 'n' });
  const ours = (value: string | null): string => `${line('invoke', null, 0)}\n${line('ok', value, 1)}\n`;
  for (const [value, written] of [
    ['z', 'z'],
    ['z', '"z"'],
    ['"z', '"z'],
    [null, 'null'],
    ['null', '"null"'],
  ] as const)
    expect(await verdictOf(ours(value), written)).toBe('linearizable');
  expect(await verdictOf(ours('z'), 'y')).toBe('violation');
});

test('lines with one time are events one after the other, in every number', async () => {
  const count = 2_000;
  const lines = Array.from({ length: 2 * count }, (_, index) => {
    const id = index >> 1;
    const f = id === count - 1 ? 'read' : 'write';
    const type = index % 2 === 0 ? 'invoke' : 'ok';
    const value = f === 'write' ? `v${id}` : type === 'ok' ? 'v0' : null;
    return JSON.stringify({ index, id, process: 0, type, f, key: 'x', value, time: 5_000_000, node: 'n' });
  });
  const { ops } = importHistory(`${lines.join('\n')}\n`, { file: 'h' });
  const times = ops.flatMap((op) => [op.call, op.return]);
  expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
  expect(times.at(-1)).toBeCloseTo(5, 6);
  expect((await checkLinearizable(ops)).verdict).toBe('violation');
});

test('a cas of a key may be flat: [key from to]', async () => {
  const flat = edn(
    ['write', '["a" 1]', '["a" 1]'],
    ['cas', '["a" 1 2]', '["a" 1 2]'],
    ['read', '["a" nil]', '["a" 2]'],
  );
  expect(importHistory(flat, { file: 'h' }).ops).toMatchObject([{}, { key: 'a', input: ['1', '2'] }, {}]);
  expect(await verdictOf(flat)).toBe('linearizable');
  expect(await verdictOf(`${flat}${edn(['read', '["a" nil]', '["a" 1]'])}`)).toBe('violation');
});

describe('a client may have any name', () => {
  test.each([':a', '"client 1"', 'client-1', '#uuid "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"'])(
    '%s',
    async (name) => {
      const text = edn(['write', '1', '1'], ['read', 'nil', '2']).replaceAll(
        ':process 0',
        `:process ${name}`,
      );
      const nemesis = `{:process :nemesis, :type :info, :f :kill}\n${text}{:process :nemesis, :type :info, :f :heal}\n`;
      const history = importHistory(nemesis, { file: 'h' });
      expect(history.notes).toEqual(['2 events of the nemesis left out.']);
      expect([...history.processNames.values()]).toEqual([name]);
      expect(await verdictOf(text)).toBe('violation');
    },
  );

  test.each([':a', '"client 1"', 'client-1', '-1'])('also in a log: %s', async (name) => {
    expect(await verdictOf(`${name}\t:invoke\t:read\tnil\n${name}\t:ok\t:read\t2\n`)).toBe('violation');
  });

  test('and 1, "1" and :1 are three clients', () => {
    const invoke = (name: string): string => `{:process ${name}, :type :invoke, :f :read, :value nil}\n`;
    const { ops, processNames } = importHistory(invoke('1') + invoke('"1"') + invoke(':1'), { file: 'h' });
    expect(ops.map(({ process }) => process)).toEqual([1, 2, 3]);
    expect(processNames).toEqual(
      new Map([
        [2, '"1"'],
        [3, ':1'],
      ]),
    );
  });
});

test('JSON arrays and objects of operations are read, also those of a history.jsonl', async () => {
  const array = `[ {
  "process": "c1", "type": "invoke", "f": "write", "key": "a", "value": 1
}, {"process": "c1", "type": "ok", "f": "write", "key": "a", "value": 1.0},
  {"process": 2, "type": "invoke", "f": "read", "key": "a", "value": null},
  {"process": 2, "type": "ok", "f": "read", "key": "a", "value": 1e0}]`;
  const read = importHistory(array, { file: 'h' });
  expect(read).toMatchObject({ format: 'json', ops: [{ input: '1' }, { output: '1' }] });
  expect(read.lines).toEqual({ calls: [1, 4], returns: [3, 5] });
  expect(await verdictOf(array)).toBe('linearizable');
  expect(await verdictOf(array.slice(1, -1).replaceAll('},', '}\n'))).toBe('linearizable');
  const mix = { read: 3, write: 3, cas: 3, delete: 1, append: 0 };
  const ops = generateHistory(randomStream(3, 'workload', 'json'), {
    operations: 30,
    clients: 3,
    keys: 2,
    mix,
    unknown: 0.1,
    failed: 0.1,
    uniqueValues: true,
    opaque: 0,
  });
  const lines = writeHistory(eventsOf(ops), 'chaos');
  const asArray = `[\n${lines.trim().replaceAll('\n', ',\n')}\n]`;
  const { ops: ours, lines: places } = importHistory(lines, { file: 'h' });
  const again = importHistory(asArray, { file: 'h' });
  expect(again.ops).toEqual(ours);
  expect(again.lines.calls).toEqual(places.calls.map((line) => line + 1));
  const broken = asArray.replace('"type":"ok"', '"type":"oh"');
  const line = broken.slice(0, broken.indexOf('"oh"')).split('\n').length;
  expect(() => importHistory(broken, { file: 'h' })).toThrow(new RegExp(`^h:${line}:\\d+: \`type\` is "oh"`));
});

test('a last line of JSON objects that was cut off anywhere is left out', () => {
  const line = (type: string): string =>
    `{"process":0,"type":"${type}","f":"write","key":"a","value":[true,"b\\n",-1.5e3]}\n`;
  const text = line('invoke') + line('ok');
  for (let cut = line('invoke').length + 1; cut < text.length - 1; cut++) {
    const { ops, notes } = importHistory(text.slice(0, cut), { file: 'h' });
    expect(ops).toMatchObject([{ f: 'write', outcome: 'info' }]);
    expect(notes).toEqual(['The last line is cut off and was left out.']);
  }
});

describe('the ends of lines', () => {
  const ops = generateHistory(randomStream(5, 'workload', 'lines'), {
    operations: 20,
    clients: 3,
    keys: 1,
    mix: { read: 3, write: 3, cas: 3, delete: 0, append: 0 },
    unknown: 0.1,
    failed: 0,
    uniqueValues: true,
    opaque: 0,
  });

  test.each(['chaos', 'jepsen-edn', 'jepsen-log'] as const)(
    'may be LF, CR LF or CR, with a byte order mark or without: %s',
    (format) => {
      const text = writeHistory(eventsOf(ops), format);
      const read = importHistory(text, { file: 'h' });
      for (const mark of ['', '\uFEFF'])
        for (const end of ['\n', '\r\n', '\r'])
          expect(importHistory(mark + text.replaceAll('\n', end), { file: 'h' })).toEqual(read);
    },
  );
});

describe('a log', () => {
  test('may have time stamps in front and a time in brackets', async () => {
    const line = (columns: string): string =>
      `2022-07-28 07:53:02,859 INFO [w 2] jepsen.util: [ 1350 ] ${columns}\n`;
    const log = line('2\t:invoke\t:read\tnil') + line('2\t:ok\t:read\t7');
    expect(importHistory(log, { file: 'h' }).ops).toMatchObject([{ process: 2, output: '7' }]);
    expect(await verdictOf(log)).toBe('violation');
  });

  test('is no log if a value names the logger: then every line counts', async () => {
    const lines = [
      '0 :invoke :write "jepsen.util"',
      '0 :ok :write "jepsen.util"',
      '0 :invoke :read nil',
      '0 :ok :read 7',
    ];
    expect(await verdictOf(`${lines.join('\n')}\n`)).toBe('violation');
  });
});
