import type { MemberChange } from '../configuration.ts';
import type { Message } from '../message.ts';
import { Raft } from '../raft.ts';
import type { RaftConfig } from '../ready.ts';
import { logIndex } from '../types.ts';
import type { NodeId } from '../types.ts';
import {
  describeEntry,
  describeFollower,
  describeMessage,
  describeReady,
  describeStatus,
} from './describe.ts';
import { compact, newDisk, recover, store } from './disk.ts';
import type { Disk } from './disk.ts';

/** Default configuration of the servers on a stage. A transcript may set other values. */
const CONFIG = {
  electionTimeoutMinMs: 150,
  electionTimeoutMaxMs: 300,
  heartbeatMs: 30,
  random: () => 0,
  maxInflightMessages: 8,
  maxMessageBytes: 1_000,
  maxUncommittedBytes: 10_000,
} as const;
const TICK_MS = 5;
/** Maximum number of rounds in which servers may send messages before they must be quiet. */
const MOST_ROUNDS = 100;

interface Actor {
  readonly config: RaftConfig;
  disk: Disk;
  raft: Raft;
  /** Time of the server's own clock, in ms. */
  nowMs: number;
  /** Work that waits for the disk while it is held, in order. Null: the disk is not held, so writes end at once. */
  held: (() => void)[] | null;
}

/** Servers, disks and a network that do nothing by themselves. Each step is a call. */
export class ScriptStage {
  readonly #actors = new Map<NodeId, Actor>();
  /** Messages that were sent and are neither delivered nor lost, in order. */
  #network: Message[] = [];

  get ids(): NodeId[] {
    return [...this.#actors.keys()];
  }

  add(id: NodeId, founders: readonly NodeId[], disk: Disk, config: Partial<RaftConfig> = {}): void {
    const whole: RaftConfig = { ...CONFIG, ...config, id, peers: founders };
    const raft = new Raft(whole, { ...recover(disk), nowMs: 0 });
    this.#actors.set(id, { config: whole, disk, raft, nowMs: 0, held: null });
  }

  /** Restarts a server, which loses everything that was not stored. */
  restart(id: NodeId, disk: Disk = this.#actor(id).disk): void {
    const actor = this.#actor(id);
    // A write that was under way is lost.
    if (actor.held !== null) actor.held = [];
    actor.disk = disk;
    actor.raft = new Raft(actor.config, { ...recover(disk), nowMs: actor.nowMs });
  }

  wipe(id: NodeId, incarnation: number): void {
    this.restart(id, newDisk(incarnation));
  }

  /** Lets time pass for `id`, with ticks. */
  pass(id: NodeId, ms: number): void {
    const actor = this.#actor(id);
    const endMs = actor.nowMs + ms;
    while (actor.nowMs < endMs) {
      actor.nowMs = Math.min(actor.nowMs + TICK_MS, endMs);
      actor.raft.tick(actor.nowMs);
    }
  }

  /** Lets time pass while `id` does not run. */
  sleep(id: NodeId, ms: number): void {
    this.#actor(id).nowMs += ms;
  }

  /** Lets time pass for `id` until it starts an election, or for the longest time that this may take. */
  campaign(id: NodeId): string[] {
    const { raft, config } = this.#actor(id);
    for (let ms = 0; ms <= config.electionTimeoutMaxMs + config.heartbeatMs; ms += TICK_MS) {
      this.pass(id, TICK_MS);
      if (raft.status().role !== 'follower') return [];
    }
    return [`${id} starts no election`];
  }

  propose(id: NodeId, data: string): string[] {
    const { raft, nowMs } = this.#actor(id);
    return refusalOf(raft.propose(new TextEncoder().encode(data), nowMs));
  }

  change(id: NodeId, changes: readonly MemberChange[]): string[] {
    const { raft, nowMs } = this.#actor(id);
    return refusalOf(raft.proposeConfiguration(changes, nowMs));
  }

  transfer(id: NodeId, to: NodeId | null): string[] {
    const { raft, nowMs } = this.#actor(id);
    return refusalOf(raft.transferLeadership(to, nowMs));
  }

  read(id: NodeId, requestId: number): string[] {
    const { raft, nowMs } = this.#actor(id);
    return refusalOf(raft.readIndex(requestId, nowMs));
  }

  /** Takes a snapshot of the applied state up to `index`, and removes the entries up to `upTo`. */
  compact(id: NodeId, index: number, upTo: number): void {
    const { raft, disk } = this.#actor(id);
    const meta = raft.snapshotMeta(logIndex(index));
    compact(disk, meta, upTo);
    raft.compact(meta, logIndex(upTo));
  }

  /** Hands a message to its receiver, as if a peer had sent it. */
  receive(m: Message): void {
    const to = this.#actor(m.to);
    to.raft.step(m, to.nowMs);
  }

  /** Holds the disk of `id`: its writes do not end before `sync`. */
  hold(id: NodeId): void {
    this.#actor(id).held ??= [];
  }

  /** Ends all writes of `id`. Later writes end at once. */
  sync(id: NodeId): void {
    const actor = this.#actor(id);
    const waiting = actor.held ?? [];
    actor.held = null;
    for (const end of waiting) end();
  }

  /** Tells `id` that the write on its disk has been under way for `ms`. */
  busy(id: NodeId, ms: number): void {
    const { raft, nowMs } = this.#actor(id);
    raft.diskBusySince(nowMs - ms);
  }

  /** Breaks the connection over which `peer` sends to `id`. */
  lose(id: NodeId, peer: NodeId): void {
    const { raft, nowMs } = this.#actor(id);
    raft.peerLost(peer, nowMs);
  }

  /** Duplicates the messages under way on these routes. */
  duplicate(isRoute: (m: Message) => boolean): void {
    this.#network = this.#network.flatMap((m) => (isRoute(m) ? [m, m] : [m]));
  }

  /** Carries out one Ready of `id`. Its writes end at once, unless the disk is held. */
  ready(id: NodeId): string[] {
    const actor = this.#actor(id);
    const { raft, disk, nowMs } = actor;
    if (!raft.hasReady()) return [];
    const ready = raft.takeReady(nowMs);
    this.#network.push(...ready.messages);
    const stored = (): void => {
      store(disk, ready);
      this.#network.push(...ready.messagesAfterPersist);
      const last = ready.entries.at(-1);
      if (last !== undefined) raft.persisted({ index: last.index, term: last.term }, actor.nowMs);
    };
    if (actor.held === null) stored();
    else actor.held.push(stored);
    const applied = ready.committed.at(-1)?.index ?? ready.snapshot?.index;
    if (applied !== undefined) raft.appliedTo(applied);
    const lines = describeReady(ready);
    return lines.length === 0 ? [] : [`${id}:`, ...lines.map((line) => `  ${line}`)];
  }

  /** Delivers the messages under way on these routes, and for a snapshot also all of its data. */
  deliver(isRoute: (m: Message) => boolean): number {
    const due = this.#take(isRoute);
    for (const m of due) {
      const to = this.#actors.get(m.to);
      to?.raft.step(m, to.nowMs);
      this.#streamed(m, to !== undefined);
    }
    return due.length;
  }

  drop(isRoute: (m: Message) => boolean): string[] {
    const lost = this.#take(isRoute);
    for (const m of lost) this.#streamed(m, false);
    return lost.map((m) => `lost: ${describeMessage(m)}`);
  }

  /** Carries out Readys of `ids`, and delivers messages among them, until there are none. */
  stabilize(ids: readonly NodeId[]): string[] {
    const lines: string[] = [];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const busy = ids.filter((id) => this.#actor(id).raft.hasReady());
      for (const id of busy) lines.push(...this.ready(id));
      const delivered = this.deliver((m) => ids.includes(m.from) && ids.includes(m.to));
      if (busy.length === 0 && delivered === 0) return lines;
    }
    return [...lines, `the servers still send messages after ${MOST_ROUNDS} rounds`];
  }

  status(id: NodeId): string {
    return describeStatus(this.#actor(id).raft.status());
  }

  followers(id: NodeId): string[] {
    return this.#actor(id).raft.followers().map(describeFollower);
  }

  stored(id: NodeId): string[] {
    const { hardState, snapshot, entries } = this.#actor(id).disk;
    const log = snapshot === null ? [] : [`snapshot ${snapshot.index}/${snapshot.term}`];
    return [
      `term ${hardState.term} vote ${hardState.votedFor ?? 'none'}`,
      ...log,
      ...entries.map(describeEntry),
    ];
  }

  /** Tells the sender of a snapshot the result of the streaming. */
  #streamed(m: Message, ok: boolean): void {
    const from = this.#actors.get(m.from);
    if (m.type === 'InstallSnapshot') from?.raft.reportSnapshot(m.to, ok, from.nowMs);
  }

  #take(isRoute: (m: Message) => boolean): Message[] {
    const taken = this.#network.filter(isRoute);
    this.#network = this.#network.filter((m) => !isRoute(m));
    return taken;
  }

  #actor(id: NodeId): Actor {
    const actor = this.#actors.get(id);
    if (actor === undefined) throw new Error(`no server ${id} on the stage`);
    return actor;
  }
}

type Outcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly detail?: string };

function refusalOf(result: Outcome): string[] {
  if (result.ok) return [];
  return [
    result.detail === undefined ? `refused: ${result.reason}` : `refused: ${result.reason}: ${result.detail}`,
  ];
}
