import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChaosReader } from './chaos-reader.ts';
import { HistoryError } from './history-error.ts';
import { decodeLine, encodeLine } from './line.ts';
import { LineScanner } from './line-scanner.ts';
import type { HistoryLine } from './op.ts';

const count = fc.oneof({ weight: 9, arbitrary: fc.nat() }, fc.maxSafeNat());
const value = fc.option(fc.string({ unit: 'binary' }), { nil: null });
const name = fc.oneof(fc.constantFrom('n1', 'k0', 'ключ'), fc.string({ unit: 'grapheme' }));

/** A line as the recorder writes it, with its fields in the recorder's order. */
const line: fc.Arbitrary<HistoryLine> = fc
  .record({
    index: count,
    id: count,
    process: count,
    type: fc.constantFrom('invoke', 'ok', 'fail', 'info'),
    call: fc.oneof(
      fc.record({ f: fc.constantFrom('read', 'write', 'delete'), value }),
      fc.record({ f: fc.constant('append'), value: fc.string() }),
      fc.record({ f: fc.constant('cas'), value: fc.tuple(value, value) }),
    ),
    key: name,
    time: count,
    node: name,
    rest: fc.record({ found: value, error: name, attempts: count }, { requiredKeys: [] }),
  })
  .map(({ index, id, process, type, call: { f, value: input }, key, time, node, rest }) => ({
    index,
    id,
    process,
    type,
    f,
    key,
    value: input,
    time,
    node,
    ...rest,
  }));

const scanned = (text: string): HistoryLine | null => {
  const bytes = Buffer.from(text);
  return new LineScanner().scan(bytes, 0, bytes.length);
};

describe('the scanner of lines', () => {
  test('a line that the recorder wrote is read from its bytes as from its JSON', () => {
    let read = 0;
    fc.assert(
      fc.property(line, (written) => {
        const text = encodeLine(written);
        const found = scanned(text);
        if (found === null) return;
        read++;
        expect(found).toEqual(JSON.parse(text));
      }),
      { numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test('a damaged line is left to the decoder, or read as the decoder reads it', () => {
    const damage = fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.constantFrom(...'{}[]",:\\0123456789-.enul \r'));
    fc.assert(
      fc.property(line, damage, (written, [at, cut, put]) => {
        // By characters, because half of a pair has no UTF-8.
        const text = Array.from(encodeLine(written));
        const place = at % text.length;
        const damaged = text.toSpliced(place, cut, put).join('');
        const found = scanned(damaged);
        if (found === null) return;
        const decoded = decodeLine(damaged);
        expect(decoded.ok && decoded.line).toEqual(found);
      }),
      { numRuns: 5_000 },
    );
  });

  test('strings of other scripts, repeated names and long numbers are read exactly', () => {
    const written: HistoryLine = {
      index: 999_999_999_999_999,
      id: 0,
      process: 7,
      type: 'ok',
      f: 'cas',
      key: 'schlüssel',
      value: [null, '値'],
      time: 12,
      node: 'n1',
      found: 'é',
      error: 'cas-mismatch',
      attempts: 3,
    };
    const bytes = Buffer.from(`x${encodeLine(written)}y`);
    const scanner = new LineScanner();
    for (let turn = 0; turn < 2; turn++) expect(scanner.scan(bytes, 1, bytes.length - 1)).toEqual(written);
    expect(scanner.scan(bytes, 1, bytes.length)).toBeNull();
    expect(scanner.scan(bytes, 1, bytes.length - 2)).toBeNull();
  });
});

describe('reading in pieces', () => {
  const lines = [
    `{"index":0,"id":5,"process":0,"type":"invoke","f":"write","key":"ключ","value":"é","time":1,"node":"n1"}`,
    '',
    `{"index": 1, "id": 5, "process": 0, "type": "ok", "f": "write", "key": "ключ", "value": "é", "time": 2, "node": "n1"}\r`,
    `{"index":2,"id":2,"process":1,"type":"invoke","f":"read","key":"ключ","value":null,"time":3,"node":"n2"}`,
    `{"index":3,"id":2,"process":1,"type":"ok","f":"read","key":"ключ","value":"\\u00e9","time":4,"node":"n2"}`,
  ];
  const readIn = (bytes: Buffer, size: number): ReturnType<ChaosReader['end']> => {
    const reader = new ChaosReader({ file: 'h' });
    for (let from = 0; from < bytes.length; from += size) reader.take(bytes.subarray(from, from + size));
    return reader.end();
  };

  test('operations and their lines do not depend on where the pieces end', () => {
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const whole = readIn(bytes, bytes.length);
    expect(whole.ops).toMatchObject([
      { id: 5, outcome: 'ok' },
      { id: 2, output: 'é' },
    ]);
    expect(whole.lines).toEqual({ calls: [1, 4], returns: [3, 5] });
    for (let size = 1; size < bytes.length; size++) expect(readIn(bytes, size)).toEqual(whole);
  });

  test.each([
    ['a line that is no JSON', Buffer.from(`${lines[0]}\n\n{"index":1,}\n`), 'h:3:12: not JSON'],
    [
      'an operation that completes twice',
      Buffer.from(`${lines.join('\n')}\n${lines[4]!.replace('3', '9')}\n`),
      'h:6:1',
    ],
    [
      'a byte that is no text',
      Buffer.concat([Buffer.from(`${lines[0]}\nab`), Buffer.from([0xff, 10])]),
      'h:2:3: the byte 0xff',
    ],
    ['a zero byte', Buffer.from(`${lines[0]}\n\n  \0\n`), 'h:3:3: a zero byte'],
  ])('%s is reported with its line and column wherever the pieces end', (_, bytes, place) => {
    for (const size of [1, 7, bytes.length]) {
      expect(() => readIn(bytes, size)).toThrow(HistoryError);
      expect(() => readIn(bytes, size)).toThrow(place);
    }
  });

  test('a last line that is cut off is left out, and its operation stays open', () => {
    const bytes = Buffer.from(lines.join('\n').slice(0, -9));
    for (const size of [1, 50, bytes.length])
      expect(readIn(bytes, size)).toMatchObject({ ops: [{}, { outcome: 'info' }], notes: [/cut off/] });
  });
});
