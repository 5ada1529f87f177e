import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { agreedLeader } from '../support/cluster-client.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

test.each([3, 5])(
  'when the leader of %i node processes is killed, its broken connections start the election before any timeout',
  async (size) => {
    const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    await using cluster = await NodeCluster.start(folder.path, ids, { 'election-timeout': '2000..4000' });
    const leader = await agreedLeader(cluster);
    await cluster.nodes.get(leader)!.end('SIGKILL');
    const next = await cluster.leader(leader);
    const steps = cluster.nodes.get(next)!.reports.filter((line) => 'reason' in line);
    const lost = steps.findLastIndex((line) => line.reason === `the connection from ${leader} broke`);
    expect(lost).toBeGreaterThan(0);
    expect(steps.slice(lost).map(({ type }) => type)).toContain('BecomePreCandidate');
    expect(steps.slice(lost).map(({ reason }) => reason)).not.toContain('election timeout');
  },
);

test.each([3, 5])(
  'a leader of %i nodes whose disk hangs is replaced, and follows the new leader when the disk works again',
  async (size) => {
    const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    const program = fileURLToPath(new URL('../support/hung-disk-node.ts', import.meta.url));
    await using cluster = await NodeCluster.start(folder.path, ids);
    await Promise.all(
      ids.map(async (id) => {
        await cluster.nodes.get(id)!.end('SIGTERM');
        await cluster.start(id, { program });
      }),
    );
    const old = await agreedLeader(cluster);
    using client = await cluster.client(old);
    const session = await client.openSession();
    const node = cluster.nodes.get(old)!;
    node.child.kill('SIGUSR2');
    // The signal may come after a write. Then that write succeeds and a later one hangs.
    const writeUntilHung = async (): Promise<unknown> => {
      for (let seq = 1; ; seq++) {
        const result = await client.request({ type: 'write', session, seq, key: 'k', value: 'hung' });
        if (result?.type !== 'done') return result;
      }
    };
    const write = writeUntilHung();
    const next = await cluster.leader(old);
    expect(await write).toMatchObject({ type: 'error' });
    using successor = await cluster.client(next);
    expect(await successor.openSession()).toBeGreaterThan(session);
    const { length } = node.reports;
    node.child.kill('SIGUSR2');
    await node.until('a follower of the new leader, with its log', (reports) =>
      reports
        .slice(length)
        .find((line) => line.type === 'status' && line.leader === next && line.applied > session),
    );
  },
);
