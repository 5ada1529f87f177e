import { expect, test } from 'vitest';
import { agreedLeader, ClusterClient } from '../support/cluster-client.ts';
import { LinkedCluster } from '../support/linked-cluster.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const ids = ['n1', 'n2', 'n3'];

test('lease reads see every write, even after one leader was killed and another was paused', async () => {
  await using cluster = await NodeCluster.start(folder.path, ids, { 'lease-reads': 'on' });
  let leader = await agreedLeader(cluster);
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    using client = await cluster.client(leader);
    const session = await client.openSession();
    await client.request({ type: 'write', session, seq: 1, key: 'k', value: signal });
    expect(await client.request({ type: 'read', key: 'k' })).toMatchObject({ value: signal });
    cluster.nodes.get(leader)!.child.kill(signal);
    const next = await cluster.leader(leader);
    using successor = await cluster.client(next);
    const own = await successor.openSession();
    await successor.request({ type: 'write', session: own, seq: 1, key: 'k', value: `after ${signal}` });
    // The paused leader believes in its lease until it reads its clock.
    const stale = client.request({ type: 'read', key: 'k' });
    if (signal === 'SIGSTOP') cluster.nodes.get(leader)!.child.kill('SIGCONT');
    expect((await stale)?.type).not.toBe('value');
    expect(await successor.request({ type: 'read', key: 'k' })).toMatchObject({ value: `after ${signal}` });
    if (signal === 'SIGKILL') await cluster.start(leader);
    leader = next;
  }
});

test.each([3, 5])(
  'a leader of %i node processes with a lease reads without asking the other nodes',
  async (size) => {
    const five = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    const options = { 'lease-reads': 'on', 'election-timeout': '2000..3000' };
    await using cluster = await NodeCluster.start(folder.path, five, options);
    using anyone = new ClusterClient(cluster);
    // A machine that stalls until the lease has expired is no reason to fail.
    for (let tries = 3; tries > 0; tries--) {
      // A lease starts with a round that confirms the leader.
      expect(await anyone.read('k')).toBe(null);
      const leader = await agreedLeader(cluster);
      using client = await cluster.client(leader);
      const followers = five.filter((id) => id !== leader).map((id) => cluster.nodes.get(id)!.child);
      for (const follower of followers) follower.kill('SIGSTOP');
      const answer = await client.request({ type: 'read', key: 'k' });
      for (const follower of followers) follower.kill('SIGCONT');
      if (answer?.type === 'value') return;
    }
    expect.unreachable('no read was served while no other node could answer');
  },
);

test.each([3, 5])(
  'a lease in a cluster of %i node processes expires before another node leads',
  async (size) => {
    const options = { 'lease-reads': 'on', 'election-timeout': '600..2400' };
    await using linked = await LinkedCluster.start(folder.path, size, options);
    const { cluster } = linked;
    const old = await agreedLeader(cluster);
    using client = await cluster.client(old);
    const session = await client.openSession();
    await client.request({ type: 'write', session, seq: 1, key: 'k', value: 'old' });
    // A lease starts with a round that confirms the leader. Without one, there would be nothing to expire.
    expect(await client.request({ type: 'read', key: 'k' })).toMatchObject({ value: 'old' });
    linked.isolate(old);
    const next = await cluster.leader(old);
    // It may still consider itself the leader, because CheckQuorum waits for the maximum election timeout.
    const stale = await client.request({ type: 'read', key: 'k' });
    expect(stale?.type).not.toBe('value');
    using successor = await cluster.client(next);
    expect(await successor.openSession()).toBeGreaterThan(session);
  },
);

test('a node without lease reads is refused by nodes that rely on its promises', async () => {
  await using cluster = await NodeCluster.start(folder.path, ids, { 'lease-reads': 'on' });
  const leader = await agreedLeader(cluster);
  const other = ids.find((id) => id !== leader)!;
  await cluster.nodes.get(other)!.end('SIGTERM');
  await cluster.start(other, { options: { 'lease-reads': 'off' } });
  await cluster.nodes
    .get(leader)!
    .until('a refusal', (reports) =>
      reports.find(
        (line) =>
          line.type === 'log' &&
          line.message.startsWith(
            `peer connection from ${other} closed: it takes part in no election for 0 ms`,
          ),
      ),
    );
});
