import type { NodeReport, RoleName, StatusReport } from '../../node/protocol/report.ts';
import { logIndex, nodeId, term as asTerm } from '../../node/raft/types.ts';
import type { Clock } from '../../harness/clock.ts';
import type { Cluster, ClusterEvent, NodeExit, NodeLife, NodeView } from '../../harness/ports/cluster.ts';
import type { TwinLinks } from './twin-links.ts';

interface Member {
  readonly id: string;
  readonly patienceMs: number;
  life: NodeLife;
  pid: number | null;
  role: RoleName;
  term: number;
  leader: string | null;
  /** How much of the shared log it has. */
  length: number;
  heardAt: number;
  quorumAt: number;
  told: string;
  toldAt: number;
  reports: number;
  incarnation: number;
}

/** A command of the key-value store, as the twin's log keeps it. */
export interface TwinEntry {
  readonly term: number;
  readonly key: string;
  readonly value: string;
}

const TICK_MS = 25;
const START_MS = 40;
const STATUS_MS = 200;

/**
 * Three (or more) nodes in memory over `TwinLinks`: leaders, elections and catching up as a client of the
 * port sees them.
 * Not Raft: there is one log, and an entry enters it only when its leader reaches a majority at that very
 * moment, so the
 * store is linearizable by construction. Faults do to it what they do to the real one.
 */
export class TwinCluster implements Cluster {
  readonly nodes: readonly string[];
  readonly log: TwinEntry[] = [];
  readonly #clock: Clock;
  readonly #links: TwinLinks;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #end = new AbortController();
  #pids = 100;
  #ticking = false;

  constructor(nodes: readonly string[], clock: Clock, links: TwinLinks) {
    this.nodes = nodes;
    this.#clock = clock;
    this.#links = links;
    this.#members = new Map(
      nodes.map((id, i) => [
        id,
        {
          id, patienceMs: 300 + i * 100, life: 'down', pid: null, role: 'follower', term: 0, leader: null,
          length: 0, heardAt: 0, quorumAt: 0, told: '', toldAt: 0, reports: 0, incarnation: 0,
        },
      ]),
    ); // prettier-ignore
  }

  view(node: string): NodeView {
    const { id, life, pid } = this.#member(node);
    return { id, life, pid };
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(node: string): Promise<void> {
    const member = this.#member(node);
    if (member.life !== 'down') throw new Error(`cannot start ${node}: it is ${member.life}`);
    this.#setLife(member, 'starting', ++this.#pids);
    member.incarnation++;
    await this.#clock.sleep(START_MS);
    Object.assign(member, {
      role: 'follower',
      leader: null,
      heardAt: this.#clock.now(),
      reports: 0,
      told: '',
    });
    this.#setLife(member, 'up', member.pid);
    if (!this.#ticking) void this.#tick();
    this.#ticking = true;
  }

  async kill(node: string): Promise<void> {
    this.#down(node, { code: null, signal: 'SIGKILL', expected: true, stderr: '' });
  }

  async stop(node: string): Promise<void> {
    this.#setLife(this.#member(node), 'stopping', this.#member(node).pid);
    await this.#clock.sleep(TICK_MS);
    this.#down(node, { code: 0, signal: null, expected: true, stderr: '' });
  }

  /** The node dies by itself. */
  crash(node: string, code: number, stderr: string): void {
    this.#down(node, { code, signal: null, expected: false, stderr });
  }

  async pause(node: string): Promise<void> {
    this.#setLife(this.#member(node), 'paused', this.#member(node).pid);
  }

  async resume(node: string): Promise<void> {
    this.#setLife(this.#member(node), 'up', this.#member(node).pid);
  }

  async wipe(node: string): Promise<void> {
    this.#member(node).length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new Error('disposed'));
    for (const { id, life } of this.#members.values()) if (life !== 'down') await this.kill(id);
  }

  /** Who would answer at this node: itself if it leads and reaches a majority now; null: no answer will come. */
  serve(node: string): { readonly leads: boolean; readonly leader: string | null } | null {
    const member = this.#member(node);
    if (member.life !== 'up') return null;
    if (member.role !== 'leader') return { leads: false, leader: member.leader };
    return this.#reaches(member, 64).length + 1 > this.nodes.length / 2
      ? { leads: true, leader: node }
      : null;
  }

  /** Appends to the log at a node that `serve` said leads: whoever it reaches, a majority, has the entry at once. */
  append(node: string, key: string, value: string): void {
    const member = this.#member(node);
    this.log.push({ term: member.term, key, value });
    for (const each of [member, ...this.#reaches(member, 80)]) {
      const first = each.length + 1;
      each.length = this.log.length;
      this.#replicated(each, first);
    }
  }

  /** What the node has of the key: of the whole log for a leader, of an old prefix for one that fell behind. */
  valueAt(node: string, key: string): string | null {
    return this.log.slice(0, this.#member(node).length).findLast((entry) => entry.key === key)?.value ?? null;
  }

  async #tick(): Promise<void> {
    while (!this.#end.signal.aborted) {
      for (const member of this.#members.values()) if (member.life === 'up') this.#act(member);
      for (const member of this.#members.values()) if (member.life === 'up') this.#status(member);
      await this.#clock.sleep(TICK_MS, this.#end.signal).catch(() => undefined);
    }
  }

  #act(member: Member): void {
    const now = this.#clock.now();
    if (member.role === 'leader') return this.#lead(member, now);
    if (now - member.heardAt <= member.patienceMs) return;
    member.leader = null;
    member.role = 'pre-candidate';
    const voters = this.#reaches(member, 32).filter(
      (voter) => now - voter.heardAt > 150 && voter.length <= member.length && voter.role !== 'leader',
    );
    if (voters.length + 1 <= this.nodes.length / 2) return;
    member.term = Math.max(member.term, ...voters.map(({ term }) => term)) + 1;
    for (const voter of voters) Object.assign(voter, { term: member.term, heardAt: now });
    Object.assign(member, { role: 'leader', leader: member.id, quorumAt: now });
    this.#report(member, {
      type: 'BecomeLeader',
      term: asTerm(member.term),
      leader: nodeId(member.id),
      reason: 'votes of a majority',
    });
    this.#lead(member, now);
  }

  #lead(member: Member, now: number): void {
    const heard = [...this.#members.values()].filter(
      (peer) => peer !== member && peer.life === 'up' && this.#crosses(member, peer, 48),
    );
    if (heard.some(({ term }) => term > member.term))
      return void Object.assign(member, { role: 'follower', leader: null, heardAt: now });
    for (const peer of heard) {
      Object.assign(peer, { term: member.term, leader: member.id, role: 'follower', heardAt: now });
      if (peer.length === member.length) continue;
      const first = peer.length + 1;
      peer.length = member.length;
      this.#replicated(peer, first);
    }
    const answers = heard.filter((peer) => this.#crosses(peer, member, 16));
    if (answers.length + 1 > this.nodes.length / 2) member.quorumAt = now;
    else if (now - member.quorumAt > 400)
      Object.assign(member, { role: 'follower', leader: null, heardAt: now });
  }

  /** Peers that a message reaches and whose answer comes back. */
  #reaches(member: Member, bytes: number): readonly Member[] {
    return [...this.#members.values()].filter(
      (peer) =>
        peer !== member &&
        peer.life === 'up' &&
        this.#crosses(member, peer, bytes) &&
        this.#crosses(peer, member, bytes),
    );
  }

  #crosses(from: Member, to: Member, bytes: number): boolean {
    return this.#links.carry({ from: from.id, to: to.id }, bytes) !== null;
  }

  #status(member: Member): void {
    const { role, term, leader, length } = member;
    const now = this.#clock.now();
    const told = `${role} ${term} ${leader}`;
    if (told === member.told && now - member.toldAt < STATUS_MS) return;
    Object.assign(member, { told, toldAt: now });
    const status: StatusReport = {
      type: 'status', role, term: asTerm(term), votedFor: null, leader: leader === null ? null : nodeId(leader),
      commit: logIndex(length), applied: logIndex(length), lastIndex: logIndex(length),
      lastTerm: asTerm(this.log[length - 1]?.term ?? 0), durable: logIndex(length), appliedDigest: length,
      rssBytes: 1 << 26,
    }; // prettier-ignore
    this.#report(member, status);
  }

  #replicated(member: Member, first: number): void {
    const entries = this.log.slice(first - 1, member.length);
    const indexes = entries.map((_, i) => first + i);
    const last = logIndex(member.length);
    const terms = entries.map(({ term }) => asTerm(term));
    this.#report(member, {
      type: 'Replicate',
      first: logIndex(first),
      terms,
      digests: indexes,
      truncated: false,
    });
    this.#report(member, { type: 'Commit', index: last, term: asTerm(member.term) });
    this.#report(member, { type: 'Apply', index: last, digest: member.length });
  }

  #down(node: string, exit: NodeExit): void {
    const member = this.#member(node);
    member.role = 'follower';
    this.#setLife(member, 'down', null, exit);
  }

  #setLife(member: Member, life: NodeLife, pid: number | null, exit?: NodeExit): void {
    member.life = life;
    member.pid = pid;
    this.#tell({
      type: 'life',
      t: this.#clock.now(),
      node: member.id,
      life,
      pid,
      ...(exit !== undefined && { exit }),
    });
  }

  #report(member: Member, body: DistributiveOmit<NodeReport, 'n' | 'at' | 'node'>): void {
    const t = this.#clock.now();
    const report = { n: member.reports++, at: t * 1_000, node: nodeId(member.id), ...body } as NodeReport;
    const node = member.id;
    if (report.type === 'status') this.#tell({ type: 'status', t, node, status: report });
    else if (report.type === 'log') this.#tell({ type: 'log', t, node, log: report });
    else if (report.type !== 'ready') this.#tell({ type: 'trace', t, node, trace: report });
  }

  #tell(event: ClusterEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #member(node: string): Member {
    const member = this.#members.get(node);
    if (member === undefined) throw new Error(`no node ${node}`);
    return member;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
