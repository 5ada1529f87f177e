import { describe, expect, test } from 'vitest';
import { Cluster } from './testing/members.ts';

describe('a proposal', () => {
  test('a proposal is answered only after a majority has it on disk', async () => {
    const cluster = await Cluster.withLeader();
    for (const { disk } of cluster.members.values()) disk.held = true;
    cluster.n1.open(1);
    await cluster.settle();
    expect(cluster.n1.told(1)).toBe('nothing');
    cluster.n2.disk.release();
    await cluster.settle();
    expect(cluster.n1.told(1)).toBe('nothing');
    cluster.n1.disk.release();
    await cluster.settle();
    expect(cluster.n1.told(1)).toBe('session');
  });

  test('a proposal is sent to the followers while the leader writes it to its own disk (dissertation 10.2.1)', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.disk.held = true;
    cluster.n1.open(1);
    await cluster.settle();
    expect(cluster.n2.raft.status().durableIndex).toBe(2);
    expect(cluster.n1.raft.status().durableIndex).toBe(1);
  });

  test('all proposals that arrive while a write is in flight share the next write', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.disk.held = true;
    const before = cluster.n1.disk.writes.length;
    for (let i = 1; i <= 5; i++) {
      cluster.n1.open(i);
      await cluster.settle();
    }
    expect(cluster.n1.disk.writes.length).toBe(before + 1);
    cluster.n1.disk.release();
    await cluster.settle();
    expect(cluster.n1.disk.writes.length).toBe(before + 2);
    expect(
      cluster.n1.disk.writes.at(-1)!.flatMap(({ entries }) => entries.map(({ index }) => index)),
    ).toEqual([3, 4, 5, 6]);
  });

  test('a proposal is refused by a node that does not lead, and by a leader that has too much uncommitted', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n2.disk.held = true;
    cluster.n2.open(1);
    await cluster.settle();
    expect(cluster.n2.answers.get(1)).toMatchObject({ code: 'not-leader', leader: 'n1' });
    for (const { disk } of cluster.members.values()) disk.held = true;
    cluster.n1.replica.propose(Buffer.alloc(1_500), cluster.n1, 2);
    cluster.n1.replica.propose(Buffer.alloc(1_500), cluster.n1, 3);
    await cluster.settle();
    expect([cluster.n1.told(2), cluster.n1.told(3)]).toEqual(['nothing', 'busy']);
  });

  test('a proposal to a leader that is cut off is answered leadership-lost, even if another leader commits its index', async () => {
    const cluster = await Cluster.withLeader();
    cluster.cut.add(cluster.ids[0]!);
    cluster.n1.open(1);
    await cluster.pass(1_500);
    expect(cluster.n1.told(1)).toBe('leadership-lost');
    const next = cluster.n2.raft.status().role === 'leader' ? cluster.n2 : cluster.n3;
    next.open(1);
    await cluster.settle();
    expect(next.told(1)).toBe('session');
    cluster.cut.clear();
    await cluster.pass(300);
    expect(cluster.n1.raft.status()).toMatchObject({
      role: 'follower',
      commitIndex: next.raft.status().commitIndex,
    });
  });
});

describe('a read', () => {
  test('a read is served after a round of heartbeats, which all reads of a turn share', async () => {
    const cluster = await Cluster.withLeader();
    for (let i = 1; i <= 50; i++) cluster.n1.replica.read('k', cluster.n1, i);
    for (const turn of cluster.turns.splice(0)) turn();
    const asked = cluster.n1.sent.filter(
      (message) => message.type === 'Heartbeat' && message.readContext > 0,
    );
    expect(asked).toHaveLength(2);
    expect(cluster.n1.answers.size).toBe(0);
    await cluster.settle();
    for (let i = 1; i <= 50; i++)
      expect(cluster.n1.answers.get(i)).toEqual({ type: 'value', present: false, value: null });
  });

  test('a read is never served by a leader that is cut off: the client is told when the leadership is lost', async () => {
    const cluster = await Cluster.withLeader();
    cluster.cut.add(cluster.ids[0]!);
    cluster.n1.replica.read('k', cluster.n1, 1);
    await cluster.pass(200);
    expect(cluster.n1.told(1)).toBe('nothing');
    await cluster.pass(1_000);
    expect(cluster.n1.told(1)).toBe('read-unconfirmed');
  });

  test('a read is not served by a leader that was paused, although the answers to its last round have arrived', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.replica.read('k', cluster.n1, 1);
    for (const turn of cluster.turns.splice(0)) turn();
    const round = cluster.n1.sent.splice(0);
    for (const message of round) cluster.members.get(message.to)!.replica.receive(message);
    for (const turn of cluster.turns.splice(0)) turn();
    const echoes = [...cluster.n2.sent.splice(0), ...cluster.n3.sent.splice(0)];
    cluster.nowMs += 5_000;
    for (const echo of echoes) cluster.n1.replica.receive(echo);
    for (const turn of cluster.turns.splice(0)) turn();
    expect(cluster.n1.told(1)).toBe('read-unconfirmed');
  });
});

describe('a follower', () => {
  test('a follower acknowledges entries and votes only when they are on its disk', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n2.disk.held = true;
    cluster.cut.add(cluster.ids[2]!);
    cluster.n1.open(1);
    await cluster.settle();
    expect(cluster.n2.raft.status().lastIndex).toBe(2);
    expect(cluster.n1.raft.status().commitIndex).toBe(1);
    cluster.n2.disk.release();
    await cluster.settle();
    expect(cluster.n1.raft.status().commitIndex).toBe(2);
  });
});

describe('the trace', () => {
  test('the trace reports a step only after it is on the disk', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.disk.held = true;
    const before = cluster.n1.lines.filter(({ type }) => type !== 'status').length;
    cluster.n1.open(1);
    await cluster.settle();
    const later = (): string[] =>
      cluster.n1.lines
        .filter(({ type }) => type !== 'status')
        .slice(before)
        .map(({ type }) => type);
    expect(later()).toEqual([]);
    cluster.n1.disk.release();
    await cluster.settle();
    expect(later()).toEqual(['Replicate', 'Commit', 'Apply']);
  });

  test('the traces of all nodes have the same digests', async () => {
    const cluster = await Cluster.withLeader();
    for (let i = 1; i <= 5; i++) cluster.n1.open(i);
    await cluster.pass(100);
    const applied = [...cluster.members.values()].map(({ lines }) =>
      lines.findLast((line) => line.type === 'Apply'),
    );
    expect(applied[0]).toMatchObject({ index: 6 });
    expect(applied[1]).toEqual(applied[0]);
    expect(applied[2]).toEqual(applied[0]);
  });
});

describe('a leader whose disk hangs', () => {
  test('a leader whose disk hangs is replaced, and every waiting client is told', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.disk.held = true;
    cluster.n1.open(1);
    await cluster.pass(100);
    cluster.n1.open(2);
    await cluster.pass(2_000);
    expect([1, 2].map((id) => cluster.n1.told(id))).toEqual(['leadership-lost', 'not-leader']);
    const next = [cluster.n2, cluster.n3].find(({ raft }) => raft.status().role === 'leader')!;
    next.open(3);
    await cluster.settle();
    expect(next.told(3)).toBe('session');
    cluster.n1.disk.held = false;
    cluster.n1.disk.release();
    await cluster.pass(300);
    expect(cluster.n1.raft.status()).toMatchObject({ role: 'follower', durableIndex: 4 });
  });
});

describe('a disk that refuses a write', () => {
  test('a disk that refuses a write ends the service: every waiting client is told, and nothing is acknowledged or sent any more', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.replica.read('k', cluster.n1, 1);
    cluster.n1.disk.held = true;
    cluster.n1.disk.broken = true;
    cluster.n1.open(2);
    for (const turn of cluster.turns.splice(0)) turn();
    cluster.n1.sent.splice(0);
    cluster.n1.disk.release();
    await cluster.settle();
    cluster.n1.open(3);
    expect([1, 2, 3].map((id) => cluster.n1.told(id))).toEqual([
      'storage-failed',
      'storage-failed',
      'storage-failed',
    ]);
    expect(cluster.n1.failures).toHaveLength(1);
    cluster.nowMs += 100;
    cluster.n1.replica.tick();
    await cluster.settle();
    expect(cluster.n1.sent).toEqual([]);
  });
});

describe('a stop', () => {
  test('a stop answers every waiting client, and ends after the write in flight', async () => {
    const cluster = await Cluster.withLeader();
    cluster.n1.disk.held = true;
    cluster.n1.open(1);
    cluster.n1.replica.read('k', cluster.n1, 2);
    await cluster.settle();
    cluster.n1.replica.read('k', cluster.n1, 3);
    let stopped = false;
    const stopping = cluster.n1.replica.stop().then(() => (stopped = true));
    expect([1, 3].map((id) => cluster.n1.told(id))).toEqual(['stopping', 'stopping']);
    await cluster.settle();
    expect(stopped).toBe(false);
    cluster.n1.disk.release();
    await stopping;
    cluster.n1.open(4);
    expect(cluster.n1.told(4)).toBe('stopping');
  });
});
