import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { promises as fs } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { encodeRequest } from '../../node/protocol/client-codec.ts';
import type { ClientResponse } from '../../node/protocol/client.ts';
import { HEADER_BYTES, parseSegment } from '../../node/storage/segment.ts';
import { agreedLeader, ClusterClient, kill, settled } from '../support/cluster-client.ts';
import { NodeClient, NodeCluster, NodeProcess } from '../support/raft-nodes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const alone = ['n1'];
/** Timeouts long enough for a busy machine. A killed leader is replaced at once nevertheless, by fast failover. */
const UNHURRIED = { 'election-timeout': '1000..2000' };

describe.each([3, 5])('%i node processes', (size) => {
  const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);

  test('node processes elect one leader, answer linearizable reads, and report the leader', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, UNHURRIED);
    const leader = await agreedLeader(cluster);
    using client = await cluster.client(leader);
    const session = await client.openSession();
    expect(await client.request({ type: 'write', session, seq: 1, key: 'k', value: 'v' })).toMatchObject({
      type: 'done',
    });
    expect(await client.request({ type: 'read', key: 'k' })).toMatchObject({
      type: 'value',
      present: true,
      value: 'v',
    });

    const follower = cluster.ids.find((id) => id !== leader)!;
    await cluster.nodes
      .get(follower)!
      .until('a known leader', (reports) =>
        reports.find((report) => report.type === 'status' && report.leader === leader),
      );
    using other = await cluster.client(follower);
    for (const refused of [
      await other.request({ type: 'read', key: 'k' }),
      await other.request({ type: 'write', session, seq: 2, key: 'k', value: 'w' }),
    ]) {
      expect(refused).toMatchObject({ type: 'error', code: 'not-leader', leader });
    }
  });

  test('answer a burst of requests on one connection, in any order, each by its number', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, UNHURRIED);
    using client = await cluster.client(await agreedLeader(cluster));
    const session = await client.openSession();
    const burst = Array.from({ length: 500 }, (_, i) =>
      client.request({ type: 'append', session, seq: i + 1, key: 'k', value: 'x' }),
    );
    expect((await Promise.all(burst)).every((response) => response?.type === 'done')).toBe(true);
    expect(await client.request({ type: 'read', key: 'k' })).toMatchObject({ value: 'x'.repeat(500) });
  });

  test('node processes lose no acknowledged write when the leader is killed, and apply a retried append once', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, UNHURRIED);
    for (let round = 0; round < 3; round++) {
      const leader = await agreedLeader(cluster);
      using client = await cluster.client(leader);
      const session = await client.openSession();
      const acknowledged: number[] = [];
      let unanswered = 0;
      // One write at a time, until the leader is killed during one.
      const writing = (async (): Promise<void> => {
        for (let seq = 1; ; seq++) {
          const response = await client.request({
            type: 'append',
            session,
            seq,
            key: `k${round}`,
            value: `${seq},`,
          });
          if (response?.type !== 'done') return void (unanswered = seq);
          acknowledged.push(seq);
          if (seq === 50) cluster.nodes.get(leader)!.child.kill('SIGKILL');
        }
      })();
      await cluster.nodes.get(leader)!.exited;
      await writing;
      expect(acknowledged.length).toBeGreaterThanOrEqual(50);

      const next = await cluster.leader(leader);
      using successor = await cluster.client(next);
      const retry = {
        type: 'append',
        session,
        seq: unanswered,
        key: `k${round}`,
        value: `${unanswered},`,
      } as const;
      for (let times = 0; times < 2; times++)
        expect(await answered(successor, () => successor.request(retry))).toMatchObject({ type: 'done' });
      const all = [...acknowledged, unanswered].map((seq) => `${seq},`).join('');
      expect(await successor.request({ type: 'read', key: `k${round}` })).toMatchObject({ value: all });
      await cluster.start(leader);
    }
  });

  test('have equal log digests if they have applied the same number of entries', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, UNHURRIED);
    using client = await cluster.client(await agreedLeader(cluster));
    const session = await client.openSession();
    for (let seq = 1; seq <= 20; seq++)
      await client.request({ type: 'write', session, seq, key: 'k', value: `${seq}` });
    const last = 22;
    const digests = await Promise.all(
      [...cluster.nodes.values()].map((node) =>
        node.until(`entry ${last} applied`, (reports) =>
          reports.find((report) => report.type === 'status' && report.applied === last),
        ),
      ),
    );
    expect(new Set(digests.map((report) => report.type === 'status' && report.appliedDigest)).size).toBe(1);
  });

  test('nodes still have all data after all of them were killed', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, UNHURRIED);
    {
      using client = await cluster.client(await agreedLeader(cluster));
      const session = await client.openSession();
      expect(await client.request({ type: 'write', session, seq: 1, key: 'k', value: 'kept' })).toMatchObject(
        { type: 'done' },
      );
    }
    await Promise.all([...cluster.nodes.values()].map((node) => node.end('SIGKILL')));
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    using client = await cluster.client(await agreedLeader(cluster));
    expect(await answered(client, () => client.request({ type: 'read', key: 'k' }))).toMatchObject({
      value: 'kept',
    });
  });

  test('a leader that was paused is replaced, and serves no read when it is resumed', async () => {
    await using cluster = await NodeCluster.start(folder.path, ids, UNHURRIED);
    const old = await agreedLeader(cluster);
    using client = await cluster.client(old);
    const session = await client.openSession();
    await client.request({ type: 'write', session, seq: 1, key: 'k', value: 'old' });
    const node = cluster.nodes.get(old)!;
    node.child.kill('SIGSTOP');
    const next = await cluster.leader(old);
    using successor = await cluster.client(next);
    await answered(successor, () =>
      successor.request({ type: 'write', session, seq: 2, key: 'k', value: 'new' }),
    );
    // It waits in the paused leader's socket, before any message from the new leader.
    const read = client.request({ type: 'read', key: 'k' });
    node.child.kill('SIGCONT');
    expect(['not-leader', 'read-unconfirmed']).toContain(errorCode(await read));
    // It steps down because of its own clock, before it hears from the new leader.
    await node.until('a leader that knows that it slept', (reports) =>
      reports.find((line) => line.type === 'BecomeFollower' && line.reason.startsWith('stalled for ')),
    );
  });
});

describe('a node process', () => {
  test('a node drops a last write that was cut off, reports it, and gets the missing entries from the others', async () => {
    await using cluster = await NodeCluster.start(folder.path);
    using client = new ClusterClient(cluster);
    await client.append('k', 'a');
    const leader = await agreedLeader(cluster);
    const torn = cluster.ids.find((id) => id !== leader)!;
    await settled(cluster);
    await kill(cluster, torn);
    const segment = join(cluster.data(torn), 'wal-0000000001.log');
    const bytes = await fs.readFile(segment);
    const { end } = parseSegment(bytes);
    // A record starts correctly and is cut off.
    await fs.writeFile(
      segment,
      Buffer.concat([bytes.subarray(0, end), bytes.subarray(HEADER_BYTES, HEADER_BYTES + 30)]),
    );
    await client.append('k', 'b');
    const node = await cluster.start(torn);
    expect((await node.ready()).recovered.tornBytes).toBeGreaterThan(0);
    await settled(cluster);
    expect(await client.read('k')).toBe('ab');
  });

  test('a node reports ready first, then what it recovered, numbered without gaps', async () => {
    await using cluster = await NodeCluster.start(folder.path, alone);
    const node = cluster.nodes.get('n1')!;
    await node.until('its first entry applied', (reports) => reports.find(({ type }) => type === 'Apply'));
    expect(node.reports[0]).toMatchObject({
      type: 'ready',
      pid: node.child.pid,
      clientPort: cluster.clientPorts.get('n1'),
    });
    expect(node.reports[1]).toMatchObject({ type: 'Recover', first: 1, terms: [], digests: [] });
    expect(node.reports.map((report) => report.n)).toEqual(node.reports.map((_, i) => i));
    expect(node.reports.map((report) => report.type)).toEqual(
      expect.arrayContaining([
        'BecomeCandidate',
        'BecomeLeader',
        'Replicate',
        'Commit',
        'Apply',
        'status',
        'log',
      ]),
    );
  });

  test('ends with code 0 on SIGTERM, even with clients connected, and unlocks its data folder', async () => {
    await using cluster = await NodeCluster.start(folder.path, alone);
    await cluster.leader();
    using client = await cluster.client('n1');
    await client.openSession();
    expect(await cluster.nodes.get('n1')!.end('SIGTERM')).toMatchObject({ code: 0, signal: null });
    expect((await fs.readdir(cluster.data('n1'))).filter((name) => name.startsWith('lock'))).toEqual([]);
    await cluster.start('n1');
  });

  test('tells waiting clients that it stops', async () => {
    await using cluster = await NodeCluster.start(folder.path, ['n1', 'n2']);
    const leader = await agreedLeader(cluster);
    using client = await cluster.client(leader);
    const session = await client.openSession();
    const other = cluster.nodes.get(leader === 'n1' ? 'n2' : 'n1')!;
    other.child.kill('SIGSTOP');
    // Without its peer it cannot commit. It must not have noticed yet.
    const write = client.request({ type: 'write', session, seq: 1, key: 'k', value: 'v' });
    const node = cluster.nodes.get(leader)!;
    const lengthBefore = node.reports.length;
    await node.until('the write in its log', (reports) =>
      reports.slice(lengthBefore).find(({ type }) => type === 'Replicate'),
    );
    const exit = node.end('SIGTERM');
    expect(['stopping', 'leadership-lost']).toContain(errorCode(await write));
    expect(await exit).toMatchObject({ code: 0 });
  });

  test('ends with code 2 and one line of explanation for each kind of bad option', async () => {
    const good = [
      '--id',
      'n1',
      '--peer-listen',
      '127.0.0.1:0',
      '--client-listen',
      '127.0.0.1:0',
      '--data',
      folder.path,
    ];
    for (const [args, line] of [
      [[], /^node: --id is missing$/],
      [[...good, '--colour', 'red'], /^node: unknown option --colour; known are /],
      [
        [...good, '--election-timeout', '600..300'],
        /^node: --election-timeout 600..300: 600 is not below 300/,
      ],
      [[...good, '--report-fd', '99'], /^node: --report-fd 99 is not a pipe/],
    ] as const) {
      const { code, stderr } = await new NodeProcess(args).exited;
      expect(stderr.trimEnd()).toMatch(line);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(code).toBe(2);
    }
  });

  test('ends with code 3 if a port is in use, and names the port', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    try {
      for (const [peer, client, whom] of [
        [address, '127.0.0.1:0', 'peers'],
        ['127.0.0.1:0', address, 'clients'],
      ] as const) {
        const args = [
          '--id',
          'n1',
          '--peer-listen',
          peer,
          '--client-listen',
          client,
          '--data',
          folder.path,
          '--report-fd',
          '3',
        ];
        const { code, stderr } = await new NodeProcess(args).exited;
        expect(stderr).toContain(`cannot listen for ${whom} on ${address}`);
        expect(code).toBe(3);
      }
    } finally {
      taken.close();
    }
  });

  test('a node ends with code 3 on a damaged log, and names the file and the offset', async () => {
    const cluster = await NodeCluster.start(folder.path, alone);
    await cluster.leader();
    using client = await cluster.client('n1');
    await client.openSession();
    await cluster.nodes.get('n1')!.end('SIGKILL');
    const segment = join(cluster.data('n1'), 'wal-0000000001.log');
    const bytes = await fs.readFile(segment);
    bytes[30]! ^= 1;
    await fs.writeFile(segment, bytes);
    const { code, stderr } = await new NodeProcess(cluster.args('n1')).exited;
    expect(stderr).toContain(`data folder ${cluster.data('n1')}: ${segment}, offset 25: `);
    expect(code).toBe(3);
  });

  test('a node ends with code 3 on a value that the disk has changed, and never serves it', async () => {
    const cluster = await NodeCluster.start(folder.path, alone);
    await cluster.leader();
    using client = await cluster.client('n1');
    const session = await client.openSession();
    for (const [i, value] of ['precious', 'later'].entries())
      await client.request({ type: 'write', session, seq: i + 1, key: `k${i}`, value });
    await cluster.nodes.get('n1')!.end('SIGKILL');
    const segment = join(cluster.data('n1'), 'wal-0000000001.log');
    const bytes = await fs.readFile(segment);
    bytes[bytes.indexOf('precious') + 3]! ^= 1;
    await fs.writeFile(segment, bytes);
    const { code, stderr } = await new NodeProcess(cluster.args('n1')).exited;
    expect(stderr).toMatch(
      /wal-0000000001\.log, offset \d+: the CRC-32 of a record is wrong, and valid records follow/,
    );
    expect(code).toBe(3);
  });

  test('a node ends with code 3 on a data folder that another node uses', async () => {
    await using cluster = await NodeCluster.start(folder.path, alone);
    const args = cluster.args('n1', { 'peer-listen': '127.0.0.1:0', 'client-listen': '127.0.0.1:0' });
    const { code, stderr } = await new NodeProcess(args).exited;
    expect(stderr).toContain(`in use by the node with pid ${cluster.nodes.get('n1')!.child.pid}`);
    expect(code).toBe(3);
  });

  test('a node acknowledges no write that a full disk refused, and ends with code 3', async () => {
    const cluster = await NodeCluster.start(folder.path, alone);
    await cluster.nodes.get('n1')!.end('SIGTERM');
    // A limit on the file size acts as a full disk without privileges: writes beyond 2 MiB fail.
    const limited = join(folder.path, 'limited.sh');
    await fs.writeFile(limited, `trap '' XFSZ\nulimit -f 2048\nexec "$@"\n`);
    const main = fileURLToPath(new URL('../../node/main.mjs', import.meta.url));
    const child = spawn(
      'bash',
      [limited, process.execPath, main, ...cluster.args('n1', { 'report-fd': '1' })],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const exited = once(child, 'close');
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child.stdout, 'data');
    using client = await cluster.client('n1');
    const session = await answered(client, () => client.request({ type: 'open-session' }));
    const written: string[] = [];
    let refused: ClientResponse | null = null;
    const value = 'x'.repeat(100_000);
    for (let seq = 1; refused === null && seq < 100; seq++) {
      const key = `k${seq}`;
      const response = await client.request({
        type: 'write',
        session: session.type === 'session' ? session.session : 0,
        seq,
        key,
        value,
      });
      if (response?.type === 'done') written.push(key);
      else refused = response ?? { requestId: 0, type: 'error', code: 'storage-failed', message: 'closed' };
    }
    expect(errorCode(refused)).toBe('storage-failed');
    expect((await exited)[0]).toBe(3);
    expect(stderr).toMatch(/data folder .* cannot be written: EFBIG/);

    await using again = cluster;
    await again.start('n1');
    using reader = await again.client('n1');
    for (const key of written) {
      expect(await answered(reader, () => reader.request({ type: 'read', key }))).toMatchObject({ value });
    }
  });

  test('ends by itself when the reader of its reports has ended', async () => {
    await using cluster = await NodeCluster.start(folder.path, alone);
    const node = cluster.nodes.get('n1')!;
    node.child.stdio[3]!.destroy();
    expect((await node.exited).code).toBe(4);
  });

  test.each([
    ['of another version', 4, /client .* closed: frame of version \d+, but this node uses version 1/],
    ['with a flipped bit', 12, /client .* closed: frame with CRC-32 .*: bytes were damaged/],
  ])('a node closes a connection with a frame %s', async (_, at, reason) => {
    await using cluster = await NodeCluster.start(folder.path, alone);
    await cluster.leader();
    using client = await cluster.client('n1');
    await client.openSession();
    const frame = encodeRequest({ requestId: 2, type: 'read', key: 'k' });
    frame[at]! ^= 1;
    client.socket.write(frame);
    await once(client.socket, 'close');
    await cluster.nodes
      .get('n1')!
      .until('a logged reason', (reports) =>
        reports.find((report) => report.type === 'log' && reason.test(report.message)),
      );
  });

  test('a node closes a connection that sends invalid bytes, says why, and serves the others', async () => {
    await using cluster = await NodeCluster.start(folder.path, alone);
    await cluster.leader();
    const node = cluster.nodes.get('n1')!;
    using nonsense = await cluster.client('n1');
    nonsense.socket.write('GET / HTTP/1.1\r\nHost: n1\r\n\r\n');
    await once(nonsense.socket, 'close');
    await node.until('a logged reason', (reports) =>
      reports.find(
        (report) => report.type === 'log' && /client .* closed: frame of version/.test(report.message),
      ),
    );
    using client = await cluster.client('n1');
    expect(await client.openSession()).toBeGreaterThan(0);
  });
});

/** Asks until the answer is not `not-leader`, because an election may be in progress. */
async function answered(
  client: NodeClient,
  ask: () => Promise<ClientResponse | null>,
): Promise<ClientResponse> {
  const until = performance.now() + 10_000;
  for (;;) {
    const response = await ask();
    if (response === null) throw new Error(`the connection to port ${client.socket.remotePort} closed`);
    if (errorCode(response) !== 'not-leader' || performance.now() > until) return response;
  }
}

const errorCode = (response: ClientResponse | null): string =>
  response === null ? 'closed' : response.type === 'error' ? response.code : response.type;
