import { encodeConfiguration } from './configuration.ts';
import type { Configuration, MemberChange } from './configuration.ts';
import { appendOwn } from './log-change.ts';
import { incarnationOf, isJoint, isVoter, membersOf } from './membership.ts';
import { Progress } from './progress.ts';
import { reachedByQuorum } from './quorum.ts';
import type { ChangeResult } from './ready.ts';
import { leaveJoint, reconfigured } from './reconfigure.ts';
import { becomeFollower } from './role.ts';
import { needsSnapshot, sendAppend } from './sending.ts';
import { knownLeader } from './state.ts';
import type { Leader, ServerState } from './state.ts';
import { nameSuccessor } from './transfer.ts';
import type { LogIndex, NodeId } from './types.ts';

/**
 * A leader's part of §6: it accepts one change at a time, leads the cluster through C_old,new to C_new, and then steps
 * down if it is not in C_new.
 */
export function proposeConfiguration(state: ServerState, changes: readonly MemberChange[]): ChangeResult {
  const { role, membership, commitIndex, currentTerm: term } = state;
  if (role.name !== 'leader') return { ok: false, reason: 'not-leader', leader: knownLeader(state) };
  // Before an entry of its own term is committed, this leader may not know that another leader's change is committed.
  // Its own change could then lead to two majorities that share no server (the bug of 2015 in single-server changes).
  if (commitIndex < role.firstIndex || role.transfer !== null) return { ok: false, reason: 'busy' };
  if (isJoint(membership.current) || membership.index > commitIndex)
    return { ok: false, reason: 'change-under-way' };
  const next = reconfigured(membership.current, changes, (id) => readiness(state, role, id));
  const problem = typeof next === 'string' ? next : unheard(state, role, next);
  if (typeof next === 'string' || problem !== null)
    return { ok: false, reason: 'bad-change', detail: problem! };
  return { ok: true, index: appendConfiguration(state, role, next), term };
}

/** Makes the next step of a change that is under way. Call it after the leader's commit index has moved. */
export function advanceChange(state: ServerState, leader: Leader): void {
  const { membership, commitIndex } = state;
  if (membership.index > commitIndex) return;
  if (isJoint(membership.current)) {
    // This includes a change that a predecessor began: it is committed, so it cannot be undone.
    if (commitIndex >= leader.firstIndex) appendConfiguration(state, leader, leaveJoint(membership.current));
    return;
  }
  const leaves = !isVoter(membership.current, state.config.id);
  // §6: until now this leader has led a cluster that it is not a member of, without counting itself.
  if (leaves)
    becomeFollower(state, state.currentTerm, null, `no voter of the configuration at ${membership.index}`);
  if (leaves || leader.hasDeparting) sayFarewell(state, leader, leaves);
  if (leaves) nameSuccessor(state, leader);
}

function appendConfiguration(state: ServerState, leader: Leader, configuration: Configuration): LogIndex {
  const index = appendOwn(state, leader, 'config', encodeConfiguration(configuration));
  const members = membersOf(configuration);
  for (const id of members) {
    if (id === state.config.id || leader.progress.has(id)) continue;
    leader.progress.set(id, new Progress({ nextIndex: index, incarnation: null, nowMs: state.nowMs }));
  }
  leader.hasDeparting = [...leader.progress.keys()].some((id) => !members.has(id));
  return index;
}

/**
 * Tells each server that was removed from the cluster that it was removed, if it can be reached. If the leader itself
 * leaves, all servers are told.
 */
function sayFarewell(state: ServerState, leader: Leader, toAll: boolean): void {
  const members = membersOf(state.membership.current);
  for (const [to, progress] of leader.progress) {
    const departs = !members.has(to);
    if ((departs || toAll) && progress.mode === 'replicate' && !needsSnapshot(state, progress))
      sendAppend(state, to, progress, []);
    if (departs) leader.progress.delete(to);
  }
  leader.hasDeparting = false;
}

function readiness({ log, nowMs, config }: ServerState, leader: Leader, id: NodeId): number | string {
  const { incarnation, mode, matchIndex, lastContactMs } = leader.progress.get(id)!;
  if (incarnation === null || nowMs - lastContactMs >= config.electionTimeoutMaxMs)
    return `${id} has not answered the leader recently`;
  const behind = log.lastIndex - matchIndex;
  if (mode === 'replicate' && behind <= mostEntriesBehind) return incarnation;
  return `${id} lacks ${behind} entries: promote it after it has caught up`;
}

/**
 * The reason why no quorum of `next` could commit now, or null. Such a configuration could never be changed again. A
 * server that lost its folder does not count.
 */
function unheard({ config, nowMs }: ServerState, leader: Leader, next: Configuration): string | null {
  const lastHeardMs = reachedByQuorum(next, (id) => {
    if (id === config.id) return nowMs;
    const { incarnation, lastContactMs } = leader.progress.get(id)!;
    return incarnation === incarnationOf(next, id) ? lastContactMs : -Infinity;
  });
  if (nowMs - lastHeardMs < config.electionTimeoutMaxMs) return null;
  return `no majority of the new voters ${next.voters.join(', ')} has answered the leader recently`;
}

/** Dissertation 4.2.1: a new voter that lacks many entries would delay all commits that need it. */
const mostEntriesBehind = 10_000;
