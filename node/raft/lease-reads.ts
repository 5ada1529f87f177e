import type { Leader, ServerState } from './state.ts';

/** Serves the waiting reads if the lease holds and the leader's commit index is up to date (see `canBeginReads`). */
export function readByLease(state: ServerState, leader: Leader): void {
  if (canReadByLease(state, leader)) leader.reads.serve(state.commitIndex, state.outbox.reads);
}

export function canReadByLease({ commitIndex, nowMs }: ServerState, leader: Leader): boolean {
  return leader.reads.waiting > 0 && commitIndex >= leader.firstIndex && leader.lease?.holds(nowMs) === true;
}

/**
 * True if this server has promised a leader not to take part in an election yet. The promise still holds after the
 * leader's term. It is not stored, so a server behaves after every start as if it had just made one.
 */
export function hasPromised({ config, nowMs, heardLeaderMs }: ServerState): boolean {
  return config.leaseReads !== undefined && nowMs - heardLeaderMs < config.electionTimeoutMinMs;
}
