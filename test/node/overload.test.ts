import { describe, expect, test } from 'vitest';
import type { ClientResponse } from '../../node/protocol/client.ts';
import { agreedLeader, ClusterClient, settled } from '../support/cluster-client.ts';
import { LinkedCluster } from '../support/linked-cluster.ts';
import { sample, samples } from '../support/metrics.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const TIMING = { 'election-timeout': '1000..2000' };

describe.each([3, 5])('in a cluster of %i node processes', (size) => {
  const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);

  test('a follower behind a slow link gets no more than one window of messages ahead of its answers', async () => {
    await using linked = await LinkedCluster.start(folder.path, size, {
      ...TIMING,
      'admin-port': '0',
      'max-inflight-messages': '8',
      'max-message-bytes': '16KiB',
    });
    const { cluster } = linked;
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await agreedLeader(cluster);
    const port = (await cluster.nodes.get(leader)!.ready()).adminPort!;
    const slow = ids.find((id) => id !== leader)!;
    const link = linked.link(leader, slow);

    for (const [values, valueBytes] of [
      [40, 1_000],
      [20, 100_000],
    ] as const) {
      await settled(cluster);
      // Heartbeats have their own connection, and continue within its bandwidth.
      void link.stall(16 << 10);
      let messages = 0;
      let bytes = 0;
      for (let i = 0; i < values; i++) {
        await client.append(`k${i}`, 'x'.repeat(valueBytes));
        const now = await samples(port);
        messages = Math.max(messages, now('peer_inflight_messages', `peer="${slow}"`)!);
        bytes = Math.max(bytes, now('peer_inflight_bytes', `peer="${slow}"`)!);
      }
      expect(messages).toBeGreaterThan(1);
      expect(messages).toBeLessThanOrEqual(8);
      // The last message may hold a whole value.
      expect(bytes).toBeLessThan(8 * (16 << 10) + valueBytes + 1_000);
      expect(await sample(port, 'peer_lag_entries', `peer="${slow}"`)).toBeGreaterThan(values / 4);
      link.heal();
    }
    await settled(cluster);
  });

  test('a leader that cannot commit answers busy, and accepts no more commands than its bound', async () => {
    const options = { ...TIMING, 'max-uncommitted-bytes': '1MiB' };
    await using cluster = await NodeCluster.start(folder.path, ids, options);
    const leader = await agreedLeader(cluster);
    using client = await cluster.client(leader);
    const session = await client.openSession();
    const followers = ids.filter((id) => id !== leader).map((id) => cluster.nodes.get(id)!.child);
    for (const follower of followers) follower.kill('SIGSTOP');
    const value = 'x'.repeat(100_000);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        client.request({ type: 'write', session, seq: i + 1, key: 'k', value }),
      ),
    );
    for (const follower of followers) follower.kill('SIGCONT');
    const busy = answers.filter((answer) => codeOf(answer) === 'busy');
    const taken = answers.filter((answer) => codeOf(answer) === 'leadership-lost');
    expect(busy.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThanOrEqual(11);
  });

  test('a burst of commands shares disk writes, on the leader and on its followers', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, { ...TIMING, 'admin-port': '0' });
    const leader = await agreedLeader(cluster);
    using client = await cluster.client(leader);
    const session = await client.openSession();
    const burst = Array.from({ length: 500 }, (_, i) =>
      client.request({ type: 'append', session, seq: i + 1, key: 'k', value: 'x' }),
    );
    expect((await Promise.all(burst)).every((answer) => answer?.type === 'done')).toBe(true);
    await settled(cluster);
    for (const node of cluster.nodes.values()) {
      const { adminPort } = await node.ready();
      expect(await sample(adminPort!, 'disk_write_seconds_count')).toBeLessThan(250);
    }
  });
});

const codeOf = (answer: ClientResponse | null): string =>
  answer?.type === 'error' ? answer.code : `${answer?.type}`;
