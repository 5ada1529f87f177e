import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../kv/bytes.ts';
import { FRAME_HEADER_BYTES, FrameReader, ProtocolError, writeFrame } from './frame.ts';
import type { FrameType } from './frame.ts';

const frameOf = (payload: Uint8Array, type: FrameType = 'peer'): Buffer => {
  const out = new ByteWriter(64);
  writeFrame(out, type, () => out.raw(payload));
  return out.take();
};

const bytes = fc.uint8Array({ maxLength: 300 });

describe('a stream of frames', () => {
  test('gives the same payloads for any division into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(bytes, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        (payloads, cuts) => {
          const stream = Buffer.concat(payloads.map((payload) => frameOf(payload)));
          const reader = new FrameReader('peer');
          const read: Uint8Array[] = [];
          for (let at = 0; at < stream.length;) {
            const length = cuts.next().value!;
            read.push(...reader.push(stream.subarray(at, at + length)));
            at += length;
          }
          expect(read.map((payload) => Buffer.from(payload))).toEqual(
            payloads.map((payload) => Buffer.from(payload)),
          );
          expect(reader.midFrame).toBe(false);
        },
      ),
    );
  });

  test('shows at its end whether a frame was cut off', () => {
    const frame = frameOf(Buffer.from('hello'));
    for (let length = 1; length < frame.length; length++) {
      const reader = new FrameReader('peer');
      expect(reader.push(frame.subarray(0, length))).toEqual([]);
      expect(reader.midFrame).toBe(true);
    }
  });

  test('a frame with any single flipped bit is refused, or waits for bytes that never come', () => {
    fc.assert(
      fc.property(bytes, fc.nat(), (payload, position) => {
        const frame = frameOf(payload);
        const bit = position % (frame.length * 8);
        frame[bit >> 3]! ^= 1 << (bit & 7);
        const reader = new FrameReader('peer', 1_000);
        let read: unknown;
        try {
          read = reader.push(frame);
        } catch (error) {
          read = error;
        }
        // Only a changed length can make the reader wait.
        expect(read instanceof ProtocolError || (bit < 32 && Array.isArray(read) && read.length === 0)).toBe(
          true,
        );
      }),
    );
  });

  test('is refused for good after a bad frame, so later frames are not read', () => {
    const bad = frameOf(Buffer.from('x'));
    bad[bad.length - 1]! ^= 1;
    const reader = new FrameReader('peer');
    expect(() => reader.push(bad)).toThrow(/CRC-32/);
    expect(() => reader.push(frameOf(Buffer.from('y')))).toThrow(/CRC-32/);
  });

  test('a frame that is too long is refused at its header, before its other bytes arrive', () => {
    const reader = new FrameReader('peer', 100);
    expect(() => reader.push(frameOf(Buffer.alloc(101)).subarray(0, FRAME_HEADER_BYTES))).toThrow(
      /101 bytes, but at most 100/,
    );
  });

  test('is refused if a frame has another version or another type', () => {
    const newer = frameOf(Buffer.from('x'));
    newer[4] = 2;
    expect(() => new FrameReader('peer').push(newer)).toThrow(/version 2/);
    expect(() => new FrameReader('client-request').push(frameOf(Buffer.from('x')))).toThrow(
      /type 3, but expected 1/,
    );
    expect(() => new FrameReader('peer').push(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toThrow(ProtocolError);
  });

  test('refuses to write a payload above the limit, and keeps the frames before it', () => {
    const out = new ByteWriter(64);
    writeFrame(out, 'peer', () => out.u8(7));
    expect(() => writeFrame(out, 'peer', () => out.raw(Buffer.alloc((8 << 20) + 1)))).toThrow(ProtocolError);
    expect(new FrameReader('peer').push(out.take())).toEqual([Buffer.of(7)]);
  });
});

describe('bytes taken from a writer', () => {
  test('do not change when more is written', () => {
    const out = new ByteWriter(32);
    const taken: { bytes: Buffer; expected: Buffer }[] = [];
    for (let i = 0; i < 2_000; i++) {
      out.string(`value ${i}`);
      const bytes = out.take();
      taken.push({ bytes, expected: Buffer.from(bytes) });
    }
    for (const { bytes, expected } of taken) expect(bytes.equals(expected)).toBe(true);
  });
});
