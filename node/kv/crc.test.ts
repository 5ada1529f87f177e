import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crcOf } from './crc.ts';

test('the CRC-32 of any range of bytes is equal to that of zlib', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(100),
      fc.nat(0xffff_ffff),
      (content, start, seed) => {
        const bytes = Buffer.from(content);
        const from = Math.min(start, bytes.length);
        expect(crcOf(bytes, from, bytes.length, seed)).toBe(crc32(bytes.subarray(from), seed));
      },
    ),
  );
});
