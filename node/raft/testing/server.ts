import type { Message } from '../message.ts';
import { Raft } from '../raft.ts';
import type { CoreEvent, CoreStatus, RaftConfig, Ready, ReadState } from '../ready.ts';
import { logIndex, nodeId, term } from '../types.ts';
import type { Entry, NodeId, RoleName } from '../types.ts';

export const n1 = nodeId('n1');
export const n2 = nodeId('n2');
export const n3 = nodeId('n3');
export const n4 = nodeId('n4');
export const n5 = nodeId('n5');

/** A log as the paper draws it: the term of each entry, from index 1. */
export function logOf(...terms: readonly number[]): Entry[] {
  return terms.map((t, at) => entry(at + 1, t));
}

export function entry(index: number, entryTerm: number, data = `${index}/${entryTerm}`): Entry {
  return {
    index: logIndex(index),
    term: term(entryTerm),
    kind: 'command',
    data: new TextEncoder().encode(data),
  };
}

interface ServerOptions {
  readonly peers?: readonly NodeId[];
  readonly term?: number;
  readonly votedFor?: NodeId | null;
  /** Terms of the log (see `logOf`). */
  readonly log?: readonly number[];
  readonly config?: Partial<RaftConfig>;
}

/** Message of a test. Terms and indexes are numbers, and there is no `to`, which is always the server under test. */
export type Incoming = Message extends infer M ? (M extends Message ? Loose<M> : never) : never;
type Loose<M extends Message> = {
  readonly [K in keyof Omit<M, 'to' | 'incarnation'>]: M[K] extends number ? number : M[K];
};

/** One core, n1, without a driver: time passes, messages arrive and disk writes end only if the test says so. */
export class TestServer {
  nowMs = 1_000;
  readonly raft: Raft;
  /** Results of all calls of `settle`: applied entries, answers and events. */
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];
  readonly failedReads: number[] = [];
  readonly events: CoreEvent[] = [];
  readonly #others: readonly NodeId[];

  constructor({
    peers = [n1, n2, n3],
    term: t = 0,
    votedFor = null,
    log = [],
    config = {},
  }: ServerOptions = {}) {
    this.#others = peers.filter((peer) => peer !== n1);
    this.raft = new Raft(
      {
        id: n1,
        peers,
        electionTimeoutMinMs: 150,
        electionTimeoutMaxMs: 300,
        heartbeatMs: 30,
        random: () => 0,
        maxInflightMessages: 8,
        maxMessageBytes: 1_000,
        maxUncommittedBytes: 10_000,
        ...config,
      },
      {
        hardState: { term: term(t), votedFor },
        incarnation: 0,
        snapshot: null,
        entries: logOf(...log),
        nowMs: this.nowMs,
      },
    );
  }

  get status(): CoreStatus {
    return this.raft.status();
  }

  get role(): RoleName {
    return this.raft.status().role;
  }

  receive(m: Incoming): void {
    this.raft.step({ incarnation: 0, ...m, to: this.status.id } as unknown as Message, this.nowMs);
  }

  /** Lets time pass normally, with a tick every 5 ms. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(this.nowMs + 5, endMs);
      this.raft.tick(this.nowMs);
    }
  }

  /** Lets time pass without ticks, as if the process stalled. */
  stall(ms: number): void {
    this.nowMs += ms;
  }

  propose(data = ''): ReturnType<Raft['propose']> {
    return this.raft.propose(new TextEncoder().encode(data), this.nowMs);
  }

  read(requestId: number): ReturnType<Raft['readIndex']> {
    return this.raft.readIndex(requestId, this.nowMs);
  }

  /** Takes one Ready. Its entries are not durable before `persist`. */
  take(): Ready {
    return this.raft.takeReady(this.nowMs);
  }

  persist({ entries }: Pick<Ready, 'entries'>): void {
    const last = entries.at(-1);
    if (last !== undefined) this.raft.persisted({ index: last.index, term: last.term }, this.nowMs);
  }

  /** Carries out all Readys like a driver whose disk is instant, and returns the messages that are sent. */
  settle(): Message[] {
    const sent: Message[] = [];
    while (this.raft.hasReady()) {
      const ready = this.take();
      sent.push(...ready.messages, ...ready.messagesAfterPersist);
      this.persist(ready);
      this.applied.push(...ready.committed);
      this.reads.push(...ready.reads);
      this.failedReads.push(...ready.failedReads);
      this.events.push(...ready.events);
      this.raft.appliedTo(logIndex(this.applied.length));
    }
    return sent;
  }

  /** Terms of its log, from the events that it has reported. */
  logTerms(): number[] {
    const terms: number[] = [];
    for (let at = 1; at <= this.status.lastIndex; at++) terms.push(this.termAt(at));
    return terms;
  }

  termAt(index: number): number {
    return (this.raft as unknown as { state: { log: { termAt(i: number): number } } }).state.log.termAt(
      index,
    );
  }

  /** Lets the server win the next election by the votes of all. Its first messages stay in the core. */
  electLeader(): void {
    this.pass(160);
    this.settle();
    const next = this.status.term + 1;
    for (const from of this.#others) this.receive(preVoteGrant(from, next));
    this.settle();
    for (const from of this.#others) this.receive(voteGrant(from, next));
    if (this.role !== 'leader') throw new Error(`n1 was not elected: ${JSON.stringify(this.status)}`);
  }
}

export const preVoteGrant = (from: NodeId, t: number): Incoming => voteResponse(from, t, true, true);
export const preVoteRefusal = (from: NodeId, t: number): Incoming => voteResponse(from, t, true, false);
export const voteGrant = (from: NodeId, t: number): Incoming => voteResponse(from, t, false, true);
export const voteRefusal = (from: NodeId, t: number): Incoming => voteResponse(from, t, false, false);

function voteResponse(from: NodeId, t: number, preVote: boolean, voteGranted: boolean): Incoming {
  return { type: 'RequestVoteResponse', from, term: t, preVote, voteGranted };
}

/** Makes a RequestVote. `last` is [term, index] of the candidate's last entry. */
export function requestVote(
  from: NodeId,
  t: number,
  last: readonly [number, number],
  preVote = false,
  transfer = false,
): Incoming {
  const [lastLogTerm, lastLogIndex] = last;
  return { type: 'RequestVote', from, term: t, preVote, transfer, lastLogTerm, lastLogIndex };
}

/** Makes an AppendEntries. `prev` is [term, index]; `terms` are the terms of the entries after it. */
export function appendEntries(
  from: NodeId,
  t: number,
  prev: readonly [number, number],
  terms: readonly number[] = [],
  leaderCommit = 0,
): Incoming {
  const entries = terms.map((entryTerm, at) => entry(prev[1] + 1 + at, entryTerm));
  return {
    type: 'AppendEntries',
    from,
    term: t,
    prevLogTerm: prev[0],
    prevLogIndex: prev[1],
    entries,
    leaderCommit,
  };
}

/** Makes a Heartbeat. `commit` is [term, index] of the last committed entry. */
export function heartbeat(
  from: NodeId,
  t: number,
  commit: readonly [number, number] = [0, 0],
  readContext = 0,
): Incoming {
  return { type: 'Heartbeat', from, term: t, commitTerm: commit[0], commit: commit[1], readContext };
}

export function echo(from: NodeId, t: number, readContext: number): Incoming {
  return { type: 'HeartbeatResponse', from, term: t, readContext };
}

export function acknowledge(from: NodeId, t: number, matchIndex: number): Incoming {
  return {
    type: 'AppendEntriesResponse',
    from,
    term: t,
    success: true,
    matchIndex,
    conflictTerm: 0,
    conflictIndex: 0,
  };
}

/** Makes a refusal of prevLogIndex `refused`; `conflict` is [term, first index of that term]. */
export function refuse(
  from: NodeId,
  t: number,
  refused: number,
  conflict: readonly [number, number],
): Incoming {
  const [conflictTerm, conflictIndex] = conflict;
  return {
    type: 'AppendEntriesResponse',
    from,
    term: t,
    success: false,
    matchIndex: refused,
    conflictTerm,
    conflictIndex,
  };
}

/** The messages of one type. */
export function only<T extends Message['type']>(
  messages: readonly Message[],
  type: T,
): Extract<Message, { type: T }>[] {
  return messages.filter((m): m is Extract<Message, { type: T }> => m.type === type);
}
