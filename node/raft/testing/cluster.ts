import type { Message } from '../message.ts';
import { Raft } from '../raft.ts';
import type { CoreStatus, RaftConfig, Ready } from '../ready.ts';
import type { InitialState } from '../state.ts';
import { logIndex, nodeId, term } from '../types.ts';
import type { NodeId } from '../types.ts';
import { SeededRandom } from './random.ts';
import { SafetyWatch } from './safety.ts';
import type { Disk } from './safety.ts';
import { Schedule } from './schedule.ts';

export type RaftFactory = (config: RaftConfig, initial: InitialState) => Raft;

/** What the links do to messages at the moment. Probabilities in [0, 1], delays in virtual ms. */
export interface Weather {
  readonly lossProbability: number;
  readonly duplicateProbability: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

/** A write that is on its way to a disk. */
interface Write {
  readonly ready: Ready;
}

/** A read as it was asked for: the highest commit anywhere at that moment must be in its answer. */
interface AskedRead {
  readonly commitThen: number;
}

interface Server {
  readonly id: NodeId;
  readonly disk: Disk;
  raft: Raft;
  up: boolean;
  /** While paused (SIGSTOP): nothing runs, input piles up. */
  pausedSinceMs: number | null;
  readonly backlog: (() => void)[];
  /** Counts starts, so that what belonged to an earlier life is dropped. */
  life: number;
  /** Handed out by Readys of this life and not yet on disk, in order. */
  writes: Write[];
  writing: boolean;
  diskStalled: boolean;
  applied: number;
  drainAsked: boolean;
  /** When the next tick is due; Infinity if none is. */
  tickAtMs: number;
  readonly reads: Map<number, AskedRead>;
  /** Set on resume after a long pause: in this term it must not lead any more. */
  stalledTerm: number;
}

export const calm: Weather = { lossProbability: 0, duplicateProbability: 0, minDelayMs: 1, maxDelayMs: 3 };

export const timing = { electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300, heartbeatMs: 30 } as const;

/** Real cores over a simulated network, disk and clock; everything follows from the seed. Throws at a violation. */
export class SimCluster {
  readonly random: SeededRandom;
  readonly schedule = new Schedule();
  readonly watch: SafetyWatch;
  readonly ids: readonly NodeId[];
  weather: Weather = calm;
  onElected: (id: NodeId) => void = () => {};
  /** What the clients saw. */
  readonly counts = {
    proposed: 0,
    busy: 0,
    readsDone: 0,
    readsFailed: 0,
    elections: 0,
    crashes: 0,
    stallStepDowns: 0,
  };
  readonly #servers = new Map<NodeId, Server>();
  readonly #cuts = new Set<string>();
  readonly #factory: RaftFactory;
  readonly #bounds: Pick<RaftConfig, 'maxInflightMessages' | 'maxMessageBytes' | 'maxUncommittedBytes'>;
  readonly #tickByDeadline: boolean;
  readonly #slowDisk: boolean;
  #requestId = 0;

  constructor(
    size: number,
    seed: number,
    factory: RaftFactory = (config, initial) => new Raft(config, initial),
  ) {
    this.random = new SeededRandom(seed);
    this.#factory = factory;
    this.ids = Array.from({ length: size }, (_, at) => nodeId(`n${at + 1}`));
    this.#bounds = this.random.chance(0.5)
      ? {
          maxInflightMessages: this.random.int(1, 3),
          maxMessageBytes: this.random.pick([1, 80]),
          maxUncommittedBytes: 1_000,
        }
      : { maxInflightMessages: 64, maxMessageBytes: 65_536, maxUncommittedBytes: 1_000_000 };
    this.#tickByDeadline = this.random.chance(0.3);
    this.#slowDisk = this.random.chance(0.3);
    const disks = new Map(this.ids.map((id) => [id, newDisk()]));
    this.watch = new SafetyWatch(disks);
    for (const [id, disk] of disks) {
      this.#servers.set(id, {
        id,
        disk,
        raft: this.#newRaft(id, disk),
        up: true,
        pausedSinceMs: null,
        backlog: [],
        life: 0,
        writes: [],
        writing: false,
        diskStalled: false,
        applied: 0,
        drainAsked: false,
        tickAtMs: Infinity,
        reads: new Map(),
        stalledTerm: -1,
      });
      this.#keepTicking(this.#servers.get(id)!);
    }
  }

  run(forMs: number): void {
    this.schedule.runUntil(this.schedule.nowMs + forMs);
  }

  /** Runs until `condition` holds; throws if it does not within `boundMs`. */
  runUntil(what: string, condition: () => boolean, boundMs: number): void {
    const endMs = this.schedule.nowMs + boundMs;
    while (!condition()) {
      if (this.schedule.nowMs >= endMs)
        throw new Error(`liveness: ${what}: not within ${boundMs} ms; ${this.describe()}`);
      this.run(10);
    }
  }

  status(id: NodeId): CoreStatus {
    return this.#servers.get(id)!.raft.status();
  }

  isUp(id: NodeId): boolean {
    return this.#servers.get(id)!.up;
  }

  isPaused(id: NodeId): boolean {
    return this.#servers.get(id)!.pausedSinceMs !== null;
  }

  applied(id: NodeId): number {
    return this.#servers.get(id)!.applied;
  }

  /** The server that leads in the highest term, if one does. */
  leader(): NodeId | null {
    let best: CoreStatus | null = null;
    for (const { raft, up } of this.#servers.values()) {
      const status = raft.status();
      if (up && status.role === 'leader' && (best === null || status.term > best.term)) best = status;
    }
    return best?.id ?? null;
  }

  /** All up, one leads, and all the others follow it in its term. */
  isSettled(): boolean {
    const leader = this.leader();
    if (leader === null) return false;
    const { term: leaderTerm } = this.status(leader);
    return this.ids.every((id) => {
      const status = this.status(id);
      return (
        status.term === leaderTerm &&
        status.leader === leader &&
        this.applied(id) === this.status(leader).commitIndex
      );
    });
  }

  propose(id: NodeId): boolean {
    const server = this.#servers.get(id)!;
    if (!server.up || server.pausedSinceMs !== null) return false;
    const data = Uint8Array.of(
      ...Array.from({ length: this.random.int(0, 8) }, () => this.random.int(0, 255)),
    );
    const result = server.raft.propose(data, this.schedule.nowMs);
    if (result.ok) this.counts.proposed++;
    else if (result.reason === 'busy') this.counts.busy++;
    this.#drainSoon(server);
    return result.ok;
  }

  read(id: NodeId): boolean {
    const server = this.#servers.get(id)!;
    if (!server.up || server.pausedSinceMs !== null) return false;
    const requestId = ++this.#requestId;
    server.reads.set(requestId, { commitThen: this.watch.maxCommit });
    const result = server.raft.readIndex(requestId, this.schedule.nowMs);
    if (!result.ok) server.reads.delete(requestId);
    this.#drainSoon(server);
    return result.ok;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cuts.add(`${from}>${to}`);
  }

  heal(from: NodeId, to: NodeId): void {
    this.#cuts.delete(`${from}>${to}`);
  }

  healAll(): void {
    this.#cuts.clear();
    this.onElected = () => {};
    this.weather = calm;
    for (const server of this.#servers.values()) {
      server.diskStalled = false;
      this.#startWrite(server);
      if (!server.up) this.restart(server.id);
      if (server.pausedSinceMs !== null) this.resume(server.id);
    }
  }

  /** kill -9 and a power cut at once: what is not on the disk is gone; a write under way may be there in part. */
  crash(id: NodeId): void {
    const server = this.#servers.get(id)!;
    if (!server.up) return;
    this.counts.crashes++;
    const landed = server.writing ? this.random.int(0, server.writes.length) : 0;
    for (const { ready } of server.writes.slice(0, landed)) store(server.disk, ready);
    const torn = server.writing ? server.writes[landed] : undefined;
    if (torn !== undefined && this.random.chance(0.5)) {
      store(server.disk, {
        ...torn.ready,
        entries: torn.ready.entries.slice(0, this.random.int(0, torn.ready.entries.length)),
      });
    }
    server.up = false;
    server.pausedSinceMs = null;
    server.life++;
    server.writes = [];
    server.writing = false;
    server.backlog.length = 0;
    server.reads.clear();
    server.stalledTerm = -1;
  }

  restart(id: NodeId): void {
    const server = this.#servers.get(id)!;
    if (server.up) return;
    server.up = true;
    server.applied = 0;
    server.drainAsked = false;
    server.raft = this.#newRaft(id, server.disk);
    this.#keepTicking(server);
  }

  pause(id: NodeId): void {
    const server = this.#servers.get(id)!;
    if (server.up) server.pausedSinceMs ??= this.schedule.nowMs;
  }

  /** SIGCONT: what piled up runs at once, in any order. */
  resume(id: NodeId): void {
    const server = this.#servers.get(id)!;
    if (server.pausedSinceMs === null) return;
    const { role, term: leaderTerm } = server.raft.status();
    const pausedMs = this.schedule.nowMs - server.pausedSinceMs;
    // Its last tick was up to a heartbeat before the pause.
    if (role === 'leader' && pausedMs >= timing.electionTimeoutMinMs) server.stalledTerm = leaderTerm;
    server.pausedSinceMs = null;
    const backlog = server.backlog.splice(0);
    if (this.random.chance(0.5)) backlog.reverse();
    for (const input of backlog) input();
  }

  stallDisk(id: NodeId, stalled: boolean): void {
    const server = this.#servers.get(id)!;
    server.diskStalled = stalled;
    this.#startWrite(server);
  }

  describe(): string {
    return this.ids
      .map((id) => {
        const s = this.status(id);
        const state = this.isUp(id) ? (this.isPaused(id) ? ' paused' : '') : ' down';
        return `${id}${state} ${s.role} term ${s.term} leader ${s.leader} log ${s.lastTerm}/${s.lastIndex} commit ${s.commitIndex}`;
      })
      .join('; ');
  }

  #newRaft(id: NodeId, disk: Disk): Raft {
    this.watch.started(id);
    const config: RaftConfig = { id, peers: this.ids, ...timing, ...this.#bounds, random: this.random.float };
    const initial = {
      hardState: disk.hardState,
      incarnation: 0,
      snapshot: null,
      entries: [...disk.entries],
      nowMs: this.schedule.nowMs,
    };
    return this.#factory(config, initial);
  }

  /** Runs an input of a server in its present life: now, or when it resumes. */
  #input(server: Server, run: () => void): void {
    if (!server.up) return;
    if (server.pausedSinceMs !== null) server.backlog.push(run);
    else run();
  }

  /** Ticks at a steady beat, or (by seed) exactly at the core's deadlines, which every input may move. */
  #keepTicking(server: Server): void {
    server.tickAtMs = Infinity;
    this.#scheduleTick(server);
  }

  #scheduleTick(server: Server): void {
    const { nowMs } = this.schedule;
    const dueMs = this.#tickByDeadline ? server.raft.nextDeadlineMs() : nowMs + timing.heartbeatMs / 5;
    if (dueMs >= server.tickAtMs) return;
    server.tickAtMs = Math.max(dueMs, nowMs + 0.1);
    const { life, tickAtMs } = server;
    this.schedule.at(tickAtMs, () => {
      if (server.life !== life || server.tickAtMs !== tickAtMs) return;
      // The timer fires once after a pause, not once for each missed beat.
      this.#input(server, () => {
        server.tickAtMs = Infinity;
        server.raft.tick(this.schedule.nowMs);
        this.#drain(server);
      });
    });
  }

  /** Several inputs of one turn often share one Ready. */
  #drainSoon(server: Server): void {
    if (server.drainAsked) return;
    server.drainAsked = true;
    const { life } = server;
    this.schedule.after(this.random.between(0, 2), () => {
      if (server.life === life) this.#input(server, () => this.#drain(server));
    });
  }

  #drain(server: Server): void {
    server.drainAsked = false;
    while (server.raft.hasReady()) {
      const ready = server.raft.takeReady(this.schedule.nowMs);
      for (const event of ready.events) {
        this.watch.event(server.id, event);
        if (event.type === 'BecomeLeader') {
          this.counts.elections++;
          this.onElected(server.id);
        }
        if (event.type === 'BecomeFollower' && event.reason.startsWith('stalled'))
          this.counts.stallStepDowns++;
      }
      for (const m of ready.messages) this.#send(server, m);
      if (ready.hardState !== null || ready.entries.length > 0 || ready.messagesAfterPersist.length > 0) {
        server.writes.push({ ready });
        this.#startWrite(server);
      }
      for (const entry of ready.committed) {
        if (entry.index !== server.applied + 1)
          throw new Error(`${server.id} applies ${entry.index} after ${server.applied}`);
        this.watch.applied(server.id, entry);
        server.applied = entry.index;
      }
      server.raft.appliedTo(logIndex(server.applied));
      for (const read of ready.reads) {
        const asked = server.reads.get(read.requestId);
        if (asked === undefined) throw new Error(`read ${read.requestId} answered twice, or never asked`);
        server.reads.delete(read.requestId);
        this.watch.read(server.id, read, asked.commitThen);
        this.counts.readsDone++;
      }
      for (const requestId of ready.failedReads) {
        if (!server.reads.delete(requestId)) throw new Error(`read ${requestId} failed, but was not open`);
        this.counts.readsFailed++;
      }
    }
    this.#scheduleTick(server);
  }

  /** One write at a time; all Readys that wait share it (group commit). */
  #startWrite(server: Server): void {
    if (server.writing || server.diskStalled || server.writes.length === 0) return;
    server.writing = true;
    const { life } = server;
    const batch = this.random.chance(0.5) ? server.writes.length : 1;
    const tookMs = this.#slowDisk ? this.random.between(1, 60) : this.random.between(0, 3);
    this.schedule.after(tookMs, () => {
      if (server.life !== life) return;
      const done = server.writes.slice(0, batch);
      // The disk works on while the process is paused; the process learns of it later.
      for (const { ready } of done) store(server.disk, ready);
      server.writes = server.writes.slice(batch);
      server.writing = false;
      this.#startWrite(server);
      this.#input(server, () => {
        for (const { ready } of done) {
          for (const m of ready.messagesAfterPersist) this.#send(server, m);
          const last = ready.entries.at(-1);
          if (last !== undefined)
            server.raft.persisted({ index: last.index, term: last.term }, this.schedule.nowMs);
        }
        this.#drainSoon(server);
      });
    });
  }

  #send(from: Server, m: Message): void {
    this.watch.sent(m);
    if ((m.type === 'AppendEntries' || m.type === 'Heartbeat') && m.term === from.stalledTerm) {
      throw new Error(`${from.id} leads on in term ${m.term} after it was paused for an election timeout`);
    }
    const { weather, random } = this;
    if (random.chance(weather.lossProbability)) return;
    const copies = random.chance(weather.duplicateProbability) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      // Independent delays: messages overtake each other.
      this.schedule.after(random.between(weather.minDelayMs, weather.maxDelayMs), () => this.#deliver(m));
    }
  }

  #deliver(m: Message): void {
    if (this.#cuts.has(`${m.from}>${m.to}`)) return;
    const server = this.#servers.get(m.to)!;
    this.#input(server, () => {
      server.raft.step(m, this.schedule.nowMs);
      if (this.random.chance(0.5)) this.#drain(server);
      else this.#drainSoon(server);
    });
  }
}

/** As a write-ahead log is read back: an entry replaces its index and all behind it. */
function store(disk: Disk, { hardState, entries }: Ready): void {
  if (hardState !== null) disk.hardState = hardState;
  const first = entries[0];
  if (first === undefined) return;
  disk.entries.length = first.index - 1;
  for (const entry of entries) disk.entries.push(entry);
}

const newDisk = (): Disk => ({ hardState: { term: term(0), votedFor: null }, entries: [] });
