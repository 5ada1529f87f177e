import { incarnationOf } from './membership.ts';
import type { Progress } from './progress.ts';
import type { TransferResult } from './ready.ts';
import { envelope } from './state.ts';
import type { Leader, ServerState, Transfer } from './state.ts';
import type { NodeId } from './types.ts';

/**
 * Leadership transfer (dissertation 3.10). The leader accepts no proposals, waits until the target has its whole log,
 * and then asks it to start an election at once, without an election timeout. If the leader still leads one election
 * timeout later, it gives up the transfer.
 *
 * If `to` is null, the voter with the highest match index is the target. A repeated request for the transfer under way
 * changes nothing.
 */
export function beginTransfer(state: ServerState, leader: Leader, to: NodeId | null): TransferResult {
  const { config, nowMs } = state;
  const { transfer } = leader;
  if (transfer !== null && (to === null || to === transfer.to)) return { ok: true, to: transfer.to };
  if (transfer !== null)
    return { ok: false, reason: 'busy', detail: `a transfer to ${transfer.to} is under way` };
  const target = to ?? mostUpToDate(state, leader);
  if (target === null)
    return { ok: false, reason: 'bad-target', detail: 'no other voter has answered recently' };
  const problem = whyNot(state, leader, target);
  if (problem !== null) return { ok: false, reason: 'bad-target', detail: problem };
  leader.transfer = { to: target, deadlineMs: nowMs + config.electionTimeoutMinMs, asked: false };
  leader.appendsDue = true;
  return { ok: true, to: target };
}

/**
 * Asks the target to start an election when it has every entry. By then every entry is committed, so no client has an
 * unknown outcome.
 */
export function continueTransfer(state: ServerState, leader: Leader, transfer: Transfer): void {
  const { lastIndex } = state.log;
  if (transfer.asked || state.commitIndex < lastIndex) return;
  if (leader.progress.get(transfer.to)?.matchIndex !== lastIndex) return;
  transfer.asked = true;
  leader.lease?.end();
  sendTimeoutNow(state, transfer.to);
}

/** Call it when a heartbeat is due: asks the target again, or gives up a transfer that has lasted too long. */
export function transferBeat(state: ServerState, leader: Leader, transfer: Transfer): void {
  if (state.nowMs >= transfer.deadlineMs || !leader.progress.has(transfer.to)) leader.transfer = null;
  else if (transfer.asked) sendTimeoutNow(state, transfer.to);
}

/**
 * A leader that leaves the cluster asks the voter with the highest match index to succeed it; if that message is lost,
 * an election timeout passes.
 */
export function nameSuccessor(state: ServerState, leader: Leader): void {
  const successor = mostUpToDate(state, leader);
  if (successor !== null) sendTimeoutNow(state, successor);
}

function sendTimeoutNow(state: ServerState, to: NodeId): void {
  state.outbox.messages.push({ type: 'TimeoutNow', ...envelope(state, to), term: state.currentTerm });
}

function mostUpToDate(state: ServerState, leader: Leader): NodeId | null {
  let best: [NodeId, Progress] | null = null;
  for (const [id, progress] of leader.progress) {
    if (whyNot(state, leader, id) !== null) continue;
    if (best === null || progress.matchIndex > best[1].matchIndex) best = [id, progress];
  }
  return best?.[0] ?? null;
}

/** Returns the reason why a transfer to `to` cannot succeed, or null. Such a transfer must not block proposals. */
function whyNot(state: ServerState, leader: Leader, to: NodeId): string | null {
  if (to === state.config.id) return `${to} leads already`;
  const { current } = state.membership;
  const progress = leader.progress.get(to);
  if (progress === undefined || !current.voters.includes(to)) return `${to} is not a voter of this cluster`;
  if (progress.incarnation !== incarnationOf(current, to))
    return `${to} has lost its data folder, and may not vote`;
  const silentMs = Math.round(state.nowMs - progress.lastContactMs);
  if (silentMs >= state.config.electionTimeoutMinMs) return `${to} has not answered for ${silentMs} ms`;
  return null;
}
