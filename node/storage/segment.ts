import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, MalformedBytes } from '../kv/bytes.ts';
import { readEntries, writeEntries } from '../protocol/entry-codec.ts';
import type { LogWrite } from '../replica/ports.ts';
import { nodeId, term } from '../raft/types.ts';

/**
 * The write-ahead log's bytes. A segment is a header and then records, one per write to the disk, then zeros:
 *
 *   header  "CHAOSWAL", u32 version, u32 segment number, u32 salt (random), u32 CRC-32 of the 20 bytes before
 *   record  u32 magic, u32 length, u32 number in the segment (from 0), u32 CRC-32, payload
 *   payload u32 count, then per step: u8 1 and u64 term, nullable votedFor, or u8 0; then the entries as on the wire
 *
 * A record's CRC begins from the salt and covers its length, number and payload, so neither bytes of an
 * earlier life of the file nor a copy of a record inside a client's value pass for a record.
 */
export const HEADER_BYTES = 24;
export const RECORD_HEADER_BYTES = 16;
const MAGIC = 'CHAOSWAL';
const FORMAT_VERSION = 1;
const RECORD_MAGIC = 0xc4a0_57a1;
const RECORD_MAGIC_BYTES = Buffer.of(0xc4, 0xa0, 0x57, 0xa1);

export interface SegmentHeader {
  readonly number: number;
  readonly salt: number;
}

export function encodeHeader({ number, salt }: SegmentHeader): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32BE(FORMAT_VERSION, 8);
  header.writeUInt32BE(number, 12);
  header.writeUInt32BE(salt, 16);
  header.writeUInt32BE(crc32(header.subarray(0, 20)), 20);
  return header;
}

/** Puts one record behind what `out` holds. */
export function writeRecord(out: ByteWriter, salt: number, number: number, batch: readonly LogWrite[]): void {
  const start = out.length;
  out.u32(RECORD_MAGIC);
  out.u32(0);
  out.u32(number);
  out.u32(0);
  out.u32(batch.length);
  for (const { hardState, entries } of batch) {
    out.bool(hardState !== null);
    if (hardState !== null) {
      out.u64(hardState.term);
      out.nullableString(hardState.votedFor);
    }
    writeEntries(out, entries);
  }
  out.patchU32(start + 4, out.length - start - RECORD_HEADER_BYTES);
  out.patchU32(start + 12, recordCrc(out.view(start), salt));
}

/** What a segment file holds. `damage` is null, or why the bytes from `end` on are no record. */
export interface ParsedSegment {
  readonly header: SegmentHeader;
  readonly steps: readonly LogWrite[];
  readonly records: number;
  /** Where the good records end. */
  readonly end: number;
  /** Bytes from `end` to the last one that is not zero. */
  readonly strayBytes: number;
  readonly damage: string | null;
  /** Whether a good record stands somewhere behind the damage: then it is no torn write. */
  readonly goodRecordBehind: boolean;
}

/** Throws `MalformedBytes` if the header is not one. */
export function parseSegment(file: Buffer): ParsedSegment {
  const header = parseHeader(file);
  const steps: LogWrite[] = [];
  let records = 0;
  let at = HEADER_BYTES;
  let damage: string | null = null;
  while (at < file.length) {
    const found = readRecord(file, at, header.salt, records);
    if (typeof found === 'string') {
      damage = found;
      break;
    }
    for (const step of found.steps) steps.push(step);
    at = found.end;
    records++;
  }
  const strayBytes = lastNonZero(file) + 1 - at;
  if (strayBytes <= 0)
    return { header, steps, records, end: at, strayBytes: 0, damage: null, goodRecordBehind: false };
  return {
    header,
    steps,
    records,
    end: at,
    strayBytes,
    damage,
    goodRecordBehind: hasRecordBehind(file, at, header.salt, records),
  };
}

function parseHeader(file: Buffer): SegmentHeader {
  if (file.length < HEADER_BYTES)
    throw new MalformedBytes(`its header is cut off after ${file.length} bytes`);
  if (file.toString('latin1', 0, 8) !== MAGIC)
    throw new MalformedBytes('it is not a write-ahead log (no CHAOSWAL at its start)');
  if (crc32(file.subarray(0, 20)) !== file.readUInt32BE(20))
    throw new MalformedBytes('the CRC-32 of its header is wrong');
  const version = file.readUInt32BE(8);
  if (version !== FORMAT_VERSION)
    throw new MalformedBytes(`its format is version ${version}, this node reads ${FORMAT_VERSION}`);
  return { number: file.readUInt32BE(12), salt: file.readUInt32BE(16) };
}

/** The record at `at`, or what is wrong with it. */
function readRecord(
  file: Buffer,
  at: number,
  salt: number,
  number: number,
): { steps: LogWrite[]; end: number } | string {
  if (file.length - at < RECORD_HEADER_BYTES) return 'the header of a record is cut off';
  if (file.readUInt32BE(at) !== RECORD_MAGIC) return 'no record begins here';
  const end = at + RECORD_HEADER_BYTES + file.readUInt32BE(at + 4);
  if (end > file.length) return `a record of ${end - at} bytes is cut off after ${file.length - at}`;
  const record = file.subarray(at, end);
  if (recordCrc(record, salt) !== file.readUInt32BE(at + 12)) return 'the CRC-32 of a record is wrong';
  const found = file.readUInt32BE(at + 8);
  if (found !== number) return `record ${found} stands where record ${number} belongs`;
  try {
    return { steps: readSteps(record.subarray(RECORD_HEADER_BYTES)), end };
  } catch (error) {
    if (error instanceof MalformedBytes) return error.message;
    throw error;
  }
}

function readSteps(payload: Buffer): LogWrite[] {
  const input = new ByteReader(payload);
  const steps: LogWrite[] = [];
  for (let left = input.u32(); left > 0; left--) {
    const hardState = input.bool() ? { term: term(input.u64()), votedFor: readVote(input) } : null;
    steps.push({ hardState, entries: readEntries(input) });
  }
  input.end();
  return steps;
}

function readVote(input: ByteReader): ReturnType<typeof nodeId> | null {
  const vote = input.nullableString();
  return vote === null ? null : nodeId(vote);
}

/** Over length, number and payload; the magic and the CRC itself stand outside. */
function recordCrc(record: Buffer, salt: number): number {
  return crc32(record.subarray(RECORD_HEADER_BYTES), crc32(record.subarray(4, 12), salt));
}

function hasRecordBehind(file: Buffer, damagedAt: number, salt: number, number: number): boolean {
  for (let at = damagedAt + 1; ; at++) {
    at = file.indexOf(RECORD_MAGIC_BYTES, at);
    if (at === -1 || file.length - at < RECORD_HEADER_BYTES) return false;
    const end = at + RECORD_HEADER_BYTES + file.readUInt32BE(at + 4);
    if (end > file.length || file.readUInt32BE(at + 8) < number) continue;
    if (recordCrc(file.subarray(at, end), salt) === file.readUInt32BE(at + 12)) return true;
  }
}

function lastNonZero(file: Buffer): number {
  let at = file.length - 1;
  while (at >= 0 && file[at] === 0) at--;
  return at;
}
