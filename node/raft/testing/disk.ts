import type { SnapshotMeta } from '../configuration.ts';
import type { Ready } from '../ready.ts';
import type { InitialState } from '../state.ts';
import { term } from '../types.ts';
import type { Entry, HardState } from '../types.ts';

/** Content of one server's storage, which survives crashes. */
export interface Disk {
  hardState: HardState;
  readonly incarnation: number;
  snapshot: SnapshotMeta | null;
  /** Log without gaps. It begins after the snapshot, or earlier if it was not compacted. */
  entries: Entry[];
}

export const newDisk = (incarnation = 0): Disk => ({
  hardState: { term: term(0), votedFor: null },
  incarnation,
  snapshot: null,
  entries: [],
});

/**
 * Stores a Ready as a write-ahead log does: an entry replaces all from its index on, a snapshot replaces everything.
 */
export function store(disk: Disk, { hardState, snapshot, entries }: Ready): void {
  if (hardState !== null) disk.hardState = hardState;
  if (snapshot !== null) {
    disk.snapshot = snapshot;
    disk.entries = [];
  }
  const first = entries[0];
  if (first === undefined) return;
  const from = disk.entries[0]?.index ?? first.index;
  disk.entries.length = Math.max(0, first.index - from);
  for (const entry of entries) disk.entries.push(entry);
}

/** Stores a snapshot that was taken on this server, and removes the entries up to `upTo`. An older one is ignored. */
export function compact(disk: Disk, snapshot: SnapshotMeta, upTo: number): void {
  if (disk.snapshot !== null && disk.snapshot.index >= snapshot.index) return;
  disk.snapshot = snapshot;
  disk.entries = disk.entries.filter(({ index }) => index > upTo);
}

/** Initial data of a server that starts with this disk. */
export function recover({ hardState, incarnation, snapshot, entries }: Disk): Omit<InitialState, 'nowMs'> {
  const behind = snapshot?.index ?? 0;
  return { hardState, incarnation, snapshot, entries: entries.filter(({ index }) => index > behind) };
}
/** The last index that is on the disk, in the log or in the snapshot. */
export function lastStored({ snapshot, entries }: Disk): number {
  return entries.at(-1)?.index ?? snapshot?.index ?? 0;
}

/** The term of the entry at `index`; undefined if it is not stored, or covered by the snapshot before its end. */
export function storedTerm({ snapshot, entries }: Disk, index: number): number | undefined {
  if (index === snapshot?.index) return snapshot.term;
  return entries[index - (entries[0]?.index ?? 0)]?.term;
}
