import type { Entry, HardState } from '../raft/types.ts';
import type { LogWrite } from '../replica/ports.ts';

export interface Replayed {
  hardState: HardState;
  /** From index 1 on, no gaps. */
  readonly entries: Entry[];
}

/** Carries steps out on a log in memory, in place. Returns what makes them impossible, or null. */
export function replay(log: Replayed, steps: readonly LogWrite[]): string | null {
  for (const { hardState, entries } of steps) {
    if (hardState !== null) {
      if (hardState.term < log.hardState.term)
        return `term ${hardState.term} after term ${log.hardState.term}`;
      log.hardState = hardState;
    }
    const first = entries[0];
    if (first === undefined) continue;
    if (first.index > log.entries.length + 1) return `entry ${first.index} after entry ${log.entries.length}`;
    log.entries.length = first.index - 1;
    for (const entry of entries) {
      const before = log.entries.at(-1)?.term ?? 0;
      if (entry.term < before)
        return `entry ${entry.index} of term ${entry.term} after one of term ${before}`;
      if (entry.term > log.hardState.term) {
        return `entry ${entry.index} of term ${entry.term} above the stored term ${log.hardState.term}`;
      }
      log.entries.push(entry);
    }
  }
  return null;
}
