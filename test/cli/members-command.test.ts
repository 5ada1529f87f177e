import { describe, expect, test } from 'vitest';
import { chaos } from '../support/chaos.ts';
import { ClusterClient } from '../support/cluster-client.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('chaos members', () => {
  async function said(cluster: NodeCluster | null, ...args: readonly string[]): Promise<Said> {
    const addresses = cluster === null ? [] : [...cluster.clientPorts.values()].map((p) => `127.0.0.1:${p}`);
    await using command = chaos(['members', ...addresses, ...args]);
    const { code, stdout, stderr } = await command.ended;
    return { code, stdout, stderr };
  }

  test('replaces an old node with a new one, shows the members, and transfers leadership', async () => {
    await using cluster = await NodeCluster.start(folder.path);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    await cluster.join('n4');
    const leader = await cluster.leader();
    const [leaves, next] = cluster.ids.filter((id) => id !== leader && id !== 'n4');
    expect(await said(cluster, '--add', `n4=${cluster.peerAddress('n4')}`)).toMatchObject({ code: 0 });
    // The change is refused with exit code 1 until the node has caught up.
    for (;;) {
      const { code, stderr } = await said(cluster, '--promote', 'n4', '--remove', leaves!);
      if (code === 0) break;
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('change-refused') });
    }
    const { voters } = (await client.status(leader)).members;
    expect([...voters].toSorted()).toEqual([leader, next!, 'n4'].toSorted());
    const status = await said(cluster);
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(new RegExp(`${leader} leader term \\d+ .*voters ${voters.join(' ')}`));
    expect(await said(cluster, '--transfer', next!)).toMatchObject({ code: 0 });
    expect((await client.status(next!)).role).toBe('leader');
    await client.append('k', 'b');
    expect(await client.read('k')).toBe('ab');
  });

  test('says what it cannot do, and why', async () => {
    await using cluster = await NodeCluster.start(folder.path, ['n1']);
    await cluster.leader();
    expect(await said(cluster, '--promote', 'n9')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/change-refused: .*n9/),
    });
    expect(await said(null, 'localhost')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'chaos: localhost is no host:port\n',
    });
    expect(await said(cluster, '--add', 'n4')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'chaos: --add n4 is no id=host:port\n',
    });
    const unreachable = ['127.0.0.1:1', '--remove', 'n1', '--within', '200ms'];
    expect(await said(null, ...unreachable)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('refused'),
    });
  });
});
