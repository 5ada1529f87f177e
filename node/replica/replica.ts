import type { StateMachine } from '../kv/store.ts';
import type { ClientResult, ErrorCode } from '../protocol/client.ts';
import type { Message } from '../raft/message.ts';
import type { Raft } from '../raft/raft.ts';
import type { ProposeResult, Ready } from '../raft/ready.ts';
import type { Entry, LogIndex, NodeId } from '../raft/types.ts';
import { LogWriter } from './log-writer.ts';
import type { DurableStep } from './log-writer.ts';
import type { Storage, Transport } from './ports.ts';
import { Proposals } from './proposals.ts';
import type { Observer } from './trace.ts';
import { Transfers } from './transfers.ts';

/** Who asked, and is told under its own number: a client connection. */
export interface Requester {
  answer(requestId: number, result: ClientResult): void;
}

export interface ReplicaOptions {
  readonly raft: Raft;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly stateMachine: StateMachine;
  readonly trace: Observer;
  /** What one write to the disk holds at most, bytes. */
  readonly maxBatchBytes?: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Runs a turn soon, after the input that is there already. */
  readonly soon: (turn: () => void) => void;
  /** Runs what is due after so many milliseconds: once, unless the node ends before. */
  readonly later: (delayMs: number, run: () => void) => void;
  /** After each turn: whoever batches output sends it. */
  readonly onTurnEnd: () => void;
  /** The disk has failed: the replica has answered everyone and does nothing any more. */
  readonly onStorageFailure: (error: unknown) => void;
}

interface PendingRead {
  readonly key: string;
  readonly requester: Requester;
  readonly requestId: number;
}

/**
 * Drives the core: the only place where a Ready is carried out, in the order that `ready.ts` states. Inputs
 * of one turn of the event loop are gathered; then one Ready is taken, so that they share messages, a disk
 * write and a read round.
 */
export class Replica {
  readonly #o: ReplicaOptions;
  readonly #writer: LogWriter;
  readonly #proposals = new Proposals();
  /** Reads of this turn; they share one `readIndex`. */
  #newReads: PendingRead[] = [];
  /** Reads that the core is to confirm, by the number given to `readIndex`. */
  readonly #unconfirmed = new Map<number, readonly PendingRead[]>();
  /** Confirmed, in order of index; served once that is applied. */
  #confirmed: { readonly index: LogIndex; readonly reads: readonly PendingRead[] }[] = [];
  readonly #transfers = new Transfers();
  #readRounds = 0;
  #applied = 0 as LogIndex;
  #turnDue = false;
  /** Why nothing is served any more. */
  #ended: { readonly code: ErrorCode; readonly message: string } | null = null;

  constructor(options: ReplicaOptions) {
    this.#o = options;
    this.#writer = new LogWriter(
      options.storage,
      {
        durable: (steps) => this.#onDurable(steps),
        failure: (error) => this.#onStorageFailure(error),
      },
      { now: options.now, maxBatchBytes: options.maxBatchBytes ?? MAX_BATCH_BYTES },
    );
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    let reads = this.#newReads.length;
    for (const batch of this.#unconfirmed.values()) reads += batch.length;
    for (const batch of this.#confirmed) reads += batch.reads.length;
    return this.#proposals.size + reads + this.#transfers.waiting;
  }

  receive(message: Message): void {
    if (this.#ended) return;
    this.#o.raft.step(message, this.#o.now());
    this.wake();
  }

  /** The connection that `peer` sends over has broken. */
  peerLost(peer: NodeId): void {
    if (this.#ended) return;
    const nowMs = this.#o.now();
    this.#o.raft.peerLost(peer, nowMs);
    this.wake();
    // Its turn to stand may come before the next tick.
    this.#o.later(this.#o.raft.nextDeadlineMs() - nowMs, () => this.tick());
  }

  /** The connection over which `peer` is sent entries was made anew. */
  linkMade(peer: NodeId): void {
    if (this.#ended) return;
    this.#o.raft.linkMade(peer, this.#o.now());
    this.wake();
  }

  /** The node can be reached, and time begins to pass. `hurry`: its first election need not wait for a timeout. */
  begin(hurry: boolean): void {
    const nowMs = this.#o.now();
    if (hurry) this.#o.raft.hurry(nowMs);
    this.#o.later(this.#o.raft.nextDeadlineMs() - nowMs, () => this.tick());
  }

  /** Time has passed. */
  tick(): void {
    if (this.#ended) return;
    this.#letTimePass(this.#o.now());
    this.wake();
  }

  /**
   * A command for the log; `data` is copied. Answered when it is applied, or when it is known or feared that it
   * will not be.
   */
  propose(data: Uint8Array, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    if (!this.#proposals.gather(data, requester, requestId)) requester.answer(requestId, BUSY);
    this.wake();
  }

  /** A linearizable read (dissertation 6.4). */
  read(key: string, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.#newReads.push({ key, requester, requestId });
    this.wake();
  }

  /** Hands leadership to `to`, or to whom this node has brought furthest (null); answered once that has ended. */
  transferLeadership(to: NodeId | null, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    const nowMs = this.#o.now();
    // What came before the transfer is still proposed.
    this.#proposeGathered(nowMs);
    const result = this.#o.raft.transferLeadership(to, nowMs);
    if (result.ok) {
      this.#transfers.add(result.to, this.#o.raft.status().term, nowMs, { requester, requestId });
    } else if (result.reason === 'not-leader') {
      requester.answer(requestId, notLeader(result.leader));
    } else {
      requester.answer(
        requestId,
        error(
          result.reason === 'busy' ? 'busy' : 'bad-request',
          `no transfer of leadership: ${result.detail}`,
        ),
      );
    }
    this.wake();
  }

  /** Sees to it that a turn follows the input that is there already. */
  wake(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#o.soon(() => this.#turn());
  }

  /** Ends the service in order: everyone who waits is told, the write in flight ends. */
  async stop(): Promise<void> {
    this.#end('stopping', 'the node stops');
    await this.#writer.stop();
  }

  #turn(): void {
    this.#turnDue = false;
    if (!this.#ended) {
      const { raft } = this.#o;
      const nowMs = this.#o.now();
      // Before anything that came in during a stall counts: a leader that slept must notice.
      this.#letTimePass(nowMs);
      // An idle node does not wait, one that does not lead has nothing to wait for.
      if (!this.#writer.busy || raft.status().role !== 'leader') this.#proposeGathered(nowMs);
      this.#askForReads(nowMs);
      if (raft.hasReady()) this.#carryOut(raft.takeReady(nowMs));
      const status = raft.status();
      this.#transfers.settle(status, nowMs);
      this.#o.trace.status(status, this.#applied, nowMs);
      if (raft.hasReady()) this.wake();
    }
    this.#o.transport.flush();
    this.#o.onTurnEnd();
  }

  #letTimePass(nowMs: number): void {
    const { raft } = this.#o;
    raft.diskBusySince(this.#writer.busySinceMs);
    raft.tick(nowMs);
  }

  /**
   * While a write is under way, a leader's next commands gather: they go to its disk and to its followers together, as
   * one batch, so the busier the node is, the less each of them costs.
   */
  #proposeGathered(nowMs: number): void {
    const { raft } = this.#o;
    for (const proposal of this.#proposals.takeGathered()) {
      const result = raft.propose(proposal.data, nowMs);
      if (result.ok) this.#proposals.proposed(proposal, result.index, result.term);
      else proposal.requester.answer(proposal.requestId, refusal(result));
    }
  }

  /** All reads of a turn share one quorum round. */
  #askForReads(nowMs: number): void {
    const reads = this.#newReads;
    if (reads.length === 0) return;
    this.#newReads = [];
    const round = ++this.#readRounds;
    const result = this.#o.raft.readIndex(round, nowMs);
    if (result.ok) this.#unconfirmed.set(round, reads);
    else answerAll(reads, notLeader(result.leader));
  }

  #carryOut(ready: Ready): void {
    const { transport } = this.#o;
    for (const message of ready.messages) transport.send(message);
    const { hardState, snapshot, entries, messagesAfterPersist, events } = ready;
    const applied = ready.committed.at(-1)?.index ?? null;
    this.#writer.add({ hardState, snapshot, entries, messagesAfterPersist, events, applied });
    if (ready.committed.length > 0) this.#apply(ready.committed);
    for (const { requestId: round, index } of ready.reads) {
      this.#confirmed.push({ index, reads: this.#takeRound(round) });
    }
    for (const round of ready.failedReads) {
      answerAll(
        this.#takeRound(round),
        error('read-unconfirmed', 'leadership was lost before the read was confirmed'),
      );
    }
    this.#serveReads();
    if (ready.events.some(({ type }) => type === 'BecomeFollower')) this.#giveUpProposals();
  }

  /** Steps whose Ready, and all before, are on the disk. */
  #onDurable(steps: readonly DurableStep[]): void {
    if (this.#ended) return;
    const { raft, transport, trace } = this.#o;
    const nowMs = this.#o.now();
    for (const { entries, messagesAfterPersist, events, applied } of steps) {
      trace.events(events);
      if (applied !== null) trace.applied(applied);
      for (const message of messagesAfterPersist) transport.send(message);
      const last = entries.at(-1);
      if (last !== undefined) raft.persisted({ index: last.index, term: last.term }, nowMs);
    }
    this.wake();
  }

  #apply(committed: readonly Entry[]): void {
    const { stateMachine, raft } = this.#o;
    for (const { index, term, kind, data } of committed) {
      const outcome = kind === 'command' ? stateMachine.apply(index, data) : null;
      const proposal = this.#proposals.takeApplied(index);
      if (proposal === null) continue;
      // Another leader's entry stands where this node's was: that one is gone, but it may have been proposed
      // again.
      const mine = proposal.term === term && outcome !== null;
      proposal.requester.answer(proposal.requestId, mine ? outcome : leadershipLost());
    }
    this.#applied = committed.at(-1)!.index;
    raft.appliedTo(this.#applied);
  }

  #serveReads(): void {
    let served = 0;
    for (; served < this.#confirmed.length; served++) {
      const { index, reads } = this.#confirmed[served]!;
      if (index > this.#applied) break;
      for (const { key, requester, requestId } of reads) {
        requester.answer(requestId, { type: 'value', ...this.#o.stateMachine.read(key) });
      }
    }
    if (served > 0) this.#confirmed = this.#confirmed.slice(served);
  }

  /**
   * Leadership is lost: what is committed will still be applied and answered here; of the rest nobody knows.
   */
  #giveUpProposals(): void {
    const { commitIndex, durableIndex, diskHangs } = this.#o.raft.status();
    // Committed by the others alone: it would be applied here once the disk has it, which may be never.
    const applies = diskHangs && durableIndex < commitIndex ? durableIndex : commitIndex;
    for (const { requester, requestId } of this.#proposals.takeBehind(applies)) {
      requester.answer(requestId, leadershipLost());
    }
  }

  #takeRound(round: number): readonly PendingRead[] {
    const reads = this.#unconfirmed.get(round) ?? [];
    this.#unconfirmed.delete(round);
    return reads;
  }

  #onStorageFailure(cause: unknown): void {
    this.#end('storage-failed', 'the disk refused a write; the node stops serving');
    this.#o.onStorageFailure(cause);
  }

  #end(code: ErrorCode, message: string): void {
    if (this.#ended) return;
    this.#ended = { code, message };
    const result = error(code, message);
    for (const { requester, requestId } of this.#proposals.takeAll()) requester.answer(requestId, result);
    for (const reads of this.#unconfirmed.values()) answerAll(reads, result);
    for (const { reads } of this.#confirmed) answerAll(reads, result);
    answerAll(this.#newReads, result);
    this.#transfers.endAll(result);
    this.#unconfirmed.clear();
    this.#confirmed = [];
    this.#newReads = [];
    this.wake();
  }

  #refuse(requester: Requester, requestId: number): void {
    requester.answer(requestId, error(this.#ended!.code, this.#ended!.message));
    this.wake();
  }
}

const MAX_BATCH_BYTES = 4 << 20;
const BUSY: ClientResult = { type: 'error', code: 'busy', message: 'too much is uncommitted' };

const error = (code: ErrorCode, message: string): ClientResult => ({ type: 'error', code, message });

function refusal(result: Extract<ProposeResult, { ok: false }>): ClientResult {
  switch (result.reason) {
    case 'not-leader':
      return notLeader(result.leader);
    case 'busy':
      return BUSY;
    case 'transferring':
      return error('busy', `leadership is being handed to ${result.to}`);
    default:
      return result satisfies never;
  }
}

const leadershipLost = (): ClientResult =>
  error('leadership-lost', 'leadership was lost before the command was committed; it may still be');

function notLeader(leader: NodeId | null): ClientResult {
  return leader === null
    ? error('not-leader', 'this node knows of no leader')
    : { type: 'error', code: 'not-leader', message: `${leader} leads`, leader };
}

function answerAll(reads: readonly PendingRead[], result: ClientResult): void {
  for (const { requester, requestId } of reads) requester.answer(requestId, result);
}
