import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeRequest, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES } from '../../node/protocol/client-codec.ts';
import { ERRORS } from '../../node/protocol/client.ts';
import type { ErrorCode } from '../../node/protocol/client.ts';

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

test('docs/protocol.md has the same error table as the code', () => {
  const rows = [...page.matchAll(/^\| ([a-z-]+) \| (\d+) \| (yes|\*\*no\*\*) \| (yes|no) \|/gm)];
  const table = rows.map(([, code, wire, definite, retry]) => [
    code,
    Number(wire),
    definite === 'yes',
    retry === 'yes',
  ]);
  const codes = Object.keys(ERRORS) as ErrorCode[];
  expect(table).toEqual(
    codes.map((code) => [code, ERRORS[code].wire, ERRORS[code].definite, ERRORS[code].retry]),
  );
});

test('docs/protocol.md has the same frame limits as the code', () => {
  const number = (value: number): string => value.toLocaleString('en-US');
  expect(page).toContain(`${number(MAX_REQUEST_BYTES)} bytes for a request`);
  expect(page).toContain(`${number(MAX_RESPONSE_BYTES)} for a\nresponse`);
});

test('the example in docs/protocol.md is what the code sends', () => {
  const hex = Buffer.from(encodeRequest({ type: 'read', requestId: 1, key: 'k' })).toString('hex');
  const pattern = /`([0-9a-f ]+)<crc>([0-9a-f ]+)`/.exec(page)!;
  const [before, behind] = [pattern[1]!.replaceAll(' ', ''), pattern[2]!.replaceAll(' ', '')];
  expect(hex.slice(0, before.length)).toBe(before);
  expect(hex.slice(before.length + 8)).toBe(behind);
});
