import type { SnapshotMeta } from './configuration.ts';
import { entryCost } from './log.ts';
import type { Leader, ServerState } from './state.ts';
import type { Entry, EntryKind, LogIndex } from './types.ts';

/*
 * Every change of the log goes through here, so that the membership (§6: the latest configuration in the log counts)
 * and the trace follow it.
 */

/** Appends an entry that this leader makes. Its cost counts until it is committed. */
export function appendOwn(state: ServerState, leader: Leader, kind: EntryKind, data: Uint8Array): LogIndex {
  const index = (state.log.lastIndex + 1) as LogIndex;
  leader.uncommittedBytes += entryCost(data.length);
  leader.appendsDue = true;
  appendToLog(state, { index, term: state.currentTerm, kind, data });
  return index;
}

/** Appends an entry. `truncatedFrom`: the index from which entries were removed just before, or null. */
export function appendToLog(state: ServerState, entry: Entry, truncatedFrom: LogIndex | null = null): void {
  const { log, membership, outbox } = state;
  log.append(entry);
  outbox.replicated(entry, truncatedFrom);
  if (entry.kind !== 'config') return;
  membership.append(entry);
  outbox.event({ type: 'ChangeConf', index: entry.index, configuration: membership.current });
}

/** Removes the entries from `from` on. A configuration among them is no longer in force. */
export function truncateLog({ log, membership, outbox }: ServerState, from: LogIndex): void {
  log.truncateFrom(from);
  if (!membership.truncateFrom(from)) return;
  outbox.event({ type: 'ChangeConf', index: membership.index, configuration: membership.current });
}

/** Replaces the whole log by a snapshot, which holds only committed entries. */
export function restoreLog(state: ServerState, snapshot: SnapshotMeta): void {
  const { log, membership, outbox } = state;
  const { index, configuration } = snapshot;
  log.restore(snapshot);
  membership.reset({ index, configuration });
  state.snapshot = snapshot;
  state.commitIndex = index;
  state.deliveredIndex = index;
  outbox.snapshot = snapshot;
  outbox.event({ type: 'InstallSnapshot', snapshot });
}
