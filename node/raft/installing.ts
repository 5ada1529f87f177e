import type { SnapshotMeta } from './configuration.ts';
import { broken } from './invariant.ts';
import { restoreLog } from './log-change.ts';
import type { InstallSnapshot } from './message.ts';
import { acknowledge, commitTo, followLeader } from './replication.ts';
import type { ServerState } from './state.ts';
import type { LogIndex } from './types.ts';

/** Receiver in figure 13. Call it for a message of the current term, after all data of the snapshot has arrived. */
export function handleInstallSnapshot(state: ServerState, m: InstallSnapshot): void {
  followLeader(state, m.from);
  install(state, m.snapshot);
  // The leader also has all entries that are committed here, in the snapshot or after it.
  acknowledge(state, m.from, state.commitIndex);
}

/**
 * Installs a snapshot whose leader already has a successor. A snapshot of committed entries is valid for ever, so it
 * need not be sent again. A leader or candidate does not need it.
 */
export function installFromOldLeader(state: ServerState, { snapshot }: InstallSnapshot): void {
  if (state.role.name === 'follower') install(state, snapshot);
}

/**
 * Drops the entries up to `upTo`, because a snapshot that was taken on this server covers the log up to
 * `snapshot.index`. If there is a newer snapshot already, nothing changes.
 */
export function compactLog(state: ServerState, snapshot: SnapshotMeta, upTo: LogIndex): void {
  const { log, membership } = state;
  const { index, term } = snapshot;
  if (index > state.appliedIndex || upTo > index)
    broken(`compact to ${upTo} with a snapshot up to ${index}, but applied are ${state.appliedIndex}`);
  if (state.snapshot !== null && state.snapshot.index >= index) return;
  if (!log.matches(index, term)) broken(`snapshot of (${index}, ${term}): the log is ${log.describe()}`);
  state.snapshot = snapshot;
  if (upTo <= log.base.index) return;
  log.compactTo(upTo);
  membership.compactTo(upTo);
}

function install(state: ServerState, snapshot: SnapshotMeta): void {
  const { index, term } = snapshot;
  if (index <= state.commitIndex) return;
  // Figure 13, rule 6: later entries of the log may be acknowledged already, and must stay.
  if (state.log.matches(index, term)) commitTo(state, index);
  else restoreLog(state, snapshot);
}
