import { expect, test } from 'vitest';
import { ByteWriter } from '../../node/kv/bytes.ts';
import { writeMessage } from '../../node/protocol/peer-codec.ts';
import { logIndex, nodeId, term } from '../../node/raft/types.ts';
import { agreedLeader, last, settled } from '../support/cluster-client.ts';
import { LinkedCluster } from '../support/linked-cluster.ts';
import { NodeProcess } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

test('a node waits for its election timeout before it becomes a candidate', async () => {
  const node = new NodeProcess([
    '--bootstrap',
    '--id=n1',
    '--peer-listen=127.0.0.1:0',
    '--client-listen=127.0.0.1:0',
    // No node listens there.
    '--peers=n2=127.0.0.1:1,n3=127.0.0.1:1',
    `--data=${folder.path}`,
    '--report-fd=3',
    '--fast-failover=off',
    '--election-timeout=2500..2600',
  ]);
  const ready = await node.ready();
  const election = await node.until('an election', (reports) =>
    reports.find(({ type }) => type === 'BecomePreCandidate'),
  );
  // It reports its start a little after its timer has started.
  expect((election.at - ready.at) / 1_000).toBeGreaterThan(1_500);
  await node.end('SIGKILL');
});

test.each([3, 5])(
  'a leader of %i node processes sends heartbeats at the interval of its option',
  async (size) => {
    const options = { 'election-timeout': '3000..6000', heartbeat: '500' };
    await using linked = await LinkedCluster.start(folder.path, size, options);
    const { cluster } = linked;
    const leader = await agreedLeader(cluster);
    await settled(cluster);
    const { reports } = cluster.nodes.get(leader)!;
    const link = linked.link(
      leader,
      cluster.ids.find((id) => id !== leader)!,
    );
    const from = { at: last(reports, 'status')!.at, bytes: link.sentBytes };
    // An idle node reports its status every 500 ms.
    await cluster.nodes
      .get(leader)!
      .until('two seconds passed', () => (last(reports, 'status')!.at - from.at > 2e6 ? true : undefined));
    const ms = (last(reports, 'status')!.at - from.at) / 1_000;
    const heartbeats = (link.sentBytes - from.bytes) / heartbeatBytes();
    // A late heartbeat is followed by a shorter wait, of at least half an interval.
    expect(heartbeats).toBeLessThan((2 * ms) / 500 + 2);
  },
);

function heartbeatBytes(): number {
  const out = new ByteWriter(256);
  writeMessage(out, {
    type: 'Heartbeat',
    from: nodeId('n1'),
    incarnation: 0,
    to: nodeId('n2'),
    term: term(1),
    commit: logIndex(1),
    commitTerm: term(1),
    readContext: 0,
  });
  return out.length;
}
