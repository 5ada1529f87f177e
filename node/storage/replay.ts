import type { Entry, HardState, LogIndex, Term } from '../raft/types.ts';
import type { LogWrite, SnapshotHeader } from '../replica/ports.ts';

/** State of a log after the steps so far. It is changed in place. */
export interface Replayed {
  hardState: HardState;
  /** Index before the first of `entries`. */
  base: number;
  /** Last index of a snapshot that has replaced the log. No entry up to it is written again. */
  floor: number;
  /** Entries from `base` + 1 on, without gaps. */
  readonly entries: Entry[];
}

/** A log without entries. `follows`: last index that earlier steps have written; 0: there were none. */
export function emptyLog(follows: number): Replayed {
  return { hardState: NO_HARD_STATE, base: follows, floor: 0, entries: [] };
}

/** Applies steps to a log. Returns the reason if they are not possible; else null. */
export function replay(log: Replayed, steps: readonly LogWrite[]): string | null {
  for (const { hardState, snapshot, entries } of steps) {
    if (hardState !== null) {
      if (hardState.term < log.hardState.term)
        return `term ${hardState.term} after term ${log.hardState.term}`;
      log.hardState = hardState;
    }
    if (snapshot !== null) {
      log.base = snapshot.index;
      log.floor = snapshot.index;
      log.entries.length = 0;
    }
    const problem = putEntries(log, entries);
    if (problem !== null) return problem;
  }
  return null;
}

/** Index of the last entry, or the index before the first. */
export function lastIndexOf({ base, entries }: Replayed): LogIndex {
  return (base + entries.length) as LogIndex;
}

/**
 * Returns the entries after `snapshot`: if the log has the snapshot's last entry, all entries after it; else none
 * (figure 13, rules 6 and 7). Returns a text if the snapshot cannot belong to this log.
 */
export function entriesAfterSnapshot(log: Replayed, snapshot: SnapshotHeader | null): Entry[] | string {
  const { base, entries } = log;
  if (base > (snapshot?.index ?? 0)) {
    const where = snapshot === null ? 'there is no snapshot' : `the snapshot ends at ${snapshot.index}`;
    return `the log begins after entry ${base}, but ${where}`;
  }
  if (snapshot === null) return entries;
  return holds(log, snapshot) ? entries.slice(snapshot.index - base) : [];
}

/** True if the log has the last entry of `snapshot`, or begins after it. */
export function holds(log: Replayed, { index, term }: SnapshotHeader): boolean {
  return index === log.base || log.entries[index - log.base - 1]?.term === term;
}

function putEntries(log: Replayed, entries: readonly Entry[]): string | null {
  const first = entries[0];
  if (first === undefined) return null;
  if (first.index <= log.floor)
    return `entry ${first.index}, although a snapshot replaces all entries up to ${log.floor}`;
  // These entries replace those of earlier steps.
  if (first.index <= log.base) log.base = first.index - 1;
  if (first.index > lastIndexOf(log) + 1) return `entry ${first.index} after entry ${lastIndexOf(log)}`;
  log.entries.length = first.index - log.base - 1;
  for (const entry of entries) {
    const before = log.entries.at(-1)?.term ?? 0;
    if (entry.term < before) return `entry ${entry.index} of term ${entry.term} after one of term ${before}`;
    if (entry.term > log.hardState.term)
      return `entry ${entry.index} of term ${entry.term} above the stored term ${log.hardState.term}`;
    log.entries.push(entry);
  }
  return null;
}

const NO_HARD_STATE: HardState = { term: 0 as Term, votedFor: null };
