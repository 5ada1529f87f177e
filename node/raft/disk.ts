import { becomeFollower } from './role.ts';
import type { ServerState } from './state.ts';

/**
 * A disk that neither completes a write nor fails it leaves a server half alive: its heartbeats would keep the others
 * from electing another leader, although it can neither commit nor vote. So a leader whose write has been under way for
 * an election timeout steps down, as if it had lost its followers, and no such server starts an election or promises a
 * vote.
 */
export function diskHangs({ diskBusySinceMs, nowMs, config }: ServerState): boolean {
  return diskBusySinceMs !== null && nowMs - diskBusySinceMs >= config.electionTimeoutMaxMs;
}

/** Returns whether it did. */
export function stepDownIfDiskHangs(state: ServerState): boolean {
  if (!diskHangs(state)) return false;
  const hangsMs = Math.round(state.nowMs - state.diskBusySinceMs!);
  becomeFollower(state, state.currentTerm, null, `its disk has not ended a write for ${hangsMs} ms`);
  return true;
}
