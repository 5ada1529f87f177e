import { MalformedBytes } from '../kv/bytes.ts';
import type { ByteReader, ByteWriter } from '../kv/bytes.ts';
import { decodeConfiguration } from '../raft/configuration.ts';
import { logIndex, term } from '../raft/types.ts';
import type { Entry, EntryKind } from '../raft/types.ts';

/**
 * Size of an entry without its data, in bytes. An entry is u64 index, u64 term, u8 kind, data (u32 length), both in
 * peer frames and in the write-ahead log.
 */
export const ENTRY_OVERHEAD_BYTES = 21;

export const KIND_CODE: Readonly<Record<EntryKind, number>> = { noop: 0, command: 1, config: 2 };

/** Minimum size of a run of entries that is passed on without a copy, in bytes. */
const LONG_RUN_BYTES = 8 << 10;

/**
 * Writes entries to `out`. A long run of entries that is in memory in its encoded form is passed to `aside` instead,
 * without a copy. Its bytes follow those that are in `out` at this time.
 */
export function writeEntries(
  out: ByteWriter,
  entries: readonly Entry[],
  aside?: (run: Buffer) => void,
): void {
  out.u32(entries.length);
  for (let i = 0; i < entries.length;) {
    const run = encodedRun(entries, i);
    if (run === 0) writeEntry(out, entries[i++]!);
    else {
      const [first, last] = [entries[i]!.data, entries[i + run - 1]!.data];
      const from = first.byteOffset - ENTRY_OVERHEAD_BYTES;
      const bytes = Buffer.from(first.buffer, from, last.byteOffset + last.length - from);
      if (aside !== undefined && bytes.length >= LONG_RUN_BYTES) aside(bytes);
      else out.raw(bytes);
      i += run;
    }
  }
}

function writeEntry(out: ByteWriter, entry: Entry): void {
  out.u64(entry.index);
  out.u64(entry.term);
  out.u8(KIND_CODE[entry.kind]);
  out.bytes(entry.data);
}

/**
 * Number of consecutive entries, beginning with `entries[i]`, that are in memory in their encoded form. This is so for
 * entries that were read from a message or the log, and for entries of an `EntrySlab`. It is checked for each entry:
 * the bytes before its data must be equal to its encoded header.
 */
function encodedRun(entries: readonly Entry[], i: number): number {
  const { buffer, byteOffset } = entries[i]!.data;
  if (byteOffset < ENTRY_OVERHEAD_BYTES) return 0;
  const memory = Buffer.from(buffer);
  let run = 0;
  for (let at = byteOffset; i + run < entries.length; run++) {
    const entry = entries[i + run]!;
    const { data } = entry;
    if (data.byteOffset !== at || data.buffer !== buffer || !hasHeader(memory, at, entry)) break;
    at += data.length + ENTRY_OVERHEAD_BYTES;
  }
  return run;
}

/** True if the bytes before `dataAt` are the encoding of `entry` without its data. */
function hasHeader(memory: Buffer, dataAt: number, { index, term, kind, data }: Entry): boolean {
  const at = dataAt - ENTRY_OVERHEAD_BYTES;
  return (
    memory.readUInt32BE(at + 4) === index >>> 0 &&
    memory.readUInt32BE(at + 17) === data.length &&
    memory.readUInt32BE(at + 12) === term >>> 0 &&
    memory[at + 16] === KIND_CODE[kind] &&
    memory.readUInt32BE(at) === (index / 2 ** 32) >>> 0 &&
    memory.readUInt32BE(at + 8) === (term / 2 ** 32) >>> 0
  );
}

/**
 * Memory for commands that will become entries. They have their encoded form from the start: each is copied once, from
 * its connection, and is then written to the disk and sent to every follower without another copy.
 */
export class EntrySlab {
  #memory = Buffer.alloc(0);
  #end = 0;

  /** Returns a copy of `data` with room for the entry's header before it. */
  keep(data: Uint8Array): Uint8Array {
    const bytes = ENTRY_OVERHEAD_BYTES + data.length;
    if (this.#end + bytes > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
      this.#end = 0;
    }
    const at = this.#end + ENTRY_OVERHEAD_BYTES;
    this.#end += bytes;
    this.#memory.set(data, at);
    return this.#memory.subarray(at, this.#end);
  }

  /** Writes the header of an entry whose data is in this slab, when its index and term are known. */
  seal({ index, term, kind, data }: Entry): void {
    const header = Buffer.from(data.buffer, data.byteOffset - ENTRY_OVERHEAD_BYTES, ENTRY_OVERHEAD_BYTES);
    header.writeUInt32BE((index / 2 ** 32) >>> 0, 0);
    header.writeUInt32BE(index >>> 0, 4);
    header.writeUInt32BE((term / 2 ** 32) >>> 0, 8);
    header.writeUInt32BE(term >>> 0, 12);
    header[16] = KIND_CODE[kind];
    header.writeUInt32BE(data.length, 17);
  }
}

/**
 * Size of a slab in bytes. Its entries can be written in one piece. It stays in memory until the log has none of them.
 */
const SLAB_BYTES = 256 << 10;

/**
 * Reads entries. Their data are views of the input; commands with an index below `dataFrom` have no data, because the
 * caller does not need it. Throws `MalformedBytes` for bytes that are not entries, or indexes that are not consecutive.
 */
export function readEntries(input: ByteReader, dataFrom = 0): Entry[] {
  const count = input.u32();
  if (count * ENTRY_OVERHEAD_BYTES > input.left) {
    throw new MalformedBytes(`${count} entries announced, ${input.left} bytes left`);
  }
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const index = logIndex(input.u64());
    const entryTerm = term(input.u64());
    const kind = readKind(input);
    const data = kind === 'config' || index >= dataFrom ? input.bytes() : skipped(input);
    const entry: Entry = { index, term: entryTerm, kind, data };
    if (entry.kind === 'config' && decodeConfiguration(entry.data) === null) {
      throw new MalformedBytes(`entry ${entry.index} has no valid configuration`);
    }
    if (entry.index === 0 || (i > 0 && entry.index !== entries[i - 1]!.index + 1)) {
      throw new MalformedBytes(`entry ${entry.index} after entry ${entries[i - 1]?.index ?? 0}`);
    }
    entries.push(entry);
  }
  return entries;
}

function skipped(input: ByteReader): Uint8Array {
  input.skipBytes();
  return NO_DATA;
}

const NO_DATA = new Uint8Array(0);

function readKind(input: ByteReader): EntryKind {
  const code = input.u8();
  if (code === KIND_CODE.noop) return 'noop';
  if (code === KIND_CODE.command) return 'command';
  if (code === KIND_CODE.config) return 'config';
  throw new MalformedBytes(`unknown kind of entry: ${code}`);
}
