import type { MemberChange } from '../configuration.ts';
import { membersOf } from '../membership.ts';
import type { InstallSnapshot, Message } from '../message.ts';
import { Raft } from '../raft.ts';
import type { CoreStatus, RaftConfig } from '../ready.ts';
import type { InitialState } from '../state.ts';
import { nodeId } from '../types.ts';
import type { NodeId } from '../types.ts';
import { newDisk, recover } from './disk.ts';
import { SeededRandom } from './random.ts';
import { SafetyWatch } from './safety.ts';
import type { WatchedDisk } from './safety.ts';
import { Schedule } from './schedule.ts';
import { TrialServer, timing } from './sim-server.ts';
import type { Counts, Habits, Surroundings } from './sim-server.ts';

export type RaftFactory = (config: RaftConfig, initial: InitialState) => Raft;

/** Present behaviour of the links. Probabilities are in [0, 1], delays in ms of virtual time. */
export interface Weather {
  readonly lossProbability: number;
  readonly duplicateProbability: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const calm: Weather = { lossProbability: 0, duplicateProbability: 0, minDelayMs: 1, maxDelayMs: 3 };

/** Time after which the driver treats the streaming of a snapshot as failed. */
const STREAM_WITHIN_MS = 1_000;

/** Real cores with a simulated network, disk and clock. The seed determines everything. Throws at a violation. */
export class TrialCluster implements Surroundings {
  readonly random: SeededRandom;
  readonly schedule = new Schedule();
  readonly watch: SafetyWatch;
  readonly founders: readonly NodeId[];
  /** The founders, and the servers that may join. */
  readonly ids: readonly NodeId[];
  readonly habits: Habits;
  readonly counts: Counts = {
    proposed: 0,
    busy: 0,
    readsDone: 0,
    readsFailed: 0,
    elections: 0,
    crashes: 0,
    stallStepDowns: 0,
    snapshotsTaken: 0,
    snapshotsInstalled: 0,
    changes: 0,
    jointCommits: 0,
    rollbacks: 0,
    wipes: 0,
    transfers: 0,
  };
  weather: Weather = calm;
  onElected: (id: NodeId) => void = () => {};
  readonly #servers = new Map<NodeId, TrialServer>();
  readonly #cuts = new Set<string>();
  readonly #factory: RaftFactory;
  readonly #looksInside: boolean;
  readonly #bounds: Pick<RaftConfig, 'maxInflightMessages' | 'maxMessageBytes' | 'maxUncommittedBytes'>;
  #requestId = 0;
  #incarnations = 0;

  /** Starts `size` founders and `spares` servers that may join. */
  constructor(
    options: { readonly size: number; readonly spares: number; readonly looksInside?: boolean },
    seed: number,
    factory: RaftFactory = (config, initial) => new Raft(config, initial),
  ) {
    const { size, spares, looksInside = true } = options;
    const random = new SeededRandom(seed);
    this.random = random;
    this.#factory = factory;
    this.#looksInside = looksInside;
    this.ids = Array.from({ length: size + spares }, (_, at) => nodeId(`n${at + 1}`));
    this.founders = this.ids.slice(0, size);
    this.#bounds = random.chance(0.5)
      ? {
          maxInflightMessages: random.int(1, 3),
          maxMessageBytes: random.pick([1, 80]),
          maxUncommittedBytes: 1_000,
        }
      : { maxInflightMessages: 64, maxMessageBytes: 65_536, maxUncommittedBytes: 1_000_000 };
    this.habits = {
      tickByDeadline: random.chance(0.3),
      slowDisk: random.chance(0.3),
      snapshotEvery: random.pick([Infinity, 3, 10, 40]),
      keepEntries: random.pick([0, 3, 20]),
    };
    this.watch = new SafetyWatch(this.founders, looksInside);
    for (const id of this.ids) this.#servers.set(id, new TrialServer(id, this.#newDisk(id), this));
  }

  run(forMs: number): void {
    this.schedule.runUntil(this.schedule.nowMs + forMs);
  }

  /** Runs until `condition` holds; throws if it does not within `boundMs`. */
  runUntil(what: string, condition: () => boolean, boundMs: number): void {
    const endMs = this.schedule.nowMs + boundMs;
    while (!condition()) {
      if (this.schedule.nowMs >= endMs)
        throw new Error(`liveness: "${what}" did not happen within ${boundMs} ms; ${this.describe()}`);
      this.run(10);
    }
  }

  status(id: NodeId): CoreStatus {
    return this.#server(id).raft.status();
  }

  /** The leader with the highest term, or null if no server leads. */
  leader(): NodeId | null {
    let best: CoreStatus | null = null;
    for (const { raft, up } of this.#servers.values()) {
      const status = raft.status();
      if (up && status.role === 'leader' && (best === null || status.term > best.term)) best = status;
    }
    return best?.id ?? null;
  }

  /** True if one server leads, all other members follow it in its term, and no membership change is under way. */
  isSettled(): boolean {
    const leader = this.leader();
    if (leader === null) return false;
    const { term, commitIndex, configuration, configurationIndex } = this.status(leader);
    if (configuration.outgoing.length > 0 || configurationIndex > commitIndex) return false;
    return [...membersOf(configuration)].every((id) => {
      const status = this.status(id);
      return status.term === term && status.leader === leader && this.#server(id).applied === commitIndex;
    });
  }

  propose(id: NodeId): boolean {
    const server = this.#server(id);
    if (!server.runs) return false;
    const { random } = this;
    const data = Uint8Array.of(...Array.from({ length: random.int(0, 8) }, () => random.int(0, 255)));
    const result = server.raft.propose(data, this.schedule.nowMs);
    if (result.ok) this.counts.proposed++;
    else if (result.reason === 'busy') this.counts.busy++;
    server.drainSoon();
    return result.ok;
  }

  change(id: NodeId, changes: readonly MemberChange[]): boolean {
    const server = this.#server(id);
    if (!server.runs) return false;
    const { ok } = server.raft.proposeConfiguration(changes, this.schedule.nowMs);
    if (ok) this.counts.changes++;
    server.drainSoon();
    return ok;
  }

  transfer(id: NodeId, to: NodeId | null): void {
    const server = this.#server(id);
    if (!server.runs) return;
    if (server.raft.transferLeadership(to, this.schedule.nowMs).ok) this.counts.transfers++;
    server.drainSoon();
  }

  read(id: NodeId): boolean {
    const server = this.#server(id);
    return server.runs && server.read(++this.#requestId);
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
      server.stallDisk(false);
      server.restart();
      server.resume();
    }
  }

  /** Ends the process of a server. Connected servers may notice that their connections broke. */
  crash(id: NodeId): void {
    this.#server(id).crash();
    if (this.random.chance(0.5)) return;
    for (const other of this.#servers.values()) {
      if (other.id === id || this.#cuts.has(`${id}>${other.id}`)) continue;
      other.input(() => {
        other.raft.peerLost(id, this.schedule.nowMs);
        other.drainSoon();
      });
    }
  }

  restart(id: NodeId): void {
    this.#server(id).restart();
  }

  /** Removes the disk of a server, which comes back with another incarnation. */
  wipe(id: NodeId): void {
    const server = this.#server(id);
    server.crash();
    server.disk = { ...newDisk(++this.#incarnations), snapshotState: '' };
    this.counts.wipes++;
    server.restart();
  }

  pause(id: NodeId): void {
    this.#server(id).pause();
  }

  resume(id: NodeId): void {
    this.#server(id).resume();
  }

  stallDisk(id: NodeId, stalled: boolean): void {
    this.#server(id).stallDisk(stalled);
  }

  describe(): string {
    return this.ids
      .map((id) => {
        const { role, term, leader, lastTerm, lastIndex, commitIndex, configuration } = this.status(id);
        const { up, pausedSinceMs, applied } = this.#server(id);
        const state = up ? (pausedSinceMs === null ? '' : ' paused') : ' down';
        const { voters, outgoing, learners } = configuration;
        const members = `(${voters.join(' ')})&&(${outgoing.join(' ')}) learners (${learners.join(' ')})`;
        const log = `log ${lastTerm}/${lastIndex} commit ${commitIndex} applied ${applied}`;
        return `${id}${state} ${role} term ${term} leader ${leader} ${log} ${members}`;
      })
      .join('; ');
  }

  newRaft(id: NodeId, disk: WatchedDisk): Raft {
    const knowsFounders = disk.incarnation === 0;
    this.watch.started(id, disk, knowsFounders);
    const peers = knowsFounders ? this.founders : [];
    const config: RaftConfig = {
      id,
      peers,
      ...timing,
      ...this.#bounds,
      random: this.random.float,
      assertions: this.#looksInside,
    };
    return this.#factory(config, { ...recover(disk), nowMs: this.schedule.nowMs });
  }

  send(from: TrialServer, m: Message): void {
    if (m.type === 'InstallSnapshot') return this.#stream(from, m);
    const { weather, random } = this;
    if (random.chance(weather.lossProbability)) return;
    const copies = random.chance(weather.duplicateProbability) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      // The delays are independent, so messages overtake each other.
      this.schedule.after(random.between(weather.minDelayMs, weather.maxDelayMs), () => {
        if (!this.#cuts.has(`${m.from}>${m.to}`)) this.#server(m.to).receive(m);
      });
    }
  }

  elected(id: NodeId): void {
    this.onElected(id);
  }

  /** Sends the newest snapshot of `from` to `m.to`. This takes some time, and may fail in between. */
  #stream(from: TrialServer, m: InstallSnapshot): void {
    const { random, schedule, weather } = this;
    const { snapshot, snapshotState } = from.disk;
    const { life } = from;
    let reported = false;
    const report = (ok: boolean): void => {
      if (reported || from.life !== life) return;
      reported = true;
      from.input(() => {
        from.raft.reportSnapshot(m.to, ok, schedule.nowMs);
        from.drainSoon();
      });
    };
    schedule.after(STREAM_WITHIN_MS, () => report(false));
    const lost = random.chance(weather.lossProbability);
    const copies = random.chance(weather.duplicateProbability) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      schedule.after(random.between(weather.minDelayMs, weather.maxDelayMs) + random.between(0, 100), () => {
        if (lost || this.#cuts.has(`${m.from}>${m.to}`)) return report(false);
        this.#server(m.to).receiveSnapshot({ ...m, snapshot: snapshot! }, snapshotState);
        if (random.chance(0.8)) schedule.after(random.between(0, 20), () => report(true));
      });
    }
  }

  #newDisk(id: NodeId): WatchedDisk {
    const incarnation = this.founders.includes(id) ? 0 : ++this.#incarnations;
    return { ...newDisk(incarnation), snapshotState: '' };
  }

  #server(id: NodeId): TrialServer {
    return this.#servers.get(id)!;
  }
}
