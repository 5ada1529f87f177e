import { decodeConfiguration } from '../configuration.ts';
import type { Configuration } from '../configuration.ts';
import type { Message } from '../message.ts';
import type { CoreEvent, CoreStatus, FollowerStatus, Ready } from '../ready.ts';
import type { Entry } from '../types.ts';

/* Words of transcripts. An entry is index/term, and a configuration is its quorums: (C_new)&&(C_old). */

export function describeConfiguration(configuration: Configuration): string {
  const { voters, outgoing, learners, learnersNext, incarnations } = configuration;
  const set = (ids: readonly string[]): string => `(${ids.join(' ')})`;
  const parts = [outgoing.length === 0 ? set(voters) : `${set(voters)}&&${set(outgoing)}`];
  if (learners.length > 0) parts.push(`learners ${set(learners)}`);
  if (learnersNext.length > 0) parts.push(`learners next ${set(learnersNext)}`);
  const others = Object.entries(incarnations).map(([id, incarnation]) => `${id}#${incarnation}`);
  if (others.length > 0) parts.push(`as ${others.join(' ')}`);
  return parts.join(' ');
}

export function describeEntry({ index, term, kind, data }: Entry): string {
  const head = `${index}/${term}`;
  if (kind === 'noop') return `${head} noop`;
  if (kind === 'command') return `${head} "${new TextDecoder().decode(data)}"`;
  return `${head} ${describeConfiguration(decodeConfiguration(data)!)}`;
}

export function describeMessage(m: Message): string {
  return `${m.from}->${m.to} ${describeContent(m)}`;
}

function describeContent(m: Message): string {
  switch (m.type) {
    case 'RequestVote': {
      const why = m.transfer ? ' for a transfer' : '';
      return `${m.preVote ? 'PreVote' : 'RequestVote'} term ${m.term} last ${m.lastLogIndex}/${m.lastLogTerm}${why}`;
    }
    case 'RequestVoteResponse': {
      const vote = m.voteGranted ? 'granted' : 'refused';
      return `${m.preVote ? 'PreVoteResponse' : 'RequestVoteResponse'} term ${m.term} ${vote}`;
    }
    case 'AppendEntries': {
      const entries = m.entries.length === 0 ? '' : ` [${m.entries.map(describeEntry).join(', ')}]`;
      return `AppendEntries term ${m.term} prev ${m.prevLogIndex}/${m.prevLogTerm} commit ${m.leaderCommit}${entries}`;
    }
    case 'AppendEntriesResponse': {
      const conflict = m.conflictTerm === 0 ? 'log ends before' : `term ${m.conflictTerm} from`;
      // An answer that only tells an older leader the current term has nothing about the log.
      const hint = m.conflictIndex === 0 ? '' : `: ${conflict} ${m.conflictIndex}`;
      const answer = m.success ? `has ${m.matchIndex}` : `refuses ${m.matchIndex}${hint}`;
      return `AppendEntriesResponse term ${m.term} ${answer}`;
    }
    case 'Heartbeat':
    case 'HeartbeatResponse': {
      const commit = m.type === 'Heartbeat' ? ` commit ${m.commit}/${m.commitTerm}` : '';
      return `${m.type} term ${m.term}${commit}${m.readContext > 0 ? ` read ${m.readContext}` : ''}`;
    }
    case 'InstallSnapshot': {
      const { index, term, configuration } = m.snapshot;
      return `InstallSnapshot term ${m.term} snapshot ${index}/${term} ${describeConfiguration(configuration)}`;
    }
    case 'TimeoutNow':
      return `TimeoutNow term ${m.term}`;
    default:
      return m satisfies never;
  }
}

/** Text of an event of the core; null if another part of the Ready shows the same. */
export function describeEvent(event: CoreEvent): string | null {
  switch (event.type) {
    case 'BecomeFollower':
    case 'BecomePreCandidate':
    case 'BecomeCandidate':
    case 'BecomeLeader':
      return `${event.type} term ${event.term}: ${event.reason}`;
    case 'Replicate':
      return event.truncatedFrom === null ? null : `truncates from ${event.truncatedFrom}`;
    case 'ChangeConf':
      return `uses ${describeConfiguration(event.configuration)} of ${event.index}`;
    case 'Commit':
      return `commits ${event.index}/${event.term}`;
    case 'ApplyConfChange':
      return `committed is ${describeConfiguration(event.configuration)} of ${event.index}`;
    case 'GrantVote':
    case 'InstallSnapshot':
      return null;
    default:
      return event satisfies never;
  }
}

/** The lines of a Ready in the order in which the driver carries it out. */
export function describeReady(ready: Ready): string[] {
  const { hardState, snapshot, entries, committed } = ready;
  const lines = ready.events.map(describeEvent).filter((line) => line !== null);
  lines.push(...ready.messages.map(describeMessage));
  if (hardState !== null) lines.push(`stores term ${hardState.term} vote ${hardState.votedFor ?? 'none'}`);
  if (snapshot !== null) {
    const { index, term, configuration } = snapshot;
    lines.push(`stores snapshot ${index}/${term} ${describeConfiguration(configuration)}`);
  }
  if (entries.length > 0) lines.push(`stores ${entries.map(describeEntry).join(', ')}`);
  lines.push(...ready.messagesAfterPersist.map((m) => `then ${describeMessage(m)}`));
  if (committed.length > 0) lines.push(`applies ${committed.map(describeEntry).join(', ')}`);
  lines.push(...ready.reads.map(({ requestId, index }) => `read ${requestId} at ${index}`));
  lines.push(...ready.failedReads.map((requestId) => `read ${requestId} fails`));
  return lines;
}

export function describeStatus(status: CoreStatus): string {
  const { id, role, term, votedFor, leader, commitIndex, baseIndex, lastIndex, lastTerm } = status;
  const who = `${id} ${role} term ${term} vote ${votedFor ?? 'none'} leader ${leader ?? 'none'}`;
  const log = `log ${baseIndex + 1}..${lastIndex}/${lastTerm} commit ${commitIndex}`;
  return `${who} ${log} ${describeConfiguration(status.configuration)}`;
}

export function describeFollower(follower: FollowerStatus): string {
  const { id, mode, matchIndex, nextIndex, inflight, pendingSnapshot } = follower;
  const snapshot = pendingSnapshot > 0 ? ` snapshot ${pendingSnapshot}` : '';
  return `${id} ${mode} match ${matchIndex} next ${nextIndex} inflight ${inflight}${snapshot}`;
}
