import { expect, test } from 'vitest';
import { formatLogLine } from './log-format.ts';

const at = new Date('2026-11-25T01:02:03.004Z');
const line = {
  level: 'warn',
  event: 'peer-refused',
  message: 'peer n2 refused',
  fields: { peer: 'n2', port: 7001, known: null, open: false },
} as const;

test('a line of text is for people: time, level and message', () => {
  expect(formatLogLine('text', line, 'n1', at)).toBe('2026-11-25T01:02:03.004Z warn peer n2 refused');
});

test('a line of JSON is one object, with event and fields', () => {
  expect(JSON.parse(formatLogLine('json', line, 'n1', at))).toEqual({
    time: '2026-11-25T01:02:03.004Z',
    level: 'warn',
    event: 'peer-refused',
    node: 'n1',
    message: 'peer n2 refused',
    peer: 'n2',
    port: 7001,
    known: null,
    open: false,
  });
});

test('text from a peer cannot look like a line of the log, and a field cannot replace the time', () => {
  const forged = {
    ...line,
    message: 'it said\n2026-11-25T01:02:03.004Z info all is well',
    fields: { time: 'x' },
  };
  expect(formatLogLine('text', forged, 'n1', at).split('\n')[1]).toMatch(/^ {4}/);
  const json = formatLogLine('json', forged, 'n1', at);
  expect(json).not.toContain('\n');
  expect(JSON.parse(json)).toMatchObject({ time: '2026-11-25T01:02:03.004Z' });
});
