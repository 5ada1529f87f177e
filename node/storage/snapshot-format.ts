import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, MalformedBytes } from '../kv/bytes.ts';
import { decodeConfiguration, encodeConfiguration } from '../raft/configuration.ts';
import { logIndex, term } from '../raft/types.ts';
import { SnapshotDamage } from '../replica/ports.ts';
import type { SnapshotHeader, StoredSnapshot } from '../replica/ports.ts';

/**
 * A snapshot's bytes, in the folder and on the wire. They depend only on the log: snapshots of different nodes at the
 * same index have the same bytes.
 *
 *   header  "CHAOSNAP", u32 version, u64 index, u64 term, u32 log digest, bytes configuration, u32 CRC-32
 *   block   u32 length (above 0), u32 CRC-32, as many bytes of the state
 *   end     u32 0, u32 CRC-32
 *
 * Each CRC is over everything before it except CRCs. So the last one is over the whole file, and damage is found at its
 * block.
 */
const MAGIC = 'CHAOSNAP';
const FORMAT_VERSION = 1;
/** Size of magic, version, index, term, log digest and length of the configuration, in bytes. */
const FIXED_HEADER_BYTES = 36;
const BLOCK_HEADER_BYTES = 8;
const MAX_CONFIGURATION_BYTES = 1 << 20;
/** Maximum size of a block in bytes: its usual size, one record and some reserve (see `kv/state-codec.ts`). */
const MAX_BLOCK_BYTES = 8 << 20;

/** Returns the bytes of a snapshot, piece by piece. `blocks` is read at the same pace. */
export function* snapshotBytes(
  header: SnapshotHeader,
  blocks: Iterable<Uint8Array>,
): Generator<Uint8Array, StoredSnapshot> {
  const head = encodeHeader(header);
  let crc = crc32(head.subarray(0, head.length - 4));
  let bytes = head.length;
  let stateDigest = 0;
  yield head;
  for (const block of blocks) {
    const length = u32(block.length);
    crc = crc32(block, crc32(length, crc));
    stateDigest = crc32(block, stateDigest);
    bytes += BLOCK_HEADER_BYTES + block.length;
    yield Buffer.concat([length, u32(crc)]);
    yield block;
  }
  const end = u32(0);
  crc = crc32(end, crc);
  yield Buffer.concat([end, u32(crc)]);
  return { ...header, bytes: bytes + BLOCK_HEADER_BYTES, checksum: crc, stateDigest };
}

/** Accepts a snapshot's bytes in pieces of any size, checks them, and returns the blocks of its state. */
export class SnapshotReader {
  /** Received bytes that are not yet part of a whole header or block. */
  #rest: Buffer = Buffer.alloc(0);
  /** Offset of `#rest` in the snapshot. */
  #offset = 0;
  #crc = 0;
  #stateDigest = 0;
  #header: SnapshotHeader | null = null;
  #ended = false;

  /** The header; null until it is complete. */
  get header(): SnapshotHeader | null {
    return this.#header;
  }

  /** Adds bytes, and returns the blocks that are complete, which may be views of `bytes`. Throws `SnapshotDamage`. */
  push(bytes: Uint8Array): Uint8Array[] {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const blocks: Uint8Array[] = [];
    if (this.#header === null && !this.#readHeader()) return blocks;
    for (let block = this.#readBlock(); block !== null; block = this.#readBlock()) blocks.push(block);
    if (this.#ended && this.#rest.length > 0) this.#damaged('there are bytes after its end');
    return blocks;
  }

  /** Must be called after the last byte. Throws `SnapshotDamage` if bytes are missing. */
  end(): StoredSnapshot {
    if (this.#header === null || !this.#ended) return this.#damaged('it is cut off');
    return { ...this.#header, bytes: this.#offset, checksum: this.#crc, stateDigest: this.#stateDigest };
  }

  #readHeader(): boolean {
    const rest = this.#rest;
    if (rest.length < FIXED_HEADER_BYTES) return false;
    const configurationBytes = rest.readUInt32BE(FIXED_HEADER_BYTES - 4);
    if (rest.toString('latin1', 0, 8) !== MAGIC)
      this.#damaged('it is not a snapshot (no CHAOSNAP at its start)');
    if (configurationBytes > MAX_CONFIGURATION_BYTES) this.#damaged('its header is damaged');
    const length = FIXED_HEADER_BYTES + configurationBytes + 4;
    if (rest.length < length) return false;
    this.#crc = crc32(rest.subarray(0, length - 4));
    if (this.#crc !== rest.readUInt32BE(length - 4)) this.#damaged('the CRC-32 of its header is wrong');
    this.#header = this.#decodeHeader(rest.subarray(8, length - 4));
    this.#skip(length);
    return true;
  }

  #readBlock(): Uint8Array | null {
    const rest = this.#rest;
    if (this.#ended || rest.length < BLOCK_HEADER_BYTES) return null;
    const length = rest.readUInt32BE(0);
    if (length > MAX_BLOCK_BYTES) this.#damaged(`a block of ${length} bytes is too large`);
    const end = BLOCK_HEADER_BYTES + length;
    if (rest.length < end) return null;
    const block = rest.subarray(BLOCK_HEADER_BYTES, end);
    const crc = crc32(block, crc32(rest.subarray(0, 4), this.#crc));
    if (crc !== rest.readUInt32BE(4)) this.#damaged('the CRC-32 of a block is wrong');
    this.#crc = crc;
    this.#skip(end);
    if (length === 0) {
      this.#ended = true;
      return null;
    }
    this.#stateDigest = crc32(block, this.#stateDigest);
    return block;
  }

  #decodeHeader(bytes: Buffer): SnapshotHeader {
    const input = new ByteReader(bytes);
    const version = input.u32();
    if (version !== FORMAT_VERSION)
      this.#damaged(`its format has version ${version}, but this node reads version ${FORMAT_VERSION}`);
    try {
      const header = { index: logIndex(input.u64()), term: term(input.u64()), logDigest: input.u32() };
      const configuration = decodeConfiguration(input.bytes());
      if (configuration === null) return this.#damaged('it has no valid configuration');
      return { ...header, configuration };
    } catch (error) {
      if (error instanceof MalformedBytes) this.#damaged(error.message);
      throw error;
    }
  }

  #skip(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#offset += bytes;
  }

  #damaged(what: string): never {
    throw new SnapshotDamage(`offset ${this.#offset}: ${what}`);
  }
}

function encodeHeader({ index, term, logDigest, configuration }: SnapshotHeader): Buffer {
  const out = new ByteWriter(1_024);
  out.raw(Buffer.from(MAGIC, 'latin1'));
  out.u32(FORMAT_VERSION);
  out.u64(index);
  out.u64(term);
  out.u32(logDigest);
  out.bytes(encodeConfiguration(configuration));
  out.u32(crc32(out.view(0)));
  return out.take();
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
