import { crc32 } from 'node:zlib';

/** Maximum number of bytes for which a loop is faster than a call of native code. */
const SHORT_BYTES = 32;

/** CRC-32 (the IEEE polynomial, as in zlib) of `bytes` from `start` to `end` (excluded), continuing from `seed`. */
export function crcOf(bytes: Buffer, start: number, end: number, seed: number): number {
  if (end - start > SHORT_BYTES) return crc32(bytes.subarray(start, end), seed);
  let crc = ~seed;
  for (let at = start; at < end; at++) crc = TABLE[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? 0xedb8_8320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});
