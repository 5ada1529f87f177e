import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agreedLeader } from '../support/cluster-client.ts';
import { sample } from '../support/metrics.ts';
import { NodeCluster, NodeProcess } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const ids = ['n1', 'n2', 'n3'];

test('metrics show the leader, progress and disk writes of a cluster, and health checks show that it is well', async () => {
  await using cluster = await NodeCluster.start(folder.path, ids, { 'admin-port': '0' });
  const leader = await agreedLeader(cluster);
  const ports = new Map<string, number>();
  for (const [id, node] of cluster.nodes) ports.set(id, (await node.ready()).adminPort!);
  const port = ports.get(leader)!;
  using client = await cluster.client(leader);
  const session = await client.openSession();
  for (let seq = 1; seq <= 5; seq++)
    await client.request({ type: 'write', session, seq, key: 'k', value: 'v' });
  await client.request({ type: 'write', session: 1_000, seq: 1, key: 'k', value: 'v' });
  await client.request({ type: 'read', key: 'k' });

  expect(await sample(port, 'role', 'role="leader"')).toBe(1);
  expect(await sample(port, 'proposals_total')).toBe(7);
  expect(await sample(port, 'reads_total')).toBe(1);
  expect(await sample(port, 'errors_total', 'code="session-expired"')).toBe(1);
  expect(await sample(port, 'disk_write_seconds_count')).toBeGreaterThan(5);
  expect(await sample(port, 'client_connections')).toBe(1);
  expect(await sample(port, 'members', 'voter')).toBe(3);
  const last = (await sample(port, 'last_index'))!;
  expect(await sample(port, 'applied_index')).toBe(last);
  for (const id of ids.filter((other) => other !== leader)) {
    expect(await sample(port, 'peer_match_index', `peer="${id}"`)).toBeGreaterThan(0);
    expect(await sample(ports.get(id)!, 'role', 'role="follower"')).toBe(1);
    expect(await sample(ports.get(id)!, 'peer_match_index')).toBeUndefined();
  }
  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect([health.status, await health.json()]).toMatchObject([200, { ok: true, role: 'leader', leader }]);

  // Without a majority the last node knows no leader, and says so.
  for (const id of ids.filter((other) => other !== leader)) await cluster.nodes.get(id)!.end('SIGKILL');
  await cluster.nodes.get(leader)!.until('no leader', (reports) => {
    const status = reports.findLast((line) => line.type === 'status');
    return status?.type === 'status' && status.leader === null ? true : undefined;
  });
  const alone = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect([alone.status, await alone.json()]).toMatchObject([503, { problem: 'no leader is known' }]);
});

test('a JSON log has one object per line, from the first line to the last', async () => {
  await using cluster = await NodeCluster.start(folder.path, ['n1'], { 'log-format': 'json' });
  await cluster.leader();
  const { stderr } = await cluster.nodes.get('n1')!.end('SIGTERM');
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const line of lines) {
    expect(line).toMatchObject({ node: 'n1', level: expect.any(String) as string });
    expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT/);
  }
  expect(lines.find(({ event }) => event === 'listening')).toMatchObject({
    clientPort: cluster.clientPorts.get('n1'),
    adminPort: null,
  });
  expect(lines.filter(({ event }) => event === 'role-changed').at(-1)).toMatchObject({
    role: 'leader',
    leader: 'n1',
    reason: 'votes from a majority',
  });
  expect(lines.at(-1)).toMatchObject({ event: 'stopping', exitCode: 0 });
});

test('a node whose admin port is in use does not start, and says so in one line', async () => {
  await using cluster = await NodeCluster.start(folder.path, ['n1'], { 'admin-port': '0' });
  const { adminPort } = await cluster.nodes.get('n1')!.ready();
  const args = [
    '--id=n2',
    '--peer-listen=127.0.0.1:0',
    '--client-listen=127.0.0.1:0',
    `--data=${join(folder.path, 'n2')}`,
  ];
  const { code, stderr } = await new NodeProcess([...args, `--admin-port=${adminPort}`]).exited;
  expect(stderr).toContain(`cannot listen for admins on 127.0.0.1:${adminPort}`);
  expect(code).toBe(3);
});
