import type { StateMachine } from '../kv/state-machine.ts';
import type { AdminOperation, ErrorCode } from '../protocol/client.ts';
import { isSnapshotMessage } from '../protocol/snapshot-message.ts';
import type { PeerMessage } from '../protocol/snapshot-message.ts';
import type { SnapshotMeta } from '../raft/configuration.ts';
import type { Message } from '../raft/message.ts';
import type { Raft } from '../raft/raft.ts';
import type { CoreEvent, CoreStatus, Ready } from '../raft/ready.ts';
import type { Entry, LogIndex, NodeId } from '../raft/types.ts';
import { Admin } from './admin.ts';
import { BUSY, error, leadershipLost, refusal } from './answers.ts';
import type { Requester } from './answers.ts';
import { LogWriter } from './log-writer.ts';
import type { DurableStep } from './log-writer.ts';
import type { Log } from './log.ts';
import type { Storage, StoredSnapshot, Transport } from './ports.ts';
import { MemberLinks } from './member-links.ts';
import { Proposals } from './proposals.ts';
import { Reads } from './reads.ts';
import { SessionClock } from './session-clock.ts';
import { SnapshotWork } from './snapshot-work.ts';
import { SNAPSHOT_POLICY } from './snapshotter.ts';
import type { SnapshotPolicy } from './snapshotter.ts';
import type { Observer } from './trace.ts';

export interface ReplicaOptions {
  readonly raft: Raft;
  readonly storage: Storage;
  readonly transport: Transport;
  /** Its state is that of `startedFrom`. */
  readonly stateMachine: StateMachine;
  readonly startedFrom: StoredSnapshot | null;
  /** Of this node's data folder. */
  readonly incarnation: number;
  readonly snapshots?: SnapshotPolicy;
  /** Maximum idle time of a client's session in ms; 0 (the default): no limit. */
  readonly sessionIdleMs?: number;
  readonly trace: Observer;
  /** Maximum size of one write to the disk, in bytes. */
  readonly maxBatchBytes?: number;
  /** A write to the disk has ended after this duration. */
  readonly onWritten?: (ms: number) => void;
  /** An event in the core, reported at once: it may not be durable yet. */
  readonly onEvents?: (events: readonly CoreEvent[]) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Runs a turn soon, after the input that is there already. */
  readonly soon: (turn: () => void) => void;
  /** Runs the action once after this many milliseconds, unless the node ends before. */
  readonly later: (delayMs: number, run: () => void) => void;
  /** Called after each turn, so that batched output is sent. */
  readonly onTurnEnd: () => void;
  /** The disk has failed: the replica has answered all requests and does nothing any more. */
  readonly onStorageFailure: (error: unknown) => void;
  readonly log: Log;
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
  readonly #reads = new Reads();
  readonly #admin: Admin;
  readonly #snapshots: SnapshotWork;
  readonly #members: MemberLinks;
  readonly #sessionClock: SessionClock;
  /** Open requests of clients. */
  readonly counts = { proposals: 0, reads: 0 };
  #applied: LogIndex;
  #turnDue = false;
  /** The reason why no request is served any more. */
  #ended: { readonly code: ErrorCode; readonly message: string } | null = null;

  constructor(options: ReplicaOptions) {
    this.#o = options;
    this.#writer = new LogWriter(
      options.storage,
      {
        durable: (steps) => this.#onDurable(steps),
        failure: (error) => this.#onStorageFailure(error),
      },
      {
        now: options.now,
        maxBatchBytes: options.maxBatchBytes ?? MAX_BATCH_BYTES,
        onWritten: options.onWritten ?? (() => undefined),
      },
    );
    this.#applied = options.startedFrom?.index ?? (0 as LogIndex);
    this.#snapshots = new SnapshotWork({
      ...options,
      policy: options.snapshots ?? SNAPSHOT_POLICY,
      send: (message) => options.transport.send(message),
      wake: () => this.wake(),
      onFailure: (error) => this.#onStorageFailure(error),
    });
    this.#members = new MemberLinks(options.transport);
    this.#sessionClock = new SessionClock(options.sessionIdleMs ?? 0, options.stateMachine.sessions);
    this.#admin = new Admin({
      raft: options.raft,
      snapshots: this.#snapshots,
      applied: () => this.#applied,
      now: options.now,
      proposeGathered: (nowMs) => this.#proposeGathered(nowMs),
      wake: () => this.wake(),
    });
  }

  /** Last entry that the state machine has applied. */
  get appliedIndex(): LogIndex {
    return this.#applied;
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#proposals.size + this.#reads.waiting + this.#admin.waiting;
  }

  receive(message: PeerMessage): void {
    if (this.#ended) return;
    if (isSnapshotMessage(message)) this.#snapshots.received(message);
    else this.#o.raft.step(message, this.#o.now());
    this.wake();
  }

  /** The connection that `peer` sends over has broken. */
  peerLost(peer: NodeId): void {
    if (this.#ended) return;
    const nowMs = this.#o.now();
    this.#o.raft.peerLost(peer, nowMs);
    this.wake();
    // Its election may be due before the next tick.
    this.#o.later(this.#o.raft.nextDeadlineMs() - nowMs, () => this.tick());
  }

  /** A new connection, over which entries are sent to `peer`, was made. */
  linkMade(peer: NodeId): void {
    if (this.#ended) return;
    this.#o.raft.linkMade(peer, this.#o.now());
    this.#snapshots.linkMade(peer);
    this.wake();
  }

  /** The node can be reached, and time begins to pass. `hurry`: its first election need not wait for a timeout. */
  begin(hurry: boolean): void {
    const nowMs = this.#o.now();
    this.#members.follow(this.#o.raft.status());
    if (hurry) this.#o.raft.hurry(nowMs);
    this.#o.later(this.#o.raft.nextDeadlineMs() - nowMs, () => this.tick());
  }

  /** Time has passed. */
  tick(): void {
    if (this.#ended) return;
    const nowMs = this.#o.now();
    this.#letTimePass(nowMs);
    this.#tellTime(nowMs);
    this.wake();
  }

  /**
   * A command for the log; `data` is copied. Answered when it is applied, or when it is known or feared that it
   * will not be.
   */
  propose(data: Uint8Array, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.counts.proposals++;
    if (!this.#proposals.gather(data, requester, requestId)) requester.answer(requestId, BUSY);
    this.wake();
  }

  /** A linearizable read (dissertation 6.4). */
  read(key: string, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.counts.reads++;
    this.#reads.add(key, requester, requestId);
    this.wake();
  }

  /** Requests to the node rather than to the store; answered at once, or when they are complete. */
  administer(operation: AdminOperation, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.#admin.serve(operation, requester, requestId);
    this.wake();
  }

  /** Sees to it that a turn follows the input that is there already. */
  wake(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#o.soon(() => this.#turn());
  }

  /** Ends the service in order: every waiting client gets an answer, the write in flight ends. */
  async stop(): Promise<void> {
    this.#end('stopping', 'the node stops');
    await Promise.all([this.#writer.stop(), this.#snapshots.stop()]);
  }

  #turn(): void {
    this.#turnDue = false;
    let status: CoreStatus | null = null;
    if (!this.#ended) {
      const { raft } = this.#o;
      const nowMs = this.#o.now();
      // Before anything that came in during a stall counts: a leader that slept must notice.
      this.#letTimePass(nowMs);
      // An idle node does not wait, one that does not lead has nothing to wait for.
      if (!this.#writer.busy || raft.status().role !== 'leader') this.#proposeGathered(nowMs);
      this.#reads.ask(raft, nowMs);
      if (raft.hasReady()) this.#carryOut(raft.takeReady(nowMs));
      status = raft.status();
      this.#admin.settle(status, nowMs);
      this.#snapshots.turn(status.role === 'leader', nowMs);
      this.#o.trace.status(status, this.#applied, nowMs);
      if (raft.hasReady()) this.wake();
    }
    this.#o.transport.flush();
    // After the messages to the members that leave.
    if (status !== null) this.#members.follow(status);
    this.#o.onTurnEnd();
  }

  /** The time is written into the log from time to time. */
  #tellTime(nowMs: number): void {
    const { raft } = this.#o;
    const command = this.#sessionClock.due(raft.status(), this.#applied, nowMs);
    if (command !== null) raft.propose(command, nowMs);
  }

  #letTimePass(nowMs: number): void {
    const { raft } = this.#o;
    raft.diskBusySince(this.#writer.busySinceMs);
    raft.tick(nowMs);
  }

  /**
   * While a write is under way, a leader's next commands are collected: they go to its disk and to its followers
   * together, as one batch, so the cost per command falls with the load.
   */
  #proposeGathered(nowMs: number): void {
    const { raft } = this.#o;
    for (const proposal of this.#proposals.takeGathered()) {
      const result = raft.propose(proposal.data, nowMs);
      if (result.ok) this.#proposals.proposed(proposal, result.index, result.term);
      else proposal.requester.answer(proposal.requestId, refusal(result));
    }
  }

  #carryOut(ready: Ready): void {
    for (const message of ready.messages) this.#send(message);
    if (ready.snapshot !== null) this.#install(ready.snapshot);
    if (ready.events.length > 0) this.#o.onEvents?.(ready.events);
    const { hardState, snapshot, entries, messagesAfterPersist, events } = ready;
    const applied = ready.committed.at(-1)?.index ?? null;
    this.#writer.add({ hardState, snapshot, entries, messagesAfterPersist, events, applied });
    if (ready.committed.length > 0) this.#apply(ready.committed);
    for (const read of ready.reads) this.#reads.confirmed(read);
    for (const round of ready.failedReads) this.#reads.failed(round);
    this.#reads.serve(this.#o.stateMachine, this.#applied);
    if (ready.events.some(({ type }) => type === 'BecomeFollower')) this.#giveUpProposals();
  }

  /** Number of steps whose Ready, and all before, are on the disk. */
  #onDurable(steps: readonly DurableStep[]): void {
    if (this.#ended) return;
    const { raft, trace } = this.#o;
    const nowMs = this.#o.now();
    for (const { snapshot, entries, messagesAfterPersist, events, applied } of steps) {
      trace.events(events);
      if (applied !== null) trace.applied(applied);
      for (const message of messagesAfterPersist) this.#send(message);
      if (snapshot !== null) this.#snapshots.installed(snapshot.index);
      const last = entries.at(-1);
      if (last !== undefined) raft.persisted({ index: last.index, term: last.term }, nowMs);
    }
    this.wake();
  }

  #apply(committed: readonly Entry[]): void {
    const { stateMachine, raft } = this.#o;
    for (const { index, term, kind, data } of committed) {
      const outcome = kind === 'command' ? stateMachine.apply(index, data) : null;
      if (kind === 'config') this.#admin.applied({ index, term, kind, data });
      const proposal = this.#proposals.takeApplied(index);
      if (proposal === null) continue;
      // Another leader's entry replaced this node's, but the command may have been proposed again.
      const mine = proposal.term === term && outcome !== null;
      proposal.requester.answer(proposal.requestId, mine ? outcome : leadershipLost());
    }
    this.#applied = committed.at(-1)!.index;
    raft.appliedTo(this.#applied);
    this.#snapshots.applied(committed);
  }

  /** The core has put a snapshot that was received in the place of its log. */
  #install(meta: SnapshotMeta): void {
    this.#snapshots.install(meta);
    this.#applied = meta.index;
    this.#o.raft.appliedTo(meta.index);
    // It is unknown whether they are in it.
    for (const { requester, requestId } of this.#proposals.takeUpTo(meta.index))
      requester.answer(requestId, leadershipLost());
  }

  #send(message: Message): void {
    if (message.type === 'InstallSnapshot') this.#snapshots.send(message);
    else this.#o.transport.send(message);
  }

  /** Leadership is lost: committed entries will still be applied and answered here; the fate of the rest is unknown. */
  #giveUpProposals(): void {
    const status = this.#o.raft.status();
    const { commitIndex, durableIndex, diskHangs } = status;
    this.#admin.leadLost(status);
    // Committed by the others alone: it would be applied here when the disk has it, which may never happen.
    const applies = diskHangs && durableIndex < commitIndex ? durableIndex : commitIndex;
    for (const { requester, requestId } of this.#proposals.takeBehind(applies)) {
      requester.answer(requestId, leadershipLost());
    }
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
    this.#reads.endAll(result);
    this.#admin.endAll(result);
    this.#snapshots.end();
    this.wake();
  }

  #refuse(requester: Requester, requestId: number): void {
    requester.answer(requestId, error(this.#ended!.code, this.#ended!.message));
    this.wake();
  }
}

const MAX_BATCH_BYTES = 4 << 20;
