import { describe, expect, test } from 'vitest';
import type { ClientResponse } from '../../node/protocol/client.ts';
import type { NodeReport } from '../../node/protocol/report.ts';
import { agreedLeader, ClusterClient, last, settled } from '../support/cluster-client.ts';
import { LinkedCluster } from '../support/linked-cluster.ts';
import type { NodeClient, NodeCluster } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** Timeouts long enough that a leader loses its role only through what a test does. */
const TIMING = { 'election-timeout': '1000..2000' };

const count = (reports: readonly NodeReport[], type: NodeReport['type']): number =>
  reports.filter((report) => report.type === type).length;

/** The leader that all nodes agree on, and its term. */
async function lead(cluster: NodeCluster): Promise<{ leader: string; term: number }> {
  const leader = await agreedLeader(cluster);
  return { leader, term: last(cluster.nodes.get(leader)!.reports, 'status')!.term };
}

/** Resolves when `id` starts another election: it asks for pre-votes or, without PreVote, for votes. */
async function startsElection(cluster: NodeCluster, id: string): Promise<void> {
  const node = cluster.nodes.get(id)!;
  const from = node.reports.length;
  await node.until('a started election', (reports) =>
    reports.slice(from).find(({ type }) => type === 'BecomePreCandidate' || type === 'BecomeCandidate'),
  );
}

describe.each([3, 5])('in a cluster of %i node processes', (size) => {
  test('a follower that was cut off does not raise its term, neither while it is cut off nor when it rejoins', async () => {
    await using linked = await LinkedCluster.start(folder.path, size, TIMING);
    const { cluster } = linked;
    const before = await lead(cluster);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const away = cluster.ids.find((id) => id !== before.leader)!;
    const elections = count(cluster.nodes.get(away)!.reports, 'BecomeCandidate');
    linked.isolate(away);
    await startsElection(cluster, away);
    await client.append('k', 'b');
    linked.heal();
    await settled(cluster);
    expect(await client.read('k')).toBe('ab');
    expect(count(cluster.nodes.get(away)!.reports, 'BecomeCandidate')).toBe(elections);
    expect(await lead(cluster)).toEqual(before);
  });

  test('a follower that cannot hear the leader gets no votes from followers that can', async () => {
    await using linked = await LinkedCluster.start(folder.path, size, TIMING);
    const { cluster } = linked;
    const before = await lead(cluster);
    const deaf = cluster.ids.find((id) => id !== before.leader)!;
    // Its log is complete and all nodes can hear it, so only the leader's contact speaks against its election.
    await settled(cluster);
    linked.link(before.leader, deaf).cut();
    await startsElection(cluster, deaf);
    linked.heal();
    await settled(cluster);
    expect(await lead(cluster)).toEqual(before);
  });

  test('a leader that is cut off serves no read, steps down, and drops the entries that only it has', async () => {
    await using linked = await LinkedCluster.start(folder.path, size, TIMING);
    const { cluster } = linked;
    const old = await agreedLeader(cluster);
    const node = cluster.nodes.get(old)!;
    using client = await cluster.client(old);
    const session = await client.openSession();
    linked.isolate(old);
    const read = client.request({ type: 'read', key: 'k' });
    const lost = appends(client, session, 300, 'lost');
    expect(await read).toMatchObject({ type: 'error', code: 'read-unconfirmed' });
    for (const answer of await lost) expect(answer).toMatchObject({ code: 'leadership-lost' });
    await node.until('the lead given up', (reports) =>
      reports.find(
        (line) => line.type === 'BecomeFollower' && line.reason === 'lost contact with a majority',
      ),
    );

    // The new log has as many entries at the positions of the lost ones, and the next leader does not know where the
    // logs diverge.
    const second = await cluster.leader(old);
    using successor = await cluster.client(second);
    const kept = await appends(successor, await successor.openSession(), 300, 'k');
    for (const answer of kept) expect(answer).toMatchObject({ type: 'done' });
    const third = cluster.ids.find((id) => id !== old && id !== second)!;
    const transfer = await successor.request({ type: 'transfer-leadership', target: third });
    expect(transfer).toMatchObject({ type: 'done' });
    const from = node.reports.length;
    const answers = linked.link(old, third);
    const before = answers.sentBytes;
    linked.heal();
    await node.until('its own entries replaced', (reports) =>
      reports.slice(from).find((report) => report.type === 'Replicate' && report.truncated),
    );
    // §5.3: it skips the term in a few steps. One step per entry would be 300 refusals of more than 60 bytes.
    expect(answers.sentBytes - before).toBeLessThan(9_000);
    await settled(cluster);
    using anyone = new ClusterClient(cluster);
    expect(await anyone.read('k')).toBe('k'.repeat(300));
  });
});

/** Sends `times` appends to `k` at once. */
function appends(
  client: NodeClient,
  session: number,
  times: number,
  value: string,
): Promise<(ClientResponse | null)[]> {
  return Promise.all(
    Array.from({ length: times }, (_, i) =>
      client.request({ type: 'append', session, seq: i + 1, key: 'k', value }),
    ),
  );
}
