import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter, MalformedBytes } from '../kv/bytes.ts';
import { readEntries, writeEntries } from '../protocol/entry-codec.ts';
import type { LogWrite } from '../replica/ports.ts';
import { logIndex, nodeId, term } from '../raft/types.ts';

/**
 * The write-ahead log's bytes. A segment is a header, then records, one per write to the disk, then zeros (or, in a
 * recycled file, bytes of an earlier segment):
 *
 *   header  "CHAOSWAL", u32 version, u32 segment number, u32 salt (random), u8 recycled, u32 CRC-32 of what is before
 *   record  u32 magic xor salt, u32 length, u32 number in the segment (from 0), u32 CRC-32, payload
 *   payload u64 last index of the log before it, u32 count, steps
 *   step    u8 flags; flag 1: u64 term, nullable votedFor; flag 2: u64 index and u64 term of a snapshot that replaces
 *           the log; then the entries as on the wire
 *
 * A record's CRC starts with the salt and covers length, number and payload. So bytes of an earlier segment in the same
 * file, or a copy of a record inside a client's value, are not accepted as a record. The first record of a segment
 * contains the hard state, because the segments before it may be removed.
 */
export const HEADER_BYTES = 25;
export const RECORD_HEADER_BYTES = 16;
const MAGIC = 'CHAOSWAL';
const FORMAT_VERSION = 2;
const RECORD_MAGIC = 0xc4a0_57a1;
const HAS_HARD_STATE = 1;
const HAS_SNAPSHOT = 2;
const ZEROS = Buffer.alloc(1 << 16);

export interface SegmentHeader {
  readonly number: number;
  readonly salt: number;
  /** True if the bytes after the last record belong to another segment and are not zeros. */
  readonly recycled: boolean;
}

export function encodeHeader({ number, salt, recycled }: SegmentHeader): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeUInt32BE(FORMAT_VERSION, 8);
  header.writeUInt32BE(number, 12);
  header.writeUInt32BE(salt, 16);
  header[20] = recycled ? 1 : 0;
  header.writeUInt32BE(crc32(header.subarray(0, 21)), 21);
  return header;
}

/** Place of a record. */
export interface RecordPlace {
  readonly salt: number;
  /** Number of the record in its segment, from 0. */
  readonly number: number;
  /** Last index of the log before the record. */
  readonly follows: number;
}

/**
 * Encodes one record as pieces, of which the first has the header. `out` provides the memory, and is empty before and
 * after. Long runs of entries that a follower received are not copied: these pieces are views of the received bytes.
 */
export function encodeRecord(out: ByteWriter, place: RecordPlace, batch: readonly LogWrite[]): Buffer[] {
  const { salt, number, follows } = place;
  const pieces: Buffer[] = [];
  out.u32(magicOf(salt));
  out.u32(0);
  out.u32(number);
  out.u32(0);
  out.u64(follows);
  out.u32(batch.length);
  for (const { hardState, snapshot, entries } of batch) {
    out.u8((hardState === null ? 0 : HAS_HARD_STATE) | (snapshot === null ? 0 : HAS_SNAPSHOT));
    if (hardState !== null) {
      out.u64(hardState.term);
      out.nullableString(hardState.votedFor);
    }
    if (snapshot !== null) {
      out.u64(snapshot.index);
      out.u64(snapshot.term);
    }
    writeEntries(out, entries, (run) => {
      if (out.length > 0) pieces.push(out.take());
      pieces.push(run);
    });
  }
  if (out.length > 0) pieces.push(out.take());
  const [head, ...rest] = pieces as [Buffer, ...Buffer[]];
  head.writeUInt32BE(lengthOf(pieces) - RECORD_HEADER_BYTES, 4);
  head.writeUInt32BE(
    rest.reduce((crc, piece) => crc32(piece, crc), recordCrc(head, salt)),
    12,
  );
  return pieces;
}

/** Size of all pieces in bytes. */
export const lengthOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((bytes, { length }) => bytes + length, 0);

/**
 * Content of a segment file. `damage` is the reason why the bytes from `end` on are not a record; null: there is none.
 */
export interface ParsedSegment {
  readonly header: SegmentHeader;
  readonly steps: readonly LogWrite[];
  readonly records: number;
  /** Last index of the log before the first record; null: there is no record. */
  readonly follows: number | null;
  /** Offset after the last valid record. */
  readonly end: number;
  /** Number of bytes of an incomplete record at `end`. */
  readonly strayBytes: number;
  readonly damage: string | null;
  /** True if there is a valid record after the damage, which is then not a torn write. */
  readonly goodRecordAfter: boolean;
}

/** Throws `MalformedBytes` if the header is not valid. Commands with an index below `dataFrom` have no data. */
export function parseSegment(file: Buffer, dataFrom = 0): ParsedSegment {
  const header = parseHeader(file);
  const steps: LogWrite[] = [];
  let records = 0;
  let at = HEADER_BYTES;
  let damage: string | null = null;
  let follows: number | null = null;
  while (at < file.length) {
    const found = readRecord(file, at, { salt: header.salt, number: records, dataFrom });
    if (typeof found === 'string') {
      damage = found;
      break;
    }
    follows ??= found.follows;
    for (const step of found.steps) steps.push(step);
    at = found.end;
    records++;
  }
  const parsed = { header, steps, records, follows, end: at };
  const goodRecordAfter = damage !== null && hasRecordBehind(file, at, header.salt, records);
  const strayBytes = strayBehind(file, at, header);
  if (strayBytes === 0 && !goodRecordAfter) return { ...parsed, strayBytes, damage: null, goodRecordAfter };
  return { ...parsed, strayBytes, damage, goodRecordAfter };
}

function parseHeader(file: Buffer): SegmentHeader {
  if (file.length < HEADER_BYTES)
    throw new MalformedBytes(`its header is cut off after ${file.length} bytes`);
  if (file.toString('latin1', 0, 8) !== MAGIC)
    throw new MalformedBytes('it is not a write-ahead log (no CHAOSWAL at its start)');
  const version = file.readUInt32BE(8);
  if (version !== FORMAT_VERSION)
    throw new MalformedBytes(
      `its format has version ${version}, but this node reads version ${FORMAT_VERSION}`,
    );
  if (crc32(file.subarray(0, 21)) !== file.readUInt32BE(21))
    throw new MalformedBytes('the CRC-32 of its header is wrong');
  return { number: file.readUInt32BE(12), salt: file.readUInt32BE(16), recycled: file[20] === 1 };
}

/** Returns the record at `at`, or a text that says why it is not valid. */
function readRecord(
  file: Buffer,
  at: number,
  { salt, number, dataFrom }: { salt: number; number: number; dataFrom: number },
): { follows: number; steps: LogWrite[]; end: number } | string {
  if (file.length - at < RECORD_HEADER_BYTES) return 'the header of a record is cut off';
  if (file.readUInt32BE(at) !== magicOf(salt)) return 'no record begins here';
  const end = at + RECORD_HEADER_BYTES + file.readUInt32BE(at + 4);
  if (end > file.length) return `a record of ${end - at} bytes is cut off after ${file.length - at}`;
  const record = file.subarray(at, end);
  if (recordCrc(record, salt) !== file.readUInt32BE(at + 12)) return 'the CRC-32 of a record is wrong';
  const found = file.readUInt32BE(at + 8);
  if (found !== number) return `there is record ${found} in place of record ${number}`;
  try {
    return { ...readPayload(record.subarray(RECORD_HEADER_BYTES), dataFrom), end };
  } catch (error) {
    if (error instanceof MalformedBytes) return error.message;
    throw error;
  }
}

function readPayload(payload: Buffer, dataFrom: number): { follows: number; steps: LogWrite[] } {
  const input = new ByteReader(payload);
  const follows = input.u64();
  const steps: LogWrite[] = [];
  for (let left = input.u32(); left > 0; left--) {
    const flags = input.u8();
    if (flags > (HAS_HARD_STATE | HAS_SNAPSHOT)) throw new MalformedBytes(`unknown flags ${flags} of a step`);
    const hardState = flags & HAS_HARD_STATE ? { term: term(input.u64()), votedFor: readVote(input) } : null;
    const snapshot = flags & HAS_SNAPSHOT ? { index: logIndex(input.u64()), term: term(input.u64()) } : null;
    steps.push({ hardState, snapshot, entries: readEntries(input, dataFrom) });
  }
  input.end();
  return { follows, steps };
}

function readVote(input: ByteReader): ReturnType<typeof nodeId> | null {
  const vote = input.nullableString();
  return vote === null ? null : nodeId(vote);
}

/** Magic number of a segment's records. It differs between segments, so that old records of a recycled file differ. */
const magicOf = (salt: number): number => (RECORD_MAGIC ^ salt) >>> 0;

/** CRC over length, number and payload up to the end of `record`, without the magic and the CRC itself. */
function recordCrc(record: Buffer, salt: number): number {
  return crc32(record.subarray(RECORD_HEADER_BYTES), crc32(record.subarray(4, 12), salt));
}

function hasRecordBehind(file: Buffer, damagedAt: number, salt: number, number: number): boolean {
  const magic = Buffer.alloc(4);
  magic.writeUInt32BE(magicOf(salt));
  for (let at = damagedAt + 1; ; at++) {
    at = file.indexOf(magic, at);
    if (at === -1 || file.length - at < RECORD_HEADER_BYTES) return false;
    const end = at + RECORD_HEADER_BYTES + file.readUInt32BE(at + 4);
    if (end > file.length || file.readUInt32BE(at + 8) < number) continue;
    if (recordCrc(file.subarray(at, end), salt) === file.readUInt32BE(at + 12)) return true;
  }
}

function strayBehind(file: Buffer, end: number, { salt, recycled }: SegmentHeader): number {
  if (!recycled) return Math.max(0, lastNonZero(file, end) + 1 - end);
  // In a recycled file, only the magic at its beginning distinguishes a record from the earlier content.
  if (file.length - end < RECORD_HEADER_BYTES || file.readUInt32BE(end) !== magicOf(salt)) return 0;
  return Math.min(file.length - end, RECORD_HEADER_BYTES + file.readUInt32BE(end + 4));
}

/** Offset of the last byte at or after `from` that is not zero; `from` − 1 if there is none. */
function lastNonZero(file: Buffer, from: number): number {
  let at = file.length;
  while (at - from >= ZEROS.length && file.subarray(at - ZEROS.length, at).equals(ZEROS)) at -= ZEROS.length;
  while (at > from && file[at - 1] === 0) at--;
  return at - 1;
}
