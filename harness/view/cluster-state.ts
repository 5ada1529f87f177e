import type { ClusterEvent, NodeLife } from '../ports/cluster.ts';
import type { LeaderGap } from '../result.ts';
import type { NodeStatus, TraceEvent } from '../trace.ts';

/** What is known of one node, from its latest reports. */
export interface NodeState {
  readonly id: string;
  life: NodeLife;
  pid: number | null;
  /** Of the running process; null while it is down or has not reported yet. */
  status: NodeStatus | null;
  /** Highest commit index reported since the process started. */
  commit: number;
  /** Log length at the latest report; kept while the node is down. */
  lastIndex: number | null;
  /** How often role, term or known leader changed, over the whole run. */
  changes: number;
  /** Reports heard, over the whole run. */
  reports: number;
  /** Processes that came up, over the whole run. */
  starts: number;
}

export interface Leadership {
  readonly node: string;
  readonly term: number;
}

export interface Election extends Leadership {
  readonly t: number;
}

/** How far a judgement is from holding, in words. */
export interface Seen {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * The cluster as its own events describe it: a fold, no clock, no I/O. A node that is down or paused claims nothing.
 * A leader *stands* when a majority of the nodes, itself included, are up, can exchange messages with it and
 * name it as leader
 * of its term, and nobody claims a higher one.
 */
export class ClusterState {
  readonly #nodes: ReadonlyMap<string, NodeState>;
  readonly #elections: Election[] = [];
  readonly #commits = new Map<string, { t: number; commit: number }[]>();
  readonly #gaps: LeaderGap[] = [];
  readonly #leaderships: (Election & { until: number | null })[] = [];
  readonly #cut = new Set<string>();
  #maxCommit = 0;

  constructor(nodes: readonly string[]) {
    this.#nodes = new Map(
      nodes.map((id) => [
        id,
        {
          id,
          life: 'down',
          pid: null,
          status: null,
          commit: 0,
          lastIndex: null,
          changes: 0,
          reports: 0,
          starts: 0,
        },
      ]),
    );
  }

  get ids(): readonly string[] {
    return [...this.#nodes.keys()];
  }
  get elections(): readonly Election[] {
    return this.#elections;
  }
  /** Highest commit index that any node has ever reported. */
  get maxCommit(): number {
    return this.#maxCommit;
  }

  node(id: string): NodeState {
    const state = this.#nodes.get(id);
    if (state === undefined) throw new Error(`there is no node ${id}; there are ${this.ids.join(', ')}`);
    return state;
  }

  /**
   * True when who leads, a role, a term, a life or a commit index changed, so that whoever waits should look
   * again.
   */
  feed(event: ClusterEvent): boolean {
    const state = this.#nodes.get(event.node);
    if (state === undefined) return false;
    const noticed =
      event.type === 'life' ? this.#feedLife(state, event.life, event.pid) : this.#feedReport(state, event);
    if (noticed) this.#followLeadership(event.t);
    return noticed;
  }

  /** Nodes that are up: running and not paused. */
  up(): readonly string[] {
    return [...this.#nodes.values()].filter(({ life }) => life === 'up').map(({ id }) => id);
  }

  /** Every node that is up and says it leads, highest term first. */
  claimants(): readonly Leadership[] {
    return [...this.#nodes.values()]
      .filter(({ life, status }) => life === 'up' && status?.role === 'leader')
      .map(({ id, status }) => ({ node: id, term: status!.term ?? 0 }))
      .sort((a, b) => b.term - a.term);
  }

  /** The leader that stands now, or null. */
  standing(): Leadership | null {
    const top = this.claimants()[0];
    if (top === undefined) return null;
    const behind = [...this.#nodes.values()].filter(
      ({ id, life, status }) =>
        life === 'up' &&
        status?.leader === top.node &&
        (status.term ?? 0) === top.term &&
        this.#meet(id, top.node),
    );
    return behind.length > this.#nodes.size / 2 ? top : null;
  }

  /** Since when the leader that stands has stood without a break; null if none does. */
  standingSince(): number | null {
    const latest = this.#leaderships.at(-1);
    return latest === undefined || latest.until !== null ? null : latest.t;
  }

  /** First time at or after `t` at which a leader stood; null if none has yet. */
  ledFrom(t: number): number | null {
    const next = this.#leaderships.find(({ until }) => until === null || until > t);
    return next === undefined ? null : Math.max(t, next.t);
  }

  /** Times without a standing leader after the first one stood, up to `end`. */
  leaderGaps(end: number): readonly LeaderGap[] {
    const last = this.#leaderships.at(-1);
    const open =
      last === undefined || last.until === null || last.until >= end ? [] : [{ from: last.until, to: end }];
    return [...this.#gaps, ...open];
  }

  /** The commit index that the node had reported by time `t`. */
  commitAt(id: string, t: number): number {
    return this.#commits.get(id)?.findLast((sample) => sample.t <= t)?.commit ?? 0;
  }

  /** All nodes up, in one term under one standing leader, each having applied everything up to `index`. */
  converged(index: number): Seen {
    const leader = this.standing();
    if (leader === null) return { ok: false, detail: 'no leader stands' };
    for (const { id, life, status } of this.#nodes.values()) {
      if (life !== 'up' || status === null)
        return { ok: false, detail: `${id} is ${life === 'up' ? 'starting' : life}` };
      if ((status.term ?? 0) !== leader.term || status.leader !== leader.node) {
        return {
          ok: false,
          detail: `${id} is in term ${status.term ?? 0} under ${status.leader ?? 'nobody'}, ${leader.node} leads term ${leader.term}`,
        };
      }
      const applied = status.applied ?? 0;
      if (applied < index) return { ok: false, detail: `${id} has applied ${applied} of ${index} entries` };
    }
    return {
      ok: true,
      detail: `all nodes follow ${leader.node} in term ${leader.term} and have applied ${index} entries`,
    };
  }

  /** A link was confirmed to be cut, or to let messages through again. */
  feedLink(t: number, link: string, cut: boolean): void {
    if (cut) this.#cut.add(link);
    else this.#cut.delete(link);
    this.#followLeadership(t);
  }

  /** Messages pass between the two in both directions. */
  #meet(a: string, b: string): boolean {
    return !this.#cut.has(`${a}->${b}`) && !this.#cut.has(`${b}->${a}`);
  }

  #feedLife(state: NodeState, life: NodeLife, pid: number | null): boolean {
    if (life === 'starting') state.commit = 0;
    if (life === 'up' && state.life !== 'paused') state.starts++;
    if (life === 'down' || life === 'starting') state.status = null;
    state.life = life;
    state.pid = pid;
    return true;
  }

  #feedReport(state: NodeState, event: Exclude<ClusterEvent, { type: 'life' }>): boolean {
    state.reports++;
    if (event.type === 'trace') this.#feedTrace(state, event.t, event.trace);
    // The pipe of a node that was told to end may still hold lines.
    if (event.type !== 'status' || state.life === 'down') return false;
    const { t, status } = event;
    const before = state.status;
    state.status = status;
    state.lastIndex = status.lastIndex ?? null;
    if (
      before === null ||
      before.role !== status.role ||
      before.term !== status.term ||
      before.leader !== status.leader
    )
      state.changes++;
    if (status.role === 'leader') this.#elected(t, state.id, status.term ?? 0);
    if (status.commit !== undefined) this.#committed(state, t, status.commit);
    return true;
  }

  #feedTrace(state: NodeState, t: number, trace: TraceEvent): void {
    if (trace.type === 'BecomeLeader') this.#elected(t, state.id, trace.term);
    if (trace.type === 'Commit') this.#committed(state, t, trace.index);
  }

  #committed(state: NodeState, t: number, commit: number): void {
    if (commit <= state.commit) return;
    state.commit = commit;
    this.#maxCommit = Math.max(this.#maxCommit, commit);
    const samples = this.#commits.get(state.id) ?? [];
    samples.push({ t, commit });
    this.#commits.set(state.id, samples);
  }

  #elected(t: number, node: string, term: number): void {
    if (this.#elections.some((known) => known.term === term && known.node === node)) return;
    this.#elections.push({ t, node, term });
  }

  #followLeadership(t: number): void {
    const now = this.standing();
    const latest = this.#leaderships.at(-1);
    const open = latest !== undefined && latest.until === null;
    if (open && now !== null && now.node === latest.node && now.term === latest.term) return;
    if (open) latest.until = t;
    if (now === null) return;
    if (latest !== undefined && latest.until! < t) this.#gaps.push({ from: latest.until!, to: t });
    this.#leaderships.push({ t, ...now, until: null });
  }
}
