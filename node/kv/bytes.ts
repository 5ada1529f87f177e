import { isUtf8 } from 'node:buffer';
import { crcOf } from './crc.ts';

/** The bytes do not have the expected format: they are too short or too long, not UTF-8, or have an unknown code. */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

const TWO_32 = 0x1_0000_0000;
const SLAB_BYTES = 1 << 16;

/**
 * Writes the project's binary formats: big-endian integers, and `string` and `bytes` as a u32 length and the content.
 * Bytes that `take` has returned are never overwritten: later bytes are written after them or into a new slab.
 */
export class ByteWriter {
  readonly #slabBytes: number;
  #slab: Buffer;
  #start = 0;
  #end = 0;

  constructor(slabBytes: number = SLAB_BYTES) {
    this.#slabBytes = slabBytes;
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Returns everything written since the last `take`, without a copy. */
  take(): Buffer {
    const taken = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#slab[this.#end++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#slab.writeUInt32BE(value, this.#end);
    this.#end += 4;
  }

  /** Writes a whole number in [0, 2^53) as 8 bytes. */
  u64(value: number): void {
    this.#reserve(8);
    this.#slab.writeUInt32BE((value / TWO_32) >>> 0, this.#end);
    this.#slab.writeUInt32BE(value >>> 0, this.#end + 4);
    this.#end += 8;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  string(value: string): void {
    // UTF-8 needs at most three bytes per UTF-16 unit. The length is written after the text, when it is known.
    this.#reserve(4 + value.length * 3);
    const length = this.#slab.write(value, this.#end + 4, 'utf8');
    this.#slab.writeUInt32BE(length, this.#end);
    this.#end += 4 + length;
  }

  nullableString(value: string | null): void {
    this.bool(value !== null);
    if (value !== null) this.string(value);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  /** Writes the bytes without their length. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#slab.set(value, this.#end);
    this.#end += value.length;
  }

  /** Overwrites four bytes at `offset` from the position of the last `take`. */
  patchU32(offset: number, value: number): void {
    this.#slab.writeUInt32BE(value, this.#start + offset);
  }

  /** CRC-32 of the bytes written since the last `take`, from `offset` on, continuing from `seed`. */
  crc32(offset: number, seed: number): number {
    return crcOf(this.#slab, this.#start + offset, this.#end, seed);
  }

  /** Returns a view of the bytes written since the last `take`, from `offset` on. It is valid until the next write. */
  view(offset: number): Buffer {
    return this.#slab.subarray(this.#start + offset, this.#end);
  }

  /** Removes the bytes written since the last `take` from `offset` on. */
  rewind(offset: number): void {
    this.#end = this.#start + offset;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#slab.length) return;
    const written = this.#slab.subarray(this.#start, this.#end);
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, 2 * (written.length + bytes)));
    slab.set(written);
    this.#slab = slab;
    this.#end = written.length;
    this.#start = 0;
  }
}

const REPLACEMENT = '\ufffd';

/** Returns a Buffer over the same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Reads the output of `ByteWriter`. A method that would read past the end throws `MalformedBytes`. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOf(bytes);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  u32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  u64(): number {
    this.#need(8);
    const at = this.#at;
    this.#at = at + 8;
    const value = this.#bytes.readUInt32BE(at) * TWO_32 + this.#bytes.readUInt32BE(at + 4);
    if (value > Number.MAX_SAFE_INTEGER)
      throw new MalformedBytes(`the number at byte ${this.#at - 8} is 2^53 or more`);
    return value;
  }

  bool(): boolean {
    const value = this.u8();
    if (value > 1) throw new MalformedBytes(`flag ${value} at byte ${this.#at - 1}, expected 0 or 1`);
    return value === 1;
  }

  string(): string {
    const length = this.u32();
    this.#need(length);
    const start = this.#at;
    this.#at = start + length;
    const text = this.#bytes.toString('utf8', start, this.#at);
    // Bytes that are not UTF-8 are decoded as this character, but the text may also contain it.
    if (text.includes(REPLACEMENT) && !isUtf8(this.#bytes.subarray(start, this.#at)))
      throw new MalformedBytes(`the text before byte ${this.#at} is not UTF-8`);
    return text;
  }

  nullableString(): string | null {
    return this.bool() ? this.string() : null;
  }

  /** Returns a view, without a copy. */
  bytes(): Buffer {
    return this.raw(this.u32());
  }

  /** Skips the content that `bytes` would return. */
  skipBytes(): void {
    const length = this.u32();
    this.#need(length);
    this.#at += length;
  }

  raw(length: number): Buffer {
    this.#need(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Throws if any byte is left. */
  end(): void {
    if (this.left > 0) throw new MalformedBytes(`${this.left} unexpected bytes after byte ${this.#at}`);
  }

  #need(bytes: number): void {
    if (this.left < bytes) {
      throw new MalformedBytes(
        `cut off: expected ${bytes} bytes at byte ${this.#at}, but only ${this.left} are left`,
      );
    }
  }
}
