import { crc32 } from 'node:zlib';
import { bufferOf, ByteReader, ByteWriter, MalformedBytes } from '../kv/bytes.ts';
import { crcOf } from '../kv/crc.ts';

/** The bytes from a socket violate the protocol. The connection is closed, and the message is logged as the reason. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export const PROTOCOL_VERSION = 1;
export const FRAME_TYPE = { 'client-request': 1, 'client-response': 2, peer: 3 } as const;
export type FrameType = keyof typeof FRAME_TYPE;

/**
 * Size of a frame's header in bytes. A frame is u32 length of the payload, u8 version, u8 type, u32 CRC-32 (over
 * version, type and payload), payload. Numbers are big-endian.
 */
export const FRAME_HEADER_BYTES = 10;
/**
 * Maximum size of a payload in bytes. The largest valid payloads are smaller: a cas with two 1 MiB values, and an
 * AppendEntries with one such entry.
 */
export const MAX_PAYLOAD_BYTES = 8 << 20;

/** CRC-32 of the two bytes (version, type), from which the CRC of the payload continues. */
const crcSeed = (code: number): number => crc32(Uint8Array.of(PROTOCOL_VERSION, code));
const CRC_SEED: Readonly<Record<FrameType, number>> = {
  'client-request': crcSeed(FRAME_TYPE['client-request']),
  'client-response': crcSeed(FRAME_TYPE['client-response']),
  peer: crcSeed(FRAME_TYPE.peer),
};

/**
 * Appends one frame of `type` to `out`; `payload` writes its content. Throws `ProtocolError` if it is too large, and
 * leaves `out` unchanged.
 */
export function writeFrame(out: ByteWriter, type: FrameType, payload: (out: ByteWriter) => void): void {
  const start = beginFrame(out, type);
  payload(out);
  endFrame(out, type, start);
}

/** Begins a frame. The caller writes the payload, and then passes the result to `endFrame`. */
export function beginFrame(out: ByteWriter, type: FrameType): number {
  const start = out.length;
  out.u32(0);
  out.u8(PROTOCOL_VERSION);
  out.u8(FRAME_TYPE[type]);
  out.u32(0);
  return start;
}

/** Ends a frame whose payload is written. Throws like `writeFrame`. */
export function endFrame(out: ByteWriter, type: FrameType, start: number): void {
  const length = out.length - start - FRAME_HEADER_BYTES;
  if (length > MAX_PAYLOAD_BYTES) {
    out.rewind(start);
    throw new ProtocolError(
      `a payload of ${length} bytes is too large: a frame has at most ${MAX_PAYLOAD_BYTES}`,
    );
  }
  out.patchU32(start, length);
  out.patchU32(start + 6, out.crc32(start + FRAME_HEADER_BYTES, CRC_SEED[type]));
}

/**
 * Splits a byte stream into the payloads of its frames. There is one reader per connection and direction, for one type
 * of frame. Payloads are views of the chunks if possible, so copy data that is needed for longer than its chunk.
 */
export class FrameReader {
  readonly #type: FrameType;
  readonly #maxPayloadBytes: number;
  /**
   * The frame that has begun but not ended. At first it has room for the header; when the length is known, for the
   * frame.
   */
  #partial: Buffer | null = null;
  #filled = 0;
  #broken: ProtocolError | null = null;

  constructor(type: FrameType, maxPayloadBytes: number = MAX_PAYLOAD_BYTES) {
    this.#type = type;
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** True if a frame has begun but not ended. At the end of the stream this means that the frame was cut off. */
  get midFrame(): boolean {
    return this.#filled > 0;
  }

  /**
   * Returns the payloads of all frames that are complete with `chunk`. Throws `ProtocolError` for a bad frame, and then
   * in every later call.
   */
  push(chunk: Uint8Array): Buffer[] {
    if (this.#broken) throw this.#broken;
    try {
      return this.#cut(bufferOf(chunk));
    } catch (error) {
      if (error instanceof ProtocolError) this.#broken = error;
      throw error;
    }
  }

  #cut(chunk: Buffer): Buffer[] {
    const payloads: Buffer[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#partial === null && chunk.length - at >= FRAME_HEADER_BYTES) {
        const end = at + FRAME_HEADER_BYTES + this.#payloadLength(chunk, at);
        if (end <= chunk.length) {
          payloads.push(this.#checked(chunk, at, end));
          at = end;
          continue;
        }
      }
      at = this.#gather(chunk, at);
      if (this.#partial !== null && this.#filled === this.#partial.length) {
        if (this.#filled === FRAME_HEADER_BYTES && this.#payloadLength(this.#partial, 0) > 0) {
          this.#widen();
        } else {
          payloads.push(this.#checked(this.#partial, 0, this.#filled));
          this.#partial = null;
          this.#filled = 0;
        }
      }
    }
    return payloads;
  }

  /** Copies the part of `chunk` that belongs to the frame that has begun; returns the offset of the rest. */
  #gather(chunk: Buffer, at: number): number {
    this.#partial ??= Buffer.allocUnsafe(FRAME_HEADER_BYTES);
    const taken = Math.min(this.#partial.length - this.#filled, chunk.length - at);
    this.#partial.set(chunk.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    return at + taken;
  }

  /** Makes room for the whole frame, after its header is complete and valid. */
  #widen(): void {
    const header = this.#partial!;
    this.#partial = Buffer.allocUnsafe(FRAME_HEADER_BYTES + this.#payloadLength(header, 0));
    this.#partial.set(header);
  }

  /** Checks the header at `at`, and returns its length. A length that the protocol does not allow is refused. */
  #payloadLength(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at);
    const version = bytes[at + 4]!;
    const type = bytes[at + 5]!;
    if (version !== PROTOCOL_VERSION) {
      throw new ProtocolError(`frame of version ${version}, but this node uses version ${PROTOCOL_VERSION}`);
    }
    if (type !== FRAME_TYPE[this.#type]) {
      throw new ProtocolError(
        `frame of type ${type}, but expected ${FRAME_TYPE[this.#type]} (${this.#type})`,
      );
    }
    if (length > this.#maxPayloadBytes) {
      throw new ProtocolError(
        `frame with a payload of ${length} bytes, but at most ${this.#maxPayloadBytes} are allowed`,
      );
    }
    return length;
  }

  /** Returns the payload of the frame from `at` to `end`, if its CRC-32 is right. */
  #checked(bytes: Buffer, at: number, end: number): Buffer {
    const expected = bytes.readUInt32BE(at + 6);
    const found = crcOf(bytes, at + FRAME_HEADER_BYTES, end, CRC_SEED[this.#type]);
    if (found !== expected) {
      throw new ProtocolError(
        `frame with CRC-32 ${hex(found)}, but its header has ${hex(expected)}: bytes were damaged`,
      );
    }
    return bytes.subarray(at + FRAME_HEADER_BYTES, end);
  }
}

/** Returns the result of `read` for a whole payload. Throws `ProtocolError` if bytes are missing or left over. */
export function decodePayload<T>(what: string, payload: Uint8Array, read: (input: ByteReader) => T): T {
  const input = new ByteReader(payload);
  try {
    const value = read(input);
    input.end();
    return value;
  } catch (error) {
    if (error instanceof MalformedBytes) throw new ProtocolError(`malformed ${what}: ${error.message}`);
    throw error;
  }
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
