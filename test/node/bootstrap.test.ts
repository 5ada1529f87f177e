import { promises as fs } from 'node:fs';
import { expect, test } from 'vitest';
import { agreedLeader, ClusterClient, kill, last } from '../support/cluster-client.ts';
import { NodeCluster, NodeProcess } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

test.each([3, 5])(
  'a node that lost its data folder, one of %i, receives the log but neither votes nor counts',
  async (size) => {
    const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    await using cluster = await NodeCluster.start(folder.path, ids);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await agreedLeader(cluster);
    const [wiped, ...others] = ids.filter((id) => id !== leader) as [string, ...string[]];
    const lost = others.slice(0, (size - 1) / 2);
    await kill(cluster, wiped);
    await fs.rm(cluster.data(wiped), { recursive: true });
    const node = await cluster.start(wiped);
    await node.until('a warning', (reports) =>
      reports.find((report) => report.type === 'log' && /neither votes nor counts/.test(report.message)),
    );
    const { commit } = last(cluster.nodes.get(leader)!.reports, 'status')!;
    await node.until('the log', (reports) =>
      reports.find((line) => line.type === 'Apply' && line.index >= commit),
    );
    // The remaining nodes would be a majority if one of them had not lost its vote.
    for (const id of lost) await kill(cluster, id);
    await cluster.nodes
      .get(leader)!
      .until('the lead given up', (reports) =>
        reports.findLast((line) => line.type === 'BecomeFollower' && /majority/.test(line.reason)),
      );
    await kill(cluster, leader);
    const alone = await cluster.start(leader);
    // It keeps asking for votes, because the vote of the wiped node does not count.
    await alone.until('vain elections', (reports) =>
      reports.filter(({ type }) => type === 'BecomePreCandidate').length > 1 ? true : undefined,
    );
    expect(alone.reports.filter(({ type }) => type === 'BecomeCandidate' || type === 'BecomeLeader')).toEqual(
      [],
    );
    for (const id of lost) await cluster.start(id);
    expect(await client.read('k')).toBe('a');
    expect(node.reports.filter(({ type }) => type === 'BecomeCandidate')).toEqual([]);
  },
);

test('a node does not start with --bootstrap on a used data folder', async () => {
  await using cluster = await NodeCluster.start(folder.path, ['n1']);
  await cluster.nodes.get('n1')!.until('a first entry', (reports) => last(reports, 'Apply'));
  await kill(cluster, 'n1');
  const { code, stderr } = await new NodeProcess(['--bootstrap', ...cluster.args('n1')]).exited;
  expect([code, stderr]).toEqual([
    3,
    expect.stringMatching(/is not new \(term \d+\), so this is not the first start/),
  ]);
  await cluster.start('n1');
});

test('a node refuses the data folder of another node or another cluster', async () => {
  await using cluster = await NodeCluster.start(folder.path, ['n1']);
  await kill(cluster, 'n1');
  for (const [options, message] of [
    [{ id: 'n2' }, /belongs to node n1, not to n2/],
    [{ cluster: 'other' }, /belongs to cluster n1, not to other/],
  ] as const) {
    const { code, stderr } = await new NodeProcess(cluster.args('n1', options)).exited;
    expect([code, stderr]).toEqual([3, expect.stringMatching(message)]);
  }
});
