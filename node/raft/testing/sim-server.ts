import type { SnapshotMeta } from '../configuration.ts';
import type { InstallSnapshot, Message } from '../message.ts';
import type { Raft } from '../raft.ts';
import type { Ready } from '../ready.ts';
import { logIndex } from '../types.ts';
import type { NodeId } from '../types.ts';
import { compact, store } from './disk.ts';
import type { SeededRandom } from './random.ts';
import type { SafetyWatch, WatchedDisk } from './safety.ts';
import type { Schedule } from './schedule.ts';

export const timing = { electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300, heartbeatMs: 30 } as const;

/** Environment of a server. */
export interface Surroundings {
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly watch: SafetyWatch;
  readonly habits: Habits;
  readonly counts: Counts;
  newRaft(id: NodeId, disk: WatchedDisk): Raft;
  send(from: TrialServer, m: Message): void;
  elected(id: NodeId): void;
}

/** Options of all servers of one run, drawn from its seed. */
export interface Habits {
  /** True if ticks come exactly at the core's deadlines, which every input may change; else at a regular interval. */
  readonly tickByDeadline: boolean;
  readonly slowDisk: boolean;
  /**
   * Number of applied entries after which a snapshot is taken (Infinity: never). The log keeps the last few entries.
   */
  readonly snapshotEvery: number;
  readonly keepEntries: number;
}

/** Numbers of events in a run, so that a test can see whether anything happened in its storms. */
export interface Counts {
  proposed: number;
  busy: number;
  readsDone: number;
  readsFailed: number;
  elections: number;
  crashes: number;
  stallStepDowns: number;
  snapshotsTaken: number;
  snapshotsInstalled: number;
  changes: number;
  jointCommits: number;
  rollbacks: number;
  wipes: number;
  transfers: number;
}

/** One core with its driver: disk, state machine, reads. The object stays the same over crashes. */
export class TrialServer {
  readonly id: NodeId;
  disk: WatchedDisk;
  raft: Raft;
  up = true;
  /** Time of the pause (SIGSTOP), in ms; null: it runs. Inputs wait until it is resumed. */
  pausedSinceMs: number | null = null;
  /** Number of starts, so that events from before a crash are dropped. */
  life = 0;
  applied = 0;
  diskStalled = false;
  readonly #around: Surroundings;
  readonly #backlog: (() => void)[] = [];
  /** Readys since the last start that are not on the disk yet, in order. */
  #writes: Ready[] = [];
  #writing = false;
  #busySinceMs: number | null = null;
  /** State of the state machine: the identity of the log up to `applied`. */
  #state: string;
  /** Last index of the newest snapshot, taken or installed, even if it is not durable yet. */
  #snapshotIndex: number;
  #snapshotting = false;
  /** States of the snapshots that were received completely, by index/term. */
  readonly #received = new Map<string, string>();
  #drainAsked = false;
  /** Time of the next tick in ms; Infinity: none is scheduled. */
  #tickAtMs = Infinity;
  /**
   * Waiting reads by request, each with the highest commit index of all servers at the time of the request. The answer
   * must not be older than this index.
   */
  readonly #reads = new Map<number, number>();
  /** Term in which the server must not lead any more, because it was paused too long; -1: none. */
  #stalledTerm = -1;

  constructor(id: NodeId, disk: WatchedDisk, around: Surroundings) {
    this.id = id;
    this.disk = disk;
    this.#around = around;
    this.#state = disk.snapshotState;
    this.#snapshotIndex = disk.snapshot?.index ?? 0;
    this.raft = around.newRaft(id, disk);
    this.#scheduleTick();
  }

  get runs(): boolean {
    return this.up && this.pausedSinceMs === null;
  }

  /** Runs an input now, or after the pause. It is dropped if the server crashes before. */
  input(run: () => void): void {
    if (!this.up) return;
    if (this.pausedSinceMs !== null) this.#backlog.push(run);
    else run();
  }

  receive(m: Message): void {
    this.input(() => {
      this.raft.diskBusySince(this.#busySinceMs);
      this.raft.step(m, this.#nowMs);
      if (this.#around.random.chance(0.5)) this.#drain();
      else this.drainSoon();
    });
  }

  /** Handles a snapshot whose data has been received completely. */
  receiveSnapshot(m: InstallSnapshot, state: string): void {
    if (this.up) this.#received.set(keyOf(m.snapshot), state);
    this.receive(m);
  }

  read(requestId: number): boolean {
    this.#reads.set(requestId, this.#around.watch.maxCommit);
    const { ok } = this.raft.readIndex(requestId, this.#nowMs);
    if (!ok) this.#reads.delete(requestId);
    this.drainSoon();
    return ok;
  }

  /** Schedules the next `takeReady`, so that several inputs of one turn often share one Ready. */
  drainSoon(): void {
    if (this.#drainAsked) return;
    this.#drainAsked = true;
    this.#later(this.#around.random.between(0, 2), () => this.#drain());
  }

  /**
   * Kills the process and cuts the power: everything that is not on the disk is lost, and a write under way may be on
   * it in part.
   */
  crash(): void {
    if (!this.up) return;
    const { random, watch, counts } = this.#around;
    counts.crashes++;
    const landed = this.#writing ? random.int(0, this.#writes.length) : 0;
    for (const ready of this.#writes.slice(0, landed)) this.#store(ready);
    const torn = this.#writing ? this.#writes[landed] : undefined;
    if (torn !== undefined && random.chance(0.5)) {
      const snapshot = random.chance(0.5) ? torn.snapshot : null;
      const whole = snapshot === torn.snapshot;
      const entries = whole ? torn.entries.slice(0, random.int(0, torn.entries.length)) : [];
      this.#store({ ...torn, snapshot, entries });
    }
    this.up = false;
    this.pausedSinceMs = null;
    this.life++;
    this.#writes = [];
    this.#writing = false;
    this.#busySinceMs = null;
    this.#snapshotting = false;
    this.#received.clear();
    this.#backlog.length = 0;
    this.#reads.clear();
    this.#stalledTerm = -1;
    watch.crashed(this.id);
  }

  restart(): void {
    if (this.up) return;
    this.up = true;
    this.applied = this.disk.snapshot?.index ?? 0;
    this.#state = this.disk.snapshotState;
    this.#snapshotIndex = this.applied;
    this.#drainAsked = false;
    this.raft = this.#around.newRaft(this.id, this.disk);
    this.#tickAtMs = Infinity;
    this.#scheduleTick();
  }

  pause(): void {
    if (this.up) this.pausedSinceMs ??= this.#nowMs;
  }

  /** Resumes the server (SIGCONT): the waiting events run at once, in any order. */
  resume(): void {
    if (this.pausedSinceMs === null) return;
    const { role, term } = this.raft.status();
    // Its last tick was at most a heartbeat interval before the pause.
    if (role === 'leader' && this.#nowMs - this.pausedSinceMs >= timing.electionTimeoutMinMs)
      this.#stalledTerm = term;
    this.pausedSinceMs = null;
    const backlog = this.#backlog.splice(0);
    if (this.#around.random.chance(0.5)) backlog.reverse();
    for (const input of backlog) input();
  }

  stallDisk(stalled: boolean): void {
    this.diskStalled = stalled;
    this.#startWrite();
  }

  get #nowMs(): number {
    return this.#around.schedule.nowMs;
  }

  /** Schedules `run`, which is dropped if the server crashes before. */
  #later(delayMs: number, run: () => void): void {
    const { life } = this;
    this.#around.schedule.after(delayMs, () => {
      if (this.life === life) this.input(run);
    });
  }

  #scheduleTick(): void {
    const { habits, schedule } = this.#around;
    const dueMs = habits.tickByDeadline ? this.raft.nextDeadlineMs() : this.#nowMs + timing.heartbeatMs / 5;
    if (dueMs >= this.#tickAtMs) return;
    const tickAtMs = Math.max(dueMs, this.#nowMs + 0.1);
    this.#tickAtMs = tickAtMs;
    const { life } = this;
    schedule.at(tickAtMs, () => {
      if (this.life !== life || this.#tickAtMs !== tickAtMs) return;
      // The timer fires once after a pause, not once for each missed tick.
      this.input(() => {
        this.#tickAtMs = Infinity;
        this.raft.diskBusySince(this.#busySinceMs);
        this.raft.tick(this.#nowMs);
        this.#drain();
      });
    });
  }

  #drain(): void {
    this.#drainAsked = false;
    while (this.raft.hasReady()) this.#carryOut(this.raft.takeReady(this.#nowMs));
    this.#scheduleTick();
  }

  #carryOut(ready: Ready): void {
    const { watch, counts } = this.#around;
    this.#tell(ready);
    for (const m of ready.messages) this.#send(m);
    const { hardState, snapshot, entries, messagesAfterPersist } = ready;
    if (hardState !== null || snapshot !== null || entries.length > 0 || messagesAfterPersist.length > 0) {
      this.#writes.push(ready);
      this.#startWrite();
    }
    if (snapshot !== null) {
      counts.snapshotsInstalled++;
      this.applied = snapshot.index;
      this.#snapshotIndex = snapshot.index;
      this.#state = this.#received.get(keyOf(snapshot))!;
    }
    for (const entry of ready.committed) {
      if (entry.index !== this.applied + 1)
        throw new Error(`${this.id} applies ${entry.index} after ${this.applied}`);
      this.#state = watch.applied(this.id, entry);
      this.applied = entry.index;
    }
    this.raft.appliedTo(logIndex(this.applied));
    for (const read of ready.reads) {
      const commitThen = this.#reads.get(read.requestId);
      if (commitThen === undefined)
        throw new Error(`read ${read.requestId} was answered twice, or never requested`);
      this.#reads.delete(read.requestId);
      watch.read(this.id, read, commitThen);
      counts.readsDone++;
    }
    for (const requestId of ready.failedReads) {
      if (!this.#reads.delete(requestId)) throw new Error(`read ${requestId} failed, but was not waiting`);
      counts.readsFailed++;
    }
    this.#takeSnapshot();
  }

  #tell({ events }: Ready): void {
    const { watch, counts } = this.#around;
    for (const event of events) {
      watch.event(this.id, event);
      if (event.type === 'InstallSnapshot')
        watch.installed(this.id, event.snapshot, this.#received.get(keyOf(event.snapshot))!);
      if (event.type === 'BecomeLeader') {
        counts.elections++;
        this.#around.elected(this.id);
      }
      if (event.type === 'BecomeFollower' && event.reason.startsWith('stalled')) counts.stallStepDowns++;
      if (event.type === 'ApplyConfChange' && event.configuration.outgoing.length > 0) counts.jointCommits++;
      if (event.type === 'Replicate' && event.truncatedFrom !== null) counts.rollbacks++;
    }
    watch.shows(this.id, this.raft.status());
  }

  #send(m: Message): void {
    if ((m.type === 'AppendEntries' || m.type === 'Heartbeat') && m.term === this.#stalledTerm)
      throw new Error(`${this.id} still leads in term ${m.term} after it was paused for an election timeout`);
    this.#around.watch.sent(m);
    this.#around.send(this, m);
  }

  /** Starts a write, unless one is under way. All waiting Readys share it (group commit). */
  #startWrite(): void {
    const { random, schedule, habits } = this.#around;
    if (this.#writes.length > 0) this.#busySinceMs ??= this.#nowMs;
    if (this.#writing || this.diskStalled || this.#writes.length === 0) return;
    this.#writing = true;
    const { life } = this;
    const batch = random.chance(0.5) ? this.#writes.length : 1;
    schedule.after(habits.slowDisk ? random.between(1, 60) : random.between(0, 3), () => {
      if (this.life !== life) return;
      const done = this.#writes.slice(0, batch);
      // The write also ends while the process is paused. The process learns of it later.
      for (const ready of done) this.#store(ready);
      this.#writes = this.#writes.slice(batch);
      this.#writing = false;
      this.#busySinceMs = null;
      this.#startWrite();
      this.input(() => this.#onDurable(done));
    });
  }

  #onDurable(done: readonly Ready[]): void {
    for (const { messagesAfterPersist, entries } of done) {
      for (const m of messagesAfterPersist) this.#send(m);
      const last = entries.at(-1);
      if (last !== undefined) this.raft.persisted({ index: last.index, term: last.term }, this.#nowMs);
    }
    this.drainSoon();
  }

  #store(ready: Ready): void {
    store(this.disk, ready);
    if (ready.snapshot !== null) this.disk.snapshotState = this.#received.get(keyOf(ready.snapshot))!;
  }

  /** Writes a snapshot of the present state, which takes some time. After that the log is compacted. */
  #takeSnapshot(): void {
    const { random, schedule, habits, counts } = this.#around;
    if (this.#snapshotting || this.applied - this.#snapshotIndex < habits.snapshotEvery) return;
    this.#snapshotting = true;
    this.#snapshotIndex = this.applied;
    const { disk, life } = this;
    const state = this.#state;
    const meta = this.raft.snapshotMeta(logIndex(this.applied));
    const upTo = Math.max(0, this.applied - random.int(0, habits.keepEntries));
    schedule.after(random.between(0, 40), () => {
      if (this.life !== life) return;
      if (disk.snapshot === null || disk.snapshot.index < meta.index) {
        compact(disk, meta, upTo);
        disk.snapshotState = state;
        counts.snapshotsTaken++;
      }
      this.input(() => {
        this.#snapshotting = false;
        this.raft.compact(meta, logIndex(upTo));
      });
    });
  }
}

const keyOf = ({ index, term }: SnapshotMeta): string => `${index}/${term}`;
