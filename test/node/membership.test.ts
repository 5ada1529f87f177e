import { promises as fs } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { agreedLeader, ClusterClient, kill, last, settled } from '../support/cluster-client.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** Kills all nodes except these. */
async function leaveOnly(cluster: NodeCluster, ...ids: readonly string[]): Promise<void> {
  for (const id of cluster.nodes.keys()) if (!ids.includes(id)) await kill(cluster, id);
}

describe('nodes of a running cluster', () => {
  test('members are added as learners, promoted, and count as voters from then on', async () => {
    await using cluster = await NodeCluster.start(folder.path);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    await cluster.join('n4');
    await client.addVoter('n4');
    await client.append('k', 'b');
    const { members } = await client.status(await cluster.leader());
    expect(members).toMatchObject({ voters: ['n1', 'n2', 'n3', 'n4'], outgoing: [], learners: [] });
    expect(members.addresses).toEqual({ n4: cluster.peerAddress('n4') });
    await settled(cluster);

    // Three of four nodes are a majority and two are not, so the fourth is needed.
    const leader = await cluster.leader();
    const other = cluster.ids.find((id) => id !== leader)!;
    await kill(cluster, other);
    await client.append('k', 'c');
    expect(await client.read('k')).toBe('abc');
    await cluster.start(other);
    await settled(cluster);
  });

  test('members that join after the log was cut receive a snapshot, and learn all members from it', async () => {
    await using cluster = await NodeCluster.start(folder.path, ['n1', 'n2'], {
      'snapshot-entries': '20',
      'keep-entries': '0',
    });
    using client = new ClusterClient(cluster);
    for (let i = 0; i < 50; i++) await client.append('k', 'x');
    const node = await cluster.join('n3');
    await client.addVoter('n3');
    const installed = await node.until('a snapshot', (reports) => last(reports, 'InstallSnapshot'));
    expect(installed.index).toBeGreaterThan(20);
    // Without one founder, the other and the new node keep serving. The new node can lead, too.
    await kill(cluster, 'n1');
    await client.append('k', 'y');
    // It may have been elected already.
    await client.ask({ type: 'transfer-leadership', target: 'n3' });
    await node.until('its lead', (reports) => last(reports, 'BecomeLeader'));
    await client.append('k', 'z');
    expect(await client.read('k')).toBe(`${'x'.repeat(50)}yz`);
  });

  test('members can be removed without disturbing the others, even the leader', async () => {
    await using cluster = await NodeCluster.start(folder.path, ['n1', 'n2', 'n3', 'n4']);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const removed = await cluster.leader();
    expect(await client.change({ type: 'remove', id: removed })).toMatchObject({ type: 'done' });
    await client.append('k', 'b');
    const next = await cluster.leader(removed);
    const before = await client.status(next);
    expect(before.members.voters).not.toContain(removed);
    // It keeps running and may try to be elected, but the term of the others stays the same.
    await cluster.nodes
      .get(removed)!
      .until('its own farewell', (reports) =>
        reports.findLast(
          (line) => line.type === 'ApplyConfChange' && line.voters.every((id) => id !== removed),
        ),
      );
    for (let i = 0; i < 20; i++) await client.append('k', 'c');
    const after = await client.status(next);
    expect([after.term, after.role]).toEqual([before.term, 'leader']);
    expect(await client.read('k')).toBe(`ab${'c'.repeat(20)}`);
    // Two of the three remaining nodes are a majority.
    const left = cluster.ids.filter((id) => id !== removed);
    await leaveOnly(cluster, left[0]!, left[1]!);
    expect(await client.read('k')).toBe(`ab${'c'.repeat(20)}`);
  });

  test('members are replaced in one change while a minority is down', async () => {
    await using cluster = await NodeCluster.start(folder.path);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await cluster.leader();
    const lost = cluster.ids.find((id) => id !== leader)!;
    await kill(cluster, lost);
    await cluster.join('n4');
    await client.change({ type: 'add-learner', id: 'n4', address: cluster.peerAddress('n4') });
    await client.promote('n4', { type: 'remove', id: lost });
    const { members } = await client.status(await cluster.leader());
    expect(members).toMatchObject({ outgoing: [], learners: [] });
    expect(members.voters).toEqual([...cluster.ids.filter((id) => id !== lost), 'n4'].sort());
    const other = cluster.ids.find((id) => id !== leader && id !== lost)!;
    await kill(cluster, other);
    await client.append('k', 'b');
    expect(await client.read('k')).toBe('ab');
  });

  test('members are not replaced while the old majority cannot agree, even if the new one can', async () => {
    await using cluster = await NodeCluster.start(folder.path, ['n1', 'n2', 'n3'], {
      'election-timeout': '1000..2000',
    });
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await agreedLeader(cluster);
    const others = cluster.ids.filter((id) => id !== leader);
    for (const id of ['n4', 'n5']) {
      await cluster.join(id);
      await client.change({ type: 'add-learner', id, address: cluster.peerAddress(id) });
    }
    await settled(cluster);
    using direct = await cluster.client(leader);
    for (const id of others) cluster.nodes.get(id)!.child.kill('SIGSTOP');
    const change = direct.request({
      type: 'change-members',
      changes: [
        { type: 'promote', id: 'n4' },
        { type: 'promote', id: 'n5' },
        ...others.map((id) => ({ type: 'remove', id }) as const),
      ],
    });
    expect(await change).toMatchObject({ type: 'error', code: 'leadership-lost' });
    // It is in the log as a joint change, and continues when the nodes that it needs are up.
    const joint = cluster.nodes
      .get(leader)!
      .reports.findLast((line) => line.type === 'ChangeConf' && line.outgoing.length > 0);
    expect(joint).toMatchObject({ outgoing: ['n1', 'n2', 'n3'] });
    for (const id of others) cluster.nodes.get(id)!.child.kill('SIGCONT');
    await client.append('k', 'b');
    expect(await client.read('k')).toBe('ab');
  });

  test('a node that lost its data folder votes again after it was removed and added again', async () => {
    await using cluster = await NodeCluster.start(folder.path);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await cluster.leader();
    const [wiped, other] = cluster.ids.filter((id) => id !== leader) as [string, string];
    await kill(cluster, wiped);
    await fs.rm(cluster.data(wiped), { recursive: true });
    const node = await cluster.start(wiped);
    expect(await client.change({ type: 'remove', id: wiped })).toMatchObject({ type: 'done' });
    await client.addVoter(wiped);
    await kill(cluster, other);
    await client.append('k', 'b');
    // Without the leader as well, the node that came back leads when the other one is up again.
    await kill(cluster, leader);
    await cluster.start(other);
    expect(await client.read('k')).toBe('ab');
    await node.until('a vote that counts', (reports) =>
      reports.find(({ type }) => type === 'GrantVote' || type === 'BecomeLeader'),
    );
  });

  test('accept one membership change at a time, only at the leader, and no invalid change', async () => {
    await using cluster = await NodeCluster.start(folder.path);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    for (const [changes, why] of [
      [[{ type: 'promote', id: 'n9' }], /n9 is not a member/],
      [[{ type: 'add-learner', id: 'n2', address: '127.0.0.1:9' }], /n2 is a member already/],
      [
        [
          { type: 'remove', id: 'n1' },
          { type: 'demote', id: 'n1' },
        ],
        /named twice/,
      ],
      [[], /no change is given/],
    ] as const) {
      const answer = await client.change(...changes);
      expect(answer).toMatchObject({
        type: 'error',
        code: 'change-refused',
        message: expect.stringMatching(why),
      });
    }
    await expect(client.change({ type: 'add-learner', id: 'n4', address: 'nowhere' })).rejects.toThrow(
      /not a valid host:port/,
    );
    const leader = await cluster.leader();
    using other = await cluster.client(cluster.ids.find((id) => id !== leader)!);
    expect(
      await other.request({ type: 'change-members', changes: [{ type: 'remove', id: 'n1' }] }),
    ).toMatchObject({
      code: 'not-leader',
      leader,
    });
  });
});

test('snapshots on demand hold equal states on all nodes that have applied the same entries', async () => {
  await using cluster = await NodeCluster.start(folder.path);
  using client = new ClusterClient(cluster);
  for (const value of 'abc') await client.append('k', value);
  await settled(cluster);
  const taken = await Promise.all(
    cluster.ids.map(async (id) => {
      using one = await cluster.client(id);
      return await one.request({ type: 'take-snapshot' });
    }),
  );
  expect(taken[0]).toMatchObject({ type: 'snapshot', index: 5 });
  expect([taken[1], taken[2]]).toEqual([taken[0], taken[0]]);
});
