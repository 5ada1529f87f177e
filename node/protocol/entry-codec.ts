import { MalformedBytes } from '../kv/bytes.ts';
import type { ByteReader, ByteWriter } from '../kv/bytes.ts';
import { decodeConfiguration } from '../raft/configuration.ts';
import { logIndex, term } from '../raft/types.ts';
import type { Entry, EntryKind } from '../raft/types.ts';

/**
 * One form for a log entry wherever it lies: u64 index, u64 term, u8 kind, data (u32 length). In peer frames
 * and in the write-ahead log.
 */
export const ENTRY_OVERHEAD_BYTES = 21;

export const KIND_CODE: Readonly<Record<EntryKind, number>> = { noop: 0, command: 1, config: 2 };

export function writeEntries(out: ByteWriter, entries: readonly Entry[]): void {
  out.u32(entries.length);
  for (const entry of entries) {
    out.u64(entry.index);
    out.u64(entry.term);
    out.u8(KIND_CODE[entry.kind]);
    out.bytes(entry.data);
  }
}

/**
 * The entries' data are views of the input. Throws `MalformedBytes`; also for entries whose indexes are not
 * consecutive.
 */
export function readEntries(input: ByteReader): Entry[] {
  const count = input.u32();
  if (count * ENTRY_OVERHEAD_BYTES > input.left) {
    throw new MalformedBytes(`${count} entries announced, ${input.left} bytes left`);
  }
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    const entry: Entry = {
      index: logIndex(input.u64()),
      term: term(input.u64()),
      kind: readKind(input),
      data: input.bytes(),
    };
    if (entry.kind === 'config' && decodeConfiguration(entry.data) === null) {
      throw new MalformedBytes(`entry ${entry.index} holds no configuration`);
    }
    if (entry.index === 0 || (i > 0 && entry.index !== entries[i - 1]!.index + 1)) {
      throw new MalformedBytes(`entry ${entry.index} after entry ${entries[i - 1]?.index ?? 0}`);
    }
    entries.push(entry);
  }
  return entries;
}

function readKind(input: ByteReader): EntryKind {
  const code = input.u8();
  if (code === KIND_CODE.noop) return 'noop';
  if (code === KIND_CODE.command) return 'command';
  if (code === KIND_CODE.config) return 'config';
  throw new MalformedBytes(`unknown kind of entry ${code}`);
}
