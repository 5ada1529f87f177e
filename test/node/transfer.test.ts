import { expect, test } from 'vitest';
import { agreedLeader } from '../support/cluster-client.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

test.each([3, 5])(
  'leadership of %i node processes moves to the node that a client names, under load, and no write is lost',
  async (size) => {
    const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    await using cluster = await NodeCluster.start(folder.path, ids, { 'election-timeout': '1000..2000' });
    let leader = await agreedLeader(cluster);
    using first = await cluster.client(leader);
    const session = await first.openSession();
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round++) {
      const target = ids[(ids.indexOf(leader) + 1) % size]!;
      using client = await cluster.client(leader);
      using successor = await cluster.client(target);
      const writes = Array.from({ length: 20 }, async (_, i) => {
        const key = `${round}/${i}`;
        const own = i === 0 ? session : await client.openSession();
        const response = await client.request({
          type: 'write',
          session: own,
          seq: round + 1,
          key,
          value: key,
        });
        if (response?.type === 'done') acknowledged.push(key);
      });
      const transfer = client.request({ type: 'transfer-leadership', target });
      await Promise.all(writes);
      expect(await transfer).toMatchObject({ type: 'done' });
      for (const key of acknowledged)
        expect(await successor.request({ type: 'read', key })).toMatchObject({ value: key });
      leader = target;
    }
    await cluster.nodes
      .get(leader)!
      .until('an election that its leader asked for', (reports) =>
        reports.find(
          (line) => line.type === 'BecomeCandidate' && /^n\d transfers its leadership$/.test(line.reason),
        ),
      );
  },
);
