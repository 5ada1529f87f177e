import { join } from 'node:path';
import { MalformedBytes } from '../kv/bytes.ts';
import type { Entry, HardState } from '../raft/types.ts';
import { StorageError } from '../replica/ports.ts';
import type { Identity, Recovered, SnapshotHeader } from '../replica/ports.ts';
import type { Files } from './files.ts';
import { decodeIdentity } from './identity.ts';
import { emptyLog, entriesAfterSnapshot, holds, lastIndexOf, replay } from './replay.ts';
import type { Replayed } from './replay.ts';
import { HEADER_BYTES, parseSegment } from './segment.ts';
import type { ParsedSegment } from './segment.ts';
import { segmentPath } from './segment-supply.ts';

export interface Found {
  readonly recovered: Recovered;
  /** The segment to continue; null: a new one must begin. */
  readonly current: ParsedSegment | null;
  /** Number of the segment in which to continue. */
  readonly number: number;
  /** Earlier segments, each with its highest index. */
  readonly older: readonly SegmentExtent[];
  readonly lastIndexInCurrent: number;
  /** Last index of the stored log. */
  readonly storedLast: number;
  /** True if the snapshot must replace the stored log before anything else is written. */
  readonly replaced: boolean;
  /** Segments that were left by a crash during the removal of older segments. */
  readonly strays: readonly number[];
}

/** Range of a segment's entries. */
export interface SegmentExtent {
  readonly number: number;
  lastIndex: number;
}

const SEGMENT_NAME = /^wal-(\d{10})\.log$/;
export const IDENTITY_NAME = 'identity';

/** Reads the file `identity`; null: there is none. */
export async function readIdentity(
  files: Files,
  folder: string,
  names: readonly string[],
): Promise<Identity | null> {
  if (!names.includes(IDENTITY_NAME)) return null;
  const identity = decodeIdentity(await files.readAll(join(folder, IDENTITY_NAME)));
  return (
    identity ??
    damaged(folder, join(folder, IDENTITY_NAME), 0, 'it is not an identity, or its CRC-32 is wrong')
  );
}

export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Assembles the log from the segments and the snapshot before them. Writes nothing. */
export async function recoverLog(
  files: Files,
  folder: string,
  names: readonly string[],
  { identity, snapshot }: { identity: Identity; snapshot: SnapshotHeader | null },
): Promise<Found> {
  const all = segmentNumbers(names);
  const numbers = withoutGaps(all);
  // Of the entries that a snapshot covers, only indexes and terms are needed. With their data, a long log would need
  // too much memory.
  const segments = await readSegments(files, { folder, numbers, dataFrom: (snapshot?.index ?? 0) + 1 });
  const first = numbers[0];
  if (first === undefined) return damaged(folder, segmentPath(folder, 1), 0, 'the segment is missing');
  const { follows } = segments[0]?.parsed ?? { follows: null };
  const missing = all.length > numbers.length ? first - 1 : 1;
  if (first > 1 && follows === null)
    return damaged(folder, segmentPath(folder, missing), 0, 'the segment is missing');

  const log = emptyLog(first === 1 ? 0 : follows!);
  const extents = replayAll(folder, log, segments);
  const entries = entriesAfterSnapshot(log, snapshot);
  if (typeof entries === 'string') {
    if (first > 1)
      return damaged(folder, segmentPath(folder, missing), 0, `the segment is missing: ${entries}`);
    return damaged(folder, segmentPath(folder, first), HEADER_BYTES, entries);
  }
  const current = segments.at(-1)?.parsed ?? null;
  return {
    recovered: {
      identity,
      hardState: withTermOf(snapshot, log.hardState),
      snapshot,
      entries,
      tornBytes: current?.strayBytes ?? 0,
    },
    current,
    number: numbers.at(-1)!,
    older: extents.slice(0, -1),
    lastIndexInCurrent: extents.at(-1)!.lastIndex,
    storedLast: lastIndexOf(log),
    replaced: snapshot !== null && !holds(log, snapshot),
    strays: all.slice(0, all.length - numbers.length),
  };
}

interface ReadSegment {
  readonly number: number;
  /** Content; null: the segment was being made when the node ended, and has no records. */
  readonly parsed: ParsedSegment | null;
}

interface Wanted {
  readonly folder: string;
  readonly numbers: readonly number[];
  readonly dataFrom: number;
}

async function readSegments(files: Files, wanted: Wanted): Promise<ReadSegment[]> {
  const segments: ReadSegment[] = [];
  for (const number of wanted.numbers)
    segments.push({ number, parsed: await readSegment(files, number, wanted) });
  return segments;
}

async function readSegment(
  files: Files,
  number: number,
  { folder, numbers, dataFrom }: Wanted,
): Promise<ParsedSegment | null> {
  const last = number === numbers.at(-1);
  const path = segmentPath(folder, number);
  const file = await files.readAll(path);
  let parsed: ParsedSegment;
  try {
    parsed = parseSegment(file, dataFrom);
  } catch (error) {
    // The header is durable before the first record is written, so a file that is not longer than the header never had
    // a record.
    if (last && file.length <= HEADER_BYTES) return null;
    if (error instanceof MalformedBytes) return damaged(folder, path, 0, error.message);
    throw error;
  }
  if (parsed.header.number !== number)
    return damaged(folder, path, 12, `its header is that of segment ${parsed.header.number}`);
  if (parsed.damage !== null && (!last || parsed.goodRecordAfter)) {
    const behind = parsed.goodRecordAfter ? ', and valid records follow' : '';
    return damaged(folder, path, parsed.end, `${parsed.damage}${behind}`);
  }
  return parsed;
}

function replayAll(folder: string, log: Replayed, segments: readonly ReadSegment[]): SegmentExtent[] {
  return segments.map(({ number, parsed }) => {
    if (parsed === null) return { number, lastIndex: 0 };
    const problem = replay(log, parsed.steps);
    if (problem !== null) return damaged(folder, segmentPath(folder, number), parsed.end, problem);
    const lastIndex = parsed.steps.reduce((most, { entries }) => Math.max(most, lastOf(entries)), 0);
    return { number, lastIndex };
  });
}

const lastOf = (entries: readonly Entry[]): number => entries.at(-1)?.index ?? 0;

/** The longest run without gaps at the end. Older segments are removed first, but a crash may restore some of them. */
function withoutGaps(numbers: readonly number[]): number[] {
  let first = numbers.length - 1;
  while (first > 0 && numbers[first - 1] === numbers[first]! - 1) first--;
  return numbers.slice(Math.max(0, first));
}

/** A snapshot may be durable before the term in which it was received. In that term there was no vote. */
function withTermOf(snapshot: SnapshotHeader | null, hardState: HardState): HardState {
  if (snapshot === null || snapshot.term <= hardState.term) return hardState;
  return { term: snapshot.term, votedFor: null };
}

export function damaged(folder: string, path: string, offset: number, what: string): never {
  throw new StorageError(
    `data folder ${folder}: ${path}, offset ${offset}: ${what}. This is damage, not an interrupted write, so the node ` +
      'cannot repair it; restore the folder, or replace the node by a new one with a membership change',
  );
}
