import { describe, expect, it } from 'vitest';
import type { NodeLife } from '../ports/cluster.ts';
import type { NodeRole, NodeStatus } from '../trace.ts';
import { ClusterState } from './cluster-state.ts';

const NODES = ['n1', 'n2', 'n3'];

/** A cluster state with short methods that feed it events at given times. */
class Told extends ClusterState {
  t = 0;
  constructor() {
    super(NODES);
    for (const node of NODES) this.life(node, 'up');
  }
  at(t: number): this {
    this.t = t;
    return this;
  }
  life(node: string, life: NodeLife): this {
    this.feed({ type: 'life', t: this.t, node, life, pid: 1 });
    return this;
  }
  says(
    node: string,
    role: NodeRole,
    inTerm: number,
    leader: string | null,
    commit = 0,
    applied = commit,
  ): this {
    const status: NodeStatus = { role, term: inTerm, leader, commit, applied, lastIndex: commit };
    this.feed({ type: 'status', t: this.t, node, ...status });
    return this;
  }
}
const led = (): Told =>
  new Told().says('n1', 'leader', 1, 'n1').says('n2', 'follower', 1, 'n1').says('n3', 'follower', 1, 'n1');

describe('a leader is a standing leader while a majority follows it', () => {
  it('the leader and one more node are a majority of three', () => {
    const state = new Told().says('n1', 'leader', 1, 'n1');
    expect(state.standing()).toBeNull();
    expect(state.says('n2', 'follower', 1, 'n1').standing()).toEqual({ node: 'n1', term: 1 });
  });
  it('a leader that is paused or down is not a standing leader, even if it last reported to lead', () => {
    expect(led().life('n1', 'paused').standing()).toBeNull();
    expect(led().life('n1', 'down').claimants()).toEqual([]);
  });
  it('of two nodes that claim to lead, the one with the higher term is the standing leader', () => {
    const state = led().says('n2', 'leader', 2, 'n2').says('n3', 'follower', 2, 'n2');
    expect(state.claimants()).toEqual([{ node: 'n2', term: 2 }, { node: 'n1', term: 1 }]); // prettier-ignore
    expect(state.standing()).toEqual({ node: 'n2', term: 2 });
  });
  it('a leader that receives nothing from the others is not a standing leader, although they still follow it', () => {
    const state = led();
    state.feed({ type: 'link', t: 10, link: 'n2->n1', pending: false, cut: 'blackhole' });
    expect(state.standing()).toEqual({ node: 'n1', term: 1 });
    state.feed({ type: 'link', t: 20, link: 'n3->n1', pending: false, cut: 'blackhole' });
    expect(state.standing()).toBeNull();
    state.feed({ type: 'link', t: 50, link: 'n2->n1', pending: false });
    expect(state.leaderGaps(100)).toEqual([{ from: 20, to: 50 }]);
  });
});

describe('times without a leader', () => {
  it('run from the end of one to the beginning of the next, and the last may be open', () => {
    const state = led().at(100).life('n1', 'down');
    state.at(400).says('n2', 'leader', 2, 'n2').says('n3', 'follower', 2, 'n2');
    state.at(900).life('n2', 'down');
    expect(state.leaderGaps(1_000)).toEqual([{ from: 100, to: 400 }, { from: 900, to: 1_000 }]); // prettier-ignore
  });
  it('do not begin before the first leader', () => expect(new Told().leaderGaps(1_000)).toEqual([]));
  it('ledFrom is the given time if there is a standing leader, else the time at which the next one begins to lead', () => {
    const state = led()
      .at(100)
      .life('n1', 'down')
      .at(400)
      .says('n2', 'leader', 2, 'n2')
      .says('n3', 'follower', 2, 'n2');
    expect([50, 100, 250, 400, 600].map((t) => state.ledFrom(t))).toEqual([50, 400, 400, 400, 600]);
  });
});

describe('elections, commits, convergence', () => {
  it('a leader that reports again, or that a trace also reports, counts as one election', () => {
    const state = led().says('n1', 'leader', 1, 'n1');
    const trace = { type: 'BecomeLeader', term: 1, leader: null, reason: '' } as const;
    state.feed({ type: 'trace', t: 5, node: 'n1', trace });
    expect(state.elections).toEqual([{ t: 0, node: 'n1', term: 1 }]);
  });
  it('commitAt is the commit index that had been reported by that time', () => {
    const state = led().at(10).says('n1', 'leader', 1, 'n1', 5).at(20).says('n1', 'leader', 1, 'n1', 9);
    expect([5, 10, 19, 20, 99].map((t) => state.commitAt('n1', t))).toEqual([0, 5, 5, 9, 9]);
  });
  it('converged is ok if all nodes are up, follow one leader in one term and have applied all; else it has the first reason', () => {
    const state = led()
      .says('n1', 'leader', 1, 'n1', 7)
      .says('n2', 'follower', 1, 'n1', 7)
      .says('n3', 'follower', 1, 'n1', 7, 6);
    expect(state.converged(6).ok).toBe(true);
    expect(state.converged(7)).toEqual({ ok: false, detail: 'n3 has applied 6 of 7 entries' });
    state.says('n3', 'pre-candidate', 1, null, 7);
    expect(state.converged(6).detail).toBe('n3 is in term 1 without a leader, n1 leads term 1');
    state.life('n3', 'down');
    expect(state.converged(6).detail).toBe('n3 is down');
  });
});
