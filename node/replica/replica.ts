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
  /** State machine with the state of `startedFrom`. */
  readonly stateMachine: StateMachine;
  readonly startedFrom: StoredSnapshot | null;
  /** Incarnation of this node's data folder. */
  readonly incarnation: number;
  readonly snapshots?: SnapshotPolicy;
  /** Maximum idle time of a client's session in ms; 0 (the default): no limit. */
  readonly sessionIdleMs?: number;
  readonly trace: Observer;
  /** Maximum size of one write to the disk, in bytes. */
  readonly maxBatchBytes?: number;
  /** Called after each write to the disk with its duration in ms. */
  readonly onWritten?: (ms: number) => void;
  /** Called at once with events of the core, which may not be durable yet. */
  readonly onEvents?: (events: readonly CoreEvent[]) => void;
  /** Returns the time of a monotonic clock in ms. */
  readonly now: () => number;
  /** Runs a turn soon, after all input that has arrived already. */
  readonly soon: (turn: () => void) => void;
  /** Runs an action once after `delayMs`, unless the node ends before. */
  readonly later: (delayMs: number, run: () => void) => void;
  /** Called after each turn, so that batched output is sent. */
  readonly onTurnEnd: () => void;
  /** Called when the disk has failed, after the replica has answered all requests. It does nothing any more. */
  readonly onStorageFailure: (error: unknown) => void;
  readonly log: Log;
}

/**
 * Drives the core. Only this class carries out a Ready, in the order that `ready.ts` defines. Inputs of one turn of the
 * event loop are collected. Then one Ready is taken, so that they share messages, a disk write and a read round.
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
  /** Number of requests of clients so far. */
  readonly counts = { proposals: 0, reads: 0 };
  #applied: LogIndex;
  #turnDue = false;
  /** The reason why no request is served any more; null: requests are served. */
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

  /** Number of requests that wait for an answer. */
  get waiting(): number {
    return this.#proposals.size + this.#reads.waiting + this.#admin.waiting;
  }

  receive(message: PeerMessage): void {
    if (this.#ended) return;
    if (isSnapshotMessage(message)) this.#snapshots.received(message);
    else this.#o.raft.step(message, this.#o.now());
    this.wake();
  }

  /** Call it when the connection over which `peer` sends has broken. */
  peerLost(peer: NodeId): void {
    if (this.#ended) return;
    const nowMs = this.#o.now();
    this.#o.raft.peerLost(peer, nowMs);
    this.wake();
    // Its election may be due before the next tick.
    this.#o.later(this.#o.raft.nextDeadlineMs() - nowMs, () => this.tick());
  }

  /** Call it when a new connection over which entries are sent to `peer` was made. */
  linkMade(peer: NodeId): void {
    if (this.#ended) return;
    this.#o.raft.linkMade(peer, this.#o.now());
    this.#snapshots.linkMade(peer);
    this.wake();
  }

  /** Call it when the node can be reached. `hurry`: its first election need not wait for a timeout. */
  begin(hurry: boolean): void {
    const nowMs = this.#o.now();
    this.#members.follow(this.#o.raft.status());
    if (hurry) this.#o.raft.hurry(nowMs);
    this.#o.later(this.#o.raft.nextDeadlineMs() - nowMs, () => this.tick());
  }

  /** Call it regularly, because time has passed. */
  tick(): void {
    if (this.#ended) return;
    const nowMs = this.#o.now();
    this.#letTimePass(nowMs);
    this.#tellTime(nowMs);
    this.wake();
  }

  /**
   * Proposes a command; `data` is copied. It is answered when it is applied, or when it is not certain any more that it
   * will be.
   */
  propose(data: Uint8Array, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.counts.proposals++;
    if (!this.#proposals.gather(data, requester, requestId)) requester.answer(requestId, BUSY);
    this.wake();
  }

  /** Serves a linearizable read (dissertation 6.4). */
  read(key: string, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.counts.reads++;
    this.#reads.add(key, requester, requestId);
    this.wake();
  }

  /** Carries out a request to the node. It is answered at once, or when it is complete. */
  administer(operation: AdminOperation, requester: Requester, requestId: number): void {
    if (this.#ended) return this.#refuse(requester, requestId);
    this.#admin.serve(operation, requester, requestId);
    this.wake();
  }

  /** Schedules a turn after all input that has arrived already. */
  wake(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    this.#o.soon(() => this.#turn());
  }

  /** Ends the service: every waiting client gets an answer. Resolves when the write in flight has ended. */
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
      // Time passes before input from a stall is handled, so that a leader that stalled notices it first.
      this.#letTimePass(nowMs);
      // Without a write under way there is no reason to wait, nor on a node that does not lead.
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
    // Done after the messages to leaving members are sent.
    if (status !== null) this.#members.follow(status);
    this.#o.onTurnEnd();
  }

  /** Writes the time into the log at intervals. */
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
   * Proposes the collected commands. While a write is under way, a leader collects commands, and then writes and sends
   * them as one batch, so the cost per command falls with the load.
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

  /** Call it with steps that are on the disk, after all earlier ones. */
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
      // If another leader's entry is at this index, the outcome of this node's command is unknown.
      const mine = proposal.term === term && outcome !== null;
      proposal.requester.answer(proposal.requestId, mine ? outcome : leadershipLost());
    }
    this.#applied = committed.at(-1)!.index;
    raft.appliedTo(this.#applied);
    this.#snapshots.applied(committed);
  }

  /** Installs a received snapshot, with which the core has replaced its log. */
  #install(meta: SnapshotMeta): void {
    this.#snapshots.install(meta);
    this.#applied = meta.index;
    this.#o.raft.appliedTo(meta.index);
    // It is unknown whether these commands are in the snapshot.
    for (const { requester, requestId } of this.#proposals.takeUpTo(meta.index))
      requester.answer(requestId, leadershipLost());
  }

  #send(message: Message): void {
    if (message.type === 'InstallSnapshot') this.#snapshots.send(message);
    else this.#o.transport.send(message);
  }

  /**
   * Call it when the leadership is lost. Committed proposals are still answered; the outcome of the others is unknown.
   */
  #giveUpProposals(): void {
    const status = this.#o.raft.status();
    const { commitIndex, durableIndex, diskHangs } = status;
    this.#admin.leadLost(status);
    // An entry that is not on this disk could be applied only after its write has ended, which may never happen.
    const applies = diskHangs && durableIndex < commitIndex ? durableIndex : commitIndex;
    for (const { requester, requestId } of this.#proposals.takeAfter(applies)) {
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
