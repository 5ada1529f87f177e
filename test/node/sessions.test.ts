import { expect, test } from 'vitest';
import { agreedLeader, ClusterClient, settled } from '../support/cluster-client.ts';
import { sample } from '../support/metrics.ts';
import { NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const WITHIN_MS = 20_000;

test.each([3, 5])(
  'an idle session ends on all of %i node processes and a used one stays, even if the leader changes',
  async (size) => {
    const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    const options = { 'session-idle': '1', 'snapshot-entries': '5', 'admin-port': '0' };
    await using cluster = await NodeCluster.start(folder.path, ids, options);
    const ports = await Promise.all(
      [...cluster.nodes.values()].map(async (node) => (await node.ready()).adminPort!),
    );
    const kept = (): Promise<readonly unknown[]> =>
      Promise.all(ports.map((port) => sample(port, 'sessions')));
    using used = new ClusterClient(cluster);
    using idle = new ClusterClient(cluster);
    await idle.append('k', 'a');
    await used.append('k', 'b');

    const leader = await agreedLeader(cluster);
    const next = ids.find((id) => id !== leader)!;
    await used.ask({ type: 'transfer-leadership', target: next });
    const until = performance.now() + WITHIN_MS;
    let expected = 'ab';
    for (let sessions = await kept(); sessions.some((each) => each !== 1); sessions = await kept()) {
      expect(performance.now(), `sessions of the nodes: ${sessions.join(', ')}`).toBeLessThan(until);
      await used.append('k', 'c');
      expected += 'c';
    }
    await expect(idle.append('k', 'd')).rejects.toThrow(/session-expired/);
    expect(await used.read('k')).toBe(expected);

    // Snapshots at the same index hold equal states, including the session clock that the log carries.
    await settled(cluster);
    const states = new Map<number, Set<number>>();
    for (const { reports } of cluster.nodes.values())
      for (const line of reports)
        if (line.type === 'TakeSnapshot')
          states.set(line.index, (states.get(line.index) ?? new Set()).add(line.state));
    expect(states.size).toBeGreaterThan(0);
    expect([...states].filter(([, { size: different }]) => different > 1)).toEqual([]);
  },
);
