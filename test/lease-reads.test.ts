import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeCluster } from './support/raft-nodes.ts';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'chaos-lease-'));
});
afterEach(() => fs.rm(folder, { recursive: true }));

const ids = ['n1', 'n2', 'n3'];

test('nodes that read by leases see every write, through the death of a leader and the sleep of another', async () => {
  await using cluster = await NodeCluster.start(folder, ids, { 'lease-reads': 'on' });
  let leader = await cluster.leader();
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
    // The stopped one has a lease that it believes in, until it looks at its clock.
    const stale = client.request({ type: 'read', key: 'k' });
    if (signal === 'SIGSTOP') cluster.nodes.get(leader)!.child.kill('SIGCONT');
    expect((await stale)?.type).not.toBe('value');
    expect(await successor.request({ type: 'read', key: 'k' })).toMatchObject({ value: `after ${signal}` });
    if (signal === 'SIGKILL') await cluster.start(leader);
    leader = next;
  }
});

test('a node that promises nothing is refused by those that rely on promises', async () => {
  await using cluster = await NodeCluster.start(folder, ids, { 'lease-reads': 'on' });
  const leader = await cluster.leader();
  const other = ids.find((id) => id !== leader)!;
  await cluster.nodes.get(other)!.end('SIGTERM');
  await cluster.start(other, { options: { 'lease-reads': 'off' } });
  await cluster.nodes
    .get(leader)!
    .until('a refusal', (reports) =>
      reports.find(
        (line) =>
          line.type === 'log' &&
          line.message.startsWith(`peer connection from ${other} closed: it keeps out of elections for 0 ms`),
      ),
    );
});
