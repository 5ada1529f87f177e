import { describe, expect, it } from 'vitest';
import { LeaderRouter, routerFor } from './router.ts';

const NODES = ['n1', 'n2', 'n3'];
const none = (): boolean => false;

describe('LeaderRouter', () => {
  it('stays with the node that answered, and follows a hint', () => {
    const router = new LeaderRouter(NODES);
    expect(router.pick(none, 0)).toBe('n1');
    router.notLeader('n1', 'n3', 0);
    expect(router.pick(none, 0)).toBe('n3');
    router.answered('n3');
    expect([router.pick(none, 0), router.pick(none, 0)]).toEqual(['n3', 'n3']);
  });

  it('asks one node after another while no node knows the leader', () => {
    const router = new LeaderRouter(NODES);
    expect(Array.from({ length: 4 }, () => router.pick(none, 0))).toEqual(['n1', 'n2', 'n3', 'n1']);
  });

  it('does not return to a silent leader on the hint of a follower for some time', () => {
    const router = new LeaderRouter(NODES);
    router.answered('n1');
    router.silent('n1', 0);
    const asked = router.pick(none, 0)!;
    expect(asked).not.toBe('n1');
    router.notLeader(asked, 'n1', 10);
    expect(router.pick(none, 10)).not.toBe('n1');
    router.notLeader(asked, 'n1', 1_000);
    expect(router.pick(none, 1_000)).toBe('n1');
  });

  it('asks a silent node if there is no other', () => {
    const router = new LeaderRouter(NODES);
    for (const node of NODES) router.silent(node, 0);
    expect(router.pick(none, 1)).toBe('n1');
    expect(router.pick((node) => node !== 'n3', 1)).toBe('n3');
    expect(router.pick(() => true, 1)).toBeNull();
  });

  it('ignores a hint to the node itself or to an unknown node', () => {
    const router = new LeaderRouter(NODES);
    router.answered('n1');
    router.notLeader('n1', 'n1', 0);
    expect(router.pick(none, 0)).toBe('n1');
    router.notLeader('n1', 'n9', 0);
    expect(router.pick(none, 0)).toBe('n2');
  });
});

describe('routerFor', () => {
  const pinnedTo = (routing: 'leader' | 'pinned' | 'mixed'): (string | null)[] =>
    Array.from({ length: 6 }, (_, index) => {
      const router = routerFor({ index, nodes: NODES, routing });
      return router.pinned ? router.pick(none, 0) : null;
    });

  it('pins no client, all clients or every second one, spread over the nodes', () => {
    expect(pinnedTo('leader')).toEqual([null, null, null, null, null, null]);
    expect(pinnedTo('pinned')).toEqual(['n1', 'n2', 'n3', 'n1', 'n2', 'n3']);
    expect(pinnedTo('mixed')).toEqual([null, 'n1', null, 'n2', null, 'n3']);
  });

  it('a pinned client stays on its node after any answer', () => {
    const router = routerFor({ index: 1, nodes: NODES, routing: 'pinned' });
    router.notLeader('n2', 'n1', 0);
    router.silent('n2', 0);
    expect(router.pick(none, 0)).toBe('n2');
    expect(router.pick((node) => node === 'n2', 0)).toBeNull();
  });
});
