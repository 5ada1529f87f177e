import { describe, expect, test } from 'vitest';
import { Cluster } from './testing/members.ts';

describe('a transfer of leadership (dissertation 3.10)', () => {
  test('is answered when the target leads, much earlier than an election timeout', async () => {
    const cluster = await Cluster.withLeader();
    const { term } = cluster.n1.raft.status();
    cluster.n1.replica.administer({ type: 'transfer-leadership', target: cluster.ids[2]! }, cluster.n1, 1);
    await cluster.settle();
    await cluster.pass(10);
    expect(cluster.n3.raft.status()).toMatchObject({ role: 'leader', term: term + 1 });
    expect(cluster.n1.told(1)).toBe('done');
    cluster.n3.open(2);
    await cluster.settle();
    expect(cluster.n3.told(2)).toBe('session');
  });

  test('during a transfer proposals are refused as busy, so none has an unknown outcome', async () => {
    const cluster = await Cluster.withLeader();
    for (const { disk } of [cluster.n2, cluster.n3]) disk.held = true;
    cluster.n1.open(1);
    cluster.n1.replica.administer({ type: 'transfer-leadership', target: cluster.ids[1]! }, cluster.n1, 2);
    cluster.n1.open(3);
    await cluster.settle();
    expect([1, 2, 3].map((id) => cluster.n1.told(id))).toEqual(['nothing', 'nothing', 'busy']);
    for (const { disk } of [cluster.n2, cluster.n3]) {
      disk.held = false;
      disk.release();
    }
    await cluster.pass(10);
    expect([1, 2].map((id) => cluster.n1.told(id))).toEqual(['session', 'done']);
  });

  test('a transfer to a server that does not answer is given up, and then proposals are accepted again', async () => {
    const cluster = await Cluster.withLeader();
    cluster.cut.add(cluster.ids[2]!);
    cluster.n1.replica.administer({ type: 'transfer-leadership', target: cluster.ids[2]! }, cluster.n1, 1);
    await cluster.pass(400);
    expect(cluster.n1.told(1)).toBe('transfer-failed');
    cluster.n1.open(2);
    await cluster.settle();
    expect(cluster.n1.told(2)).toBe('session');
  });

  test('is refused by a node that does not lead, and for a target that does not exist', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n2.replica.administer({ type: 'transfer-leadership', target: null }, cluster.n2, 1);
    expect(cluster.n2.answers.get(1)).toMatchObject({ code: 'not-leader', leader: 'n1' });
    cluster.n1.replica.administer({ type: 'transfer-leadership', target: cluster.ids[0]! }, cluster.n1, 2);
    expect(cluster.n1.answers.get(2)).toMatchObject({ code: 'bad-request' });
  });

  test('a transfer that a stop interrupts is answered, too', async () => {
    const cluster = await Cluster.withLeader();
    cluster.cut.add(cluster.ids[2]!);
    cluster.n1.replica.administer({ type: 'transfer-leadership', target: cluster.ids[2]! }, cluster.n1, 1);
    expect(cluster.n1.replica.waiting).toBe(1);
    void cluster.n1.replica.stop();
    expect(cluster.n1.told(1)).toBe('stopping');
    expect(cluster.n1.replica.waiting).toBe(0);
  });
});
