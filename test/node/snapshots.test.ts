import { promises as fs } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ClientOperation } from '../../node/protocol/client.ts';
import { MAX_PAYLOAD_BYTES } from '../../node/protocol/frame.ts';
import { agreedLeader, ClusterClient, kill, last, settled } from '../support/cluster-client.ts';
import { LinkedCluster } from '../support/linked-cluster.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const SMALL = { 'snapshot-entries': '40', 'keep-entries': '4' };
const IDS = ['n1', 'n2', 'n3'];

describe('snapshots of node processes', () => {
  test('a snapshot brings a node up to date, sessions included, when the logs of the others do not reach back to its state', async () => {
    await using cluster = await NodeCluster.start(folder.path, IDS, SMALL);
    const leader = await cluster.leader();
    const late = IDS.find((id) => id !== leader)!;
    using client = new ClusterClient(cluster);
    await kill(cluster, late);
    const operation = await appends(client, 'k', 150);

    const node = await cluster.start(late);
    const installed = await node.until('a snapshot installed', (reports) => last(reports, 'InstallSnapshot'));
    expect(installed.index).toBeGreaterThan(100);
    await settled(cluster);
    // Now its state matters: as a leader, with one of the others, it serves what the snapshot gave it.
    expect(await client.ask({ type: 'transfer-leadership', target: late })).toMatchObject({ type: 'done' });
    await kill(cluster, leader);
    expect(await client.ask(operation)).toMatchObject({ type: 'done' });
    expect(await client.read('k')).toBe('x'.repeat(150));
  });

  test('nodes start from a snapshot and the log after it', async () => {
    await using cluster = await NodeCluster.start(folder.path, IDS, SMALL);
    using client = new ClusterClient(cluster);
    const operation = await appends(client, 'k', 130);
    await settled(cluster);
    // A node that received everything at once starts a new segment with the next write.
    using another = new ClusterClient(cluster);
    await appends(another, 'j', 1);
    const patiently = { timeout: 10_000 };
    for (const id of IDS) {
      await expect.poll(async () => (await client.status(id)).firstIndex, patiently).toBeGreaterThan(80);
      // A segment starts where the snapshot ends, so the entries that the snapshot covers are not read.
      await expect.poll(() => fs.readdir(cluster.data(id)), patiently).not.toContain('wal-0000000001.log');
    }
    await Promise.all(IDS.map((id) => kill(cluster, id)));
    await Promise.all(IDS.map((id) => cluster.start(id)));
    for (const node of cluster.nodes.values()) {
      const { recovered } = await node.ready();
      const found = await node.until('what it recovered', (reports) => last(reports, 'Recover'));
      expect(recovered.snapshotIndex).toBeGreaterThan(80);
      expect(found.first).toBe(recovered.snapshotIndex + 1);
      expect(found.terms.length).toBe(recovered.lastIndex - recovered.snapshotIndex);
    }
    // A retry of an operation that was answered before is not applied again.
    expect(await client.ask(operation)).toMatchObject({ type: 'done' });
    expect(await client.read('k')).toBe('x'.repeat(130));
    await settled(cluster);
  });

  test('snapshots at the same index hold equal states on all nodes', async () => {
    await using cluster = await NodeCluster.start(folder.path, IDS, SMALL);
    using client = new ClusterClient(cluster);
    await appends(client, 'a', 100);
    await appends(client, 'b', 100);
    await settled(cluster);
    const states = new Map<number, Set<number>>();
    const taken = [...cluster.nodes.values()].flatMap(({ reports }) =>
      reports.flatMap((report) => (report.type === 'TakeSnapshot' ? [report] : [])),
    );
    for (const { index, state } of taken) states.set(index, (states.get(index) ?? new Set()).add(state));
    expect(taken.length).toBeGreaterThan(6);
    expect(taken.length).toBeGreaterThan(states.size);
    expect([...states.values()].filter(({ size }) => size > 1)).toEqual([]);
  });

  test('no acknowledged write is lost, even if nodes are killed while a snapshot is taken or sent', async () => {
    await using cluster = await NodeCluster.start(folder.path, IDS, {
      'snapshot-entries': '15',
      'keep-entries': '0',
    });
    using client = new ClusterClient(cluster);
    let expected = '';
    let written = 0;
    let installs = 0;
    for (let round = 0; round < 6; round++) {
      const leader = await cluster.leader();
      const victim = round % 2 === 0 ? leader : IDS.find((id) => id !== leader)!;
      for (const until = written + 60; written < until; written++) {
        const value = `${written},`;
        expected += value;
        await client.append('k', value);
        if (written === until - 50 + 3 * round) cluster.nodes.get(victim)!.child.kill('SIGKILL');
      }
      installs += countOf(cluster, victim);
      await cluster.start(victim);
    }
    expect(await client.read('k')).toBe(expected);
    await settled(cluster);
    for (const id of IDS) installs += countOf(cluster, id);
    expect(installs).toBeGreaterThan(0);
  });
});

test.each([3, 5])(
  'a snapshot for one of %i node processes continues where it was when the connection broke',
  async (size) => {
    const timing = { 'election-timeout': '1000..2000', 'keep-entries': '0' };
    await using linked = await LinkedCluster.start(folder.path, size, timing);
    const { cluster } = linked;
    using client = new ClusterClient(cluster);
    const leader = await agreedLeader(cluster);
    const late = cluster.ids.find((id) => id !== leader)!;
    await kill(cluster, late);
    // The state is larger than one frame.
    for (let i = 0; i < 18; i++) await client.append(`k${i}`, `${i % 10}`.repeat(500_000));
    using direct = await cluster.client(leader);
    expect(await direct.request({ type: 'take-snapshot' })).toMatchObject({ type: 'snapshot' });
    const name = (await fs.readdir(cluster.data(leader))).find((each) => each.endsWith('.snap'))!;
    const { size: bytes } = await fs.stat(join(cluster.data(leader), name));
    expect(bytes).toBeGreaterThan(MAX_PAYLOAD_BYTES);

    const link = linked.link(leader, late);
    const before = link.sentBytes;
    const stalled = link.stall(5 << 20);
    const node = await cluster.start(late);
    await stalled;
    link.reset();
    link.heal();
    await node.until('a snapshot', (reports) => last(reports, 'InstallSnapshot'));
    // Everything is sent once, and what was in flight, at most a window of 1 MiB, once more.
    expect(link.sentBytes - before).toBeLessThan(bytes + (2 << 20));
    await settled(cluster);
    expect(await client.read('k17')).toBe('7'.repeat(500_000));
  },
);

/** Number of snapshots that a node has installed since its last start. */
function countOf(cluster: NodeCluster, id: string): number {
  return cluster.nodes.get(id)!.reports.filter(({ type }) => type === 'InstallSnapshot').length;
}

/** Appends `count` letters to `key`; returns the last of these operations. */
async function appends(client: ClusterClient, key: string, count: number): Promise<ClientOperation> {
  let operation = await client.append(key, 'x');
  for (let i = 1; i < count; i++) operation = await client.append(key, 'x');
  return operation;
}
