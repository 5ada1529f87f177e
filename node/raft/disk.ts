import { becomeFollower } from './role.ts';
import type { ServerState } from './state.ts';

/**
 * True if a write has been under way for an election timeout. A leader with such a disk can neither commit nor vote,
 * but its heartbeats would keep the others from electing another leader. So it steps down, as if it had lost its
 * followers, and a server with such a disk starts no election and promises no vote.
 */
export function diskHangs({ diskBusySinceMs, nowMs, config }: ServerState): boolean {
  return diskBusySinceMs !== null && nowMs - diskBusySinceMs >= config.electionTimeoutMaxMs;
}

/** Returns true if the leader stepped down. */
export function stepDownIfDiskHangs(state: ServerState): boolean {
  if (!diskHangs(state)) return false;
  const hangsMs = Math.round(state.nowMs - state.diskBusySinceMs!);
  becomeFollower(state, state.currentTerm, null, `a disk write has not ended for ${hangsMs} ms`);
  return true;
}
