import type { SnapshotMeta } from './configuration.ts';
import { broken } from './invariant.ts';
import { restoreLog } from './log-change.ts';
import type { InstallSnapshot } from './message.ts';
import { acknowledge, commitTo, followLeader } from './replication.ts';
import type { ServerState } from './state.ts';
import type { LogIndex } from './types.ts';

/** Figure 13, receiver, once all of the data is there. Call it for a message of the current term. */
export function handleInstallSnapshot(state: ServerState, m: InstallSnapshot): void {
  followLeader(state, m.from);
  install(state, m.snapshot);
  // The committed entries here are in the leader's log, too, either in the snapshot or after it.
  acknowledge(state, m.from, state.commitIndex);
}

/**
 * A snapshot of committed entries is valid for ever: if its transfer took so long that its leader has a successor, it
 * need not be sent again. A leader or candidate needs none.
 */
export function installFromOldLeader(state: ServerState, { snapshot }: InstallSnapshot): void {
  if (state.role.name === 'follower') install(state, snapshot);
}

/**
 * A snapshot that was taken here covers the log up to `snapshot.index`; entries up to `upTo` are dropped. One that has
 * been overtaken by a newer one changes nothing.
 */
export function compactLog(state: ServerState, snapshot: SnapshotMeta, upTo: LogIndex): void {
  const { log, membership } = state;
  const { index, term } = snapshot;
  if (index > state.appliedIndex || upTo > index)
    broken(`compact to ${upTo} behind snapshot ${index}, applied ${state.appliedIndex}`);
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
