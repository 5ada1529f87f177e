import type { Message } from '../message.ts';
import { logIndex, nodeId, term } from '../types.ts';
import type { Entry, LogIndex, NodeId, Term } from '../types.ts';

/** Words of a transcript for a message, such as `AppendEntries from=n2 term=3 prev=2/1 commit=1 entries=3,3`. */
export interface MessageWords {
  readonly type: string;
  readonly to: NodeId;
  readonly named: (name: string) => string | undefined;
}

/**
 * Makes a message that a script delivers to `to`. The sender need not exist. Positions are index/term, as in the output
 * of transcripts. A value that is absent is 0 or false.
 */
export function parseMessage({ type, to, named }: MessageWords): Message {
  const number = (name: string): number => Number(named(name) ?? 0);
  const is = (name: string): boolean => named(name) === 'yes';
  const [at, ofTerm] = position(named('prev') ?? named('last') ?? '0/0');
  const preVote = type.startsWith('PreVote');
  const head = { from: nodeId(named('from')!), incarnation: 0, to, term: term(number('term')) };
  switch (type) {
    case 'PreVote':
    case 'RequestVote': {
      const last = { lastLogIndex: at, lastLogTerm: ofTerm };
      return { type: 'RequestVote', ...head, preVote, transfer: is('transfer'), ...last };
    }
    case 'PreVoteResponse':
    case 'RequestVoteResponse':
      return { type: 'RequestVoteResponse', ...head, preVote, voteGranted: is('granted') };
    case 'AppendEntries': {
      const entries = entriesAfter(at, named('entries') ?? '');
      const leaderCommit = logIndex(number('commit'));
      return { type, ...head, prevLogIndex: at, prevLogTerm: ofTerm, entries, leaderCommit };
    }
    case 'AppendEntriesResponse': {
      const refused = named('refuses');
      const [conflictIndex, conflictTerm] = position(named('conflict') ?? '0/0');
      const matchIndex = logIndex(Number(refused ?? named('has')));
      return { type, ...head, success: refused === undefined, matchIndex, conflictTerm, conflictIndex };
    }
    case 'Heartbeat': {
      const [commit, commitTerm] = position(named('commit') ?? '0/0');
      return { type, ...head, commit, commitTerm, readContext: number('read') };
    }
    case 'HeartbeatResponse':
      return { type, ...head, readContext: number('read') };
    case 'TimeoutNow':
      return { type, ...head };
    default:
      throw new Error(`a transcript cannot make a message of type ${type}`);
  }
}

/** Entries after `prev`, from their terms, such as `entries=3,3`. */
function entriesAfter(prev: LogIndex, terms: string): Entry[] {
  return terms
    .split(',')
    .filter(Boolean)
    .map((ofTerm, at) => ({
      index: logIndex(prev + 1 + at),
      term: term(Number(ofTerm)),
      kind: 'command',
      data: new TextEncoder().encode(`of ${ofTerm}`),
    }));
}

function position(text: string): [LogIndex, Term] {
  const [index, ofTerm] = text.split('/').map(Number);
  return [logIndex(index ?? 0), term(ofTerm ?? 0)];
}
