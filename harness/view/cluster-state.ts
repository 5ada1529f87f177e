import type { HarnessEvent } from '../event.ts';
import type { LeaderGap } from '../result.ts';
import { claimants } from './leadership.ts';
import type { NodeState, TermLeader, View } from './model.ts';
import { viewAfter, viewOf } from './view.ts';

export interface Election extends TermLeader {
  readonly t: number;
}

/** True (`ok`) if a condition holds, and the observation in words. */
export interface Seen {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * The view of a run's cluster together with its past, as far as conditions and expectations need it: elections, commit
 * indexes, and the times with and without a standing leader. It grows with the run. No clock, no I/O.
 */
export class ClusterState {
  #view: View;
  readonly #elections: Election[] = [];
  readonly #commits = new Map<string, { t: number; commit: number }[]>();
  readonly #leaderships: (Election & { until: number | null })[] = [];
  #maxCommit = 0;

  constructor(nodes: readonly string[]) {
    this.#view = viewOf(nodes);
  }

  get ids(): readonly string[] {
    return Object.keys(this.#view.nodes);
  }
  get elections(): readonly Election[] {
    return this.#elections;
  }
  /** Highest commit index that any node has ever reported. */
  get maxCommit(): number {
    return this.#maxCommit;
  }

  node(id: string): NodeState {
    const state = this.#view.nodes[id];
    if (state === undefined) throw new Error(`there is no node ${id}; there are ${this.ids.join(', ')}`);
    return state;
  }

  /** Returns true if the event was a `life` or a `status`, so that waiting conditions must be evaluated again. */
  feed(event: HarnessEvent): boolean {
    const before = this.#view;
    const after = viewAfter(before, event);
    this.#view = after;
    if (after.leadership !== before.leadership) this.#followLeadership(event.t, before, after);
    if (!('node' in event) || event.type === 'op') return false;
    const node = after.nodes[event.node]!;
    if (node.commit > (before.nodes[event.node]?.commit ?? 0)) this.#committed(event.t, node);
    return event.type === 'life' || (event.type === 'status' && node.life !== 'down');
  }

  /** Nodes that are up: running and not paused. */
  up(): readonly string[] {
    return Object.values(this.#view.nodes)
      .filter(({ life }) => life === 'up')
      .map(({ id }) => id);
  }

  /** Every node that is up and says that it leads, highest term first. */
  claimants(): readonly TermLeader[] {
    return claimants(this.#view);
  }

  /** The standing leader, or null. */
  standing(): TermLeader | null {
    return this.#view.leadership.standing;
  }

  /** Time since which the current standing leader has led without interruption; null if there is none. */
  standingSince(): number | null {
    return this.#view.leadership.standingSince;
  }

  /** First time at or after `t` with a standing leader; null if there was none yet. */
  ledFrom(t: number): number | null {
    const next = this.#leaderships.find(({ until }) => until === null || until > t);
    return next === undefined ? null : Math.max(t, next.t);
  }

  /** Times without a standing leader after the first one, up to `end`. */
  leaderGaps(end: number): readonly LeaderGap[] {
    return this.#leaderships.flatMap(({ until }, i) => {
      const to = this.#leaderships[i + 1]?.t ?? end;
      return until === null || until >= to ? [] : [{ from: until, to }];
    });
  }

  /** The commit index that the node had reported by time `t`. */
  commitAt(id: string, t: number): number {
    return this.#commits.get(id)?.findLast((sample) => sample.t <= t)?.commit ?? 0;
  }

  /** All nodes up, in one term under one standing leader, each having applied everything up to `index`. */
  converged(index: number): Seen {
    const leader = this.standing();
    if (leader === null) return { ok: false, detail: 'no standing leader' };
    for (const { id, life, status } of Object.values(this.#view.nodes)) {
      if (life !== 'up' || status === null)
        return { ok: false, detail: `${id} is ${life === 'up' ? 'starting' : life}` };
      if ((status.term ?? 0) !== leader.term || status.leader !== leader.node) {
        const under = typeof status.leader === 'string' ? `under ${status.leader}` : 'without a leader';
        return {
          ok: false,
          detail: `${id} is in term ${status.term ?? 0} ${under}, ${leader.node} leads term ${leader.term}`,
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

  #committed(t: number, { id, commit }: NodeState): void {
    this.#maxCommit = Math.max(this.#maxCommit, commit);
    const samples = this.#commits.get(id) ?? [];
    samples.push({ t, commit });
    this.#commits.set(id, samples);
  }

  #followLeadership(t: number, before: View, after: View): void {
    const { elections, claims, standing } = after.leadership;
    if (elections > before.leadership.elections) this.#elections.push({ t, ...claims.at(-1)! });
    if (standing === before.leadership.standing) return;
    const latest = this.#leaderships.at(-1);
    if (latest !== undefined) latest.until ??= t;
    if (standing !== null) this.#leaderships.push({ t, ...standing, until: null });
  }
}
