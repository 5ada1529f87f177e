import { describe, expect, test } from 'vitest';
import { ClusterClient, kill, last, settled } from '../support/cluster-client.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FIVE = ['n1', 'n2', 'n3', 'n4', 'n5'];

const folder = temporaryFolder();

describe('five node processes', () => {
  test('five nodes keep serving without the leader and one more node, and acknowledge nothing without three nodes', async () => {
    await using cluster = await NodeCluster.start(folder.path, FIVE);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await cluster.leader();
    const [one, two, ...rest] = FIVE.filter((id) => id !== leader);
    await kill(cluster, leader);
    await kill(cluster, one!);
    await client.append('k', 'b');
    expect(await client.read('k')).toBe('ab');

    const next = await cluster.leader(leader);
    const lost = next === two ? rest[0]! : two!;
    using direct = await cluster.client(next);
    const session = await direct.openSession();
    await kill(cluster, lost);
    const answer = await direct.request({ type: 'append', session, seq: 1, key: 'k', value: 'c' });
    // CheckQuorum: the leader of a minority steps down, and answers that the outcome is unknown.
    expect(answer).toMatchObject({ type: 'error', code: 'leadership-lost' });

    for (const id of [leader, one!, lost]) await cluster.start(id);
    expect(['ab', 'abc']).toContain(await client.read('k'));
    await client.append('k', 'd');
    await settled(cluster);
  });

  test('five nodes bring two of them up to date with a snapshot, and these can then complete a majority', async () => {
    await using cluster = await NodeCluster.start(folder.path, FIVE, {
      'snapshot-entries': '40',
      'keep-entries': '0',
    });
    using client = new ClusterClient(cluster);
    const leader = await cluster.leader();
    const late = FIVE.filter((id) => id !== leader).slice(0, 2);
    for (const id of late) await kill(cluster, id);
    for (let i = 0; i < 100; i++) await client.append('k', 'x');
    for (const id of late) {
      const node = await cluster.start(id);
      await node.until('a snapshot', (reports) => last(reports, 'InstallSnapshot'));
    }
    await settled(cluster);
    for (const id of FIVE.filter((each) => each !== leader && !late.includes(each))) await kill(cluster, id);
    await client.append('k', 'y');
    expect(await client.read('k')).toBe(`${'x'.repeat(100)}y`);
  });

  test('five nodes become three by removing the leader and one more, and then two of three are a majority', async () => {
    await using cluster = await NodeCluster.start(folder.path, FIVE);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await cluster.leader();
    const other = FIVE.find((id) => id !== leader)!;
    const answer = await client.change({ type: 'remove', id: leader }, { type: 'remove', id: other });
    expect(answer).toMatchObject({ type: 'done' });
    await client.append('k', 'b');
    const stay = FIVE.filter((id) => id !== leader && id !== other);
    for (const id of [leader, other, stay[0]!]) await kill(cluster, id);
    using left = new ClusterClient(cluster, stay.slice(1));
    await left.append('k', 'c');
    expect(await left.read('k')).toBe('abc');
    const { members } = await left.status(stay[1]!);
    expect([...members.voters].toSorted()).toEqual(stay);
  });
});
