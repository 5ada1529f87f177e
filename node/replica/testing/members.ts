import { encodeCommand } from '../../kv/command.ts';
import { KvStore } from '../../kv/store.ts';
import type { ClientResult } from '../../protocol/client.ts';
import type { PeerMessage } from '../../protocol/snapshot-message.ts';
import { memoryDisk, MemoryStorage } from '../../storage/memory.ts';
import { Raft } from '../../raft/raft.ts';
import { nodeId, term } from '../../raft/types.ts';
import type { NodeId } from '../../raft/types.ts';
import { StorageError } from '../ports.ts';
import type { Identity, LogWrite, Recovered, Storage, Transport } from '../ports.ts';
import { Replica } from '../replica.ts';
import type { ReplicaOptions } from '../replica.ts';
import { Trace } from '../trace.ts';
import type { ReportLine } from '../trace.ts';

const FOUNDERS = ['n1', 'n2', 'n3'].map(nodeId);
const IDENTITY: Identity = { node: FOUNDERS[0]!, cluster: 'c', founders: FOUNDERS, incarnation: 0 };
const EMPTY: Recovered = {
  identity: IDENTITY,
  hardState: { term: term(0), votedFor: null },
  snapshot: null,
  entries: [],
  tornBytes: 0,
};

/** A disk whose writes end when the test says so. */
class HeldDisk implements Storage {
  readonly snapshots = new MemoryStorage(memoryDisk(), IDENTITY).snapshots;
  readonly writes: (readonly LogWrite[])[] = [];
  held = false;
  broken = false;
  #release: (() => void)[] = [];

  recover(): Promise<Recovered> {
    return Promise.resolve(EMPTY);
  }
  async write(batch: readonly LogWrite[]): Promise<void> {
    this.writes.push(batch);
    if (this.held) await new Promise<void>((resolve) => this.#release.push(resolve));
    if (this.broken) throw new StorageError('the disk is full');
  }
  roll(): void {}
  compact(): void {}
  release(): void {
    for (const resolve of this.#release.splice(0)) resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Options of a test. */
type MoreOptions = Partial<Pick<ReplicaOptions, 'sessionIdleMs'>>;

/** One replica whose disk, network and clock are controlled by the test. */
export class Member {
  readonly disk = new HeldDisk();
  readonly store = new KvStore();
  readonly lines: ReportLine[] = [];
  readonly sent: PeerMessage[] = [];
  /** Answers to clients, by request number. */
  readonly answers = new Map<number, ClientResult>();
  readonly failures: unknown[] = [];
  readonly replica: Replica;
  readonly raft: Raft;

  constructor(id: NodeId, cluster: Cluster, more: MoreOptions) {
    this.raft = new Raft(
      {
        id,
        peers: cluster.ids,
        electionTimeoutMinMs: 300,
        electionTimeoutMaxMs: 600,
        heartbeatMs: 50,
        // n1 has the shortest election timeout, then n2.
        random: () => cluster.ids.indexOf(id) / 3,
        maxInflightMessages: 32,
        maxMessageBytes: 1 << 16,
        maxUncommittedBytes: 2_000,
      },
      { ...EMPTY, incarnation: 0, snapshot: null, nowMs: 0 },
    );
    const transport: Transport = {
      send: (message) => this.sent.push(message),
      flush: () => undefined,
      members: () => undefined,
      close: () => Promise.resolve(),
    };
    this.replica = new Replica({
      raft: this.raft,
      storage: this.disk,
      transport,
      stateMachine: this.store,
      startedFrom: null,
      incarnation: 0,
      log: () => undefined,
      trace: new Trace({ report: (line) => this.lines.push(line), flush: () => undefined }, EMPTY, {
        snapshot: null,
      }),
      now: () => cluster.nowMs,
      soon: (turn) => cluster.turns.push(turn),
      // Time passes only in `pass`, whose steps are short enough.
      later: () => undefined,
      onTurnEnd: () => undefined,
      onStorageFailure: (error) => this.failures.push(error),
      ...more,
    });
  }

  answer(requestId: number, result: ClientResult): void {
    if (this.answers.has(requestId)) throw new Error(`request ${requestId} was answered twice`);
    this.answers.set(requestId, result);
  }
  open(requestId: number): void {
    this.replica.propose(encodeCommand({ type: 'open-session' }), this, requestId);
  }
  append(requestId: number, session: number, seq: number): void {
    const command = { type: 'append', session, seq, key: 'k', value: 'x' } as const;
    this.replica.propose(encodeCommand(command), this, requestId);
  }
  /** The session that request `requestId` opened. */
  sessionOf(requestId: number): number {
    const result = this.answers.get(requestId);
    return result?.type === 'session' ? result.session : Number.NaN;
  }
  told(requestId: number): string {
    const result = this.answers.get(requestId);
    return result === undefined ? 'nothing' : result.type === 'error' ? result.code : result.type;
  }
}

/** Three members, and the messages between them. */
export class Cluster {
  nowMs = 0;
  readonly turns: (() => void)[] = [];
  readonly ids = [nodeId('n1'), nodeId('n2'), nodeId('n3')];
  readonly members: ReadonlyMap<NodeId, Member>;
  /** Nodes that are cut off in both directions. */
  readonly cut = new Set<NodeId>();
  readonly n1: Member;
  readonly n2: Member;
  readonly n3: Member;

  constructor(more: MoreOptions = {}) {
    this.members = new Map(this.ids.map((id) => [id, new Member(id, this, more)]));
    [this.n1, this.n2, this.n3] = [...this.members.values()] as [Member, Member, Member];
  }

  /** Makes a cluster in which n1 leads and its first entry is committed. */
  static async withLeader(more: MoreOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(more);
    await cluster.pass(350);
    const { role, commitIndex } = cluster.n1.raft.status();
    if (role !== 'leader' || commitIndex !== 1) throw new Error(`n1 is ${role}, commit ${commitIndex}`);
    return cluster;
  }

  /** Runs turns, delivers messages and ends disk writes until nothing is left to do. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3;) {
      const busy = this.turns.length > 0 || [...this.members.values()].some(({ sent }) => sent.length > 0);
      idle = busy ? 0 : idle + 1;
      for (const turn of this.turns.splice(0)) turn();
      for (const { sent } of this.members.values())
        for (const message of sent.splice(0)) this.#deliver(message);
      // A disk write ends some microtasks later.
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
  }

  async pass(ms: number): Promise<void> {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 10;
      for (const { replica } of this.members.values()) replica.tick();
      await this.settle();
    }
  }

  #deliver(message: PeerMessage): void {
    if (!this.cut.has(message.from) && !this.cut.has(message.to))
      this.members.get(message.to)!.replica.receive(message);
  }
}
