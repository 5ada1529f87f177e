import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLinearizable } from '../../harness/checker/linearizable.ts';
import { monotonicMs } from '../../harness/clock.ts';
import { localCluster } from '../../harness/cluster/local.ts';
import type { Cluster } from '../../harness/ports/cluster.ts';
import type { Op } from '../../harness/history/op.ts';
import { readHistory } from '../../harness/history/read.ts';
import { allocateNodePorts } from '../../harness/links/open.ts';
import type { Workload, WorkloadPlan } from '../../harness/ports/workload.ts';
import { raftSystem } from '../../harness/systems/raft/system.ts';
import { threadedWorkload } from '../../harness/workload/threaded.ts';

/**
 * Plan for tests of the cluster and the workload together, on real node processes and without Toxiproxy.
 */
const PLAN: WorkloadPlan = {
  clients: 6,
  ratePerSecond: 500,
  keys: 5,
  skew: 'uniform',
  mix: { read: 0.4, write: 0.3, cas: 0.15, delete: 0.05, append: 0.1 },
  timeoutMs: 1_000,
  routing: 'mixed',
  seed: 7,
};

let dir: string;
let originMs: number;
let nodes: Awaited<ReturnType<typeof allocateNodePorts>>;
let cluster: Cluster;
let load: Workload;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'chaos-real-'));
  nodes = await allocateNodePorts(3);
  originMs = monotonicMs();
  const portsOf = (id: string): (typeof nodes)[number] => nodes.find((node) => node.id === id)!;
  const system = raftSystem();
  cluster = localCluster({
    nodes,
    links: { address: ({ to }) => `127.0.0.1:${portsOf(to).peerPort}` },
    dir: join(dir, 'data'),
    logsDir: join(dir, 'logs'),
    originMs,
    system,
    electionTimeoutMs: [300, 600],
    heartbeatMs: 50,
    seed: 7,
  });
  load = threadedWorkload({
    plan: PLAN,
    client: system.client,
    addresses: Object.fromEntries(nodes.map((node) => [node.id, `127.0.0.1:${node.clientPort}`])),
    originMs,
    historyPath: join(dir, 'history.jsonl'),
    live: true,
  });
  await Promise.all(cluster.nodes.map((node) => cluster.start(node)));
});
afterEach(async () => {
  await load[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

const okOps = (count: number): Promise<void> =>
  new Promise((resolve) => {
    const stop = load.subscribe((event) => {
      if (event.type !== 'window' || event.total.ok < count) return;
      stop();
      resolve();
    });
  });

/** Returns a function that returns the last node that reported leadership in the highest term. */
function followLeader(): () => string {
  let leader = { node: '', term: -1 };
  cluster.subscribe((event) => {
    if (event.type !== 'status') return;
    const { role, term = 0 } = event.status;
    if (role === 'leader' && term >= leader.term) leader = { node: event.node, term };
  });
  return () => leader.node;
}

async function expectSound(ops: readonly Op[]): Promise<void> {
  expect(await readHistory(join(dir, 'history.jsonl'))).toEqual(ops);
  const result = await checkLinearizable(ops, { limitMs: 30_000 });
  expect([result.verdict, result.detail]).toEqual(['linearizable', expect.anything()]);
}

describe('the workload on real nodes', () => {
  it('loses no acknowledged operation of more than 1,000 when the leader is killed and restarted', async () => {
    const leader = followLeader();
    await load.start();
    await okOps(500);
    const killed = leader();
    await cluster.kill(killed);
    await okOps(1_000);
    expect(leader()).not.toBe(killed);
    await cluster.start(killed);
    await okOps(1_500);
    const ops = await load.stop();
    await expectSound(ops);
    const appended = ops.filter((op) => op.f === 'append' && op.outcome === 'ok');
    expect(appended.length).toBeGreaterThan(50);
  });

  it('acknowledges no operation while a majority is paused, and continues after it resumes', async () => {
    const leader = followLeader();
    await load.start();
    await okOps(200);
    const others = cluster.nodes.filter((node) => node !== leader());
    await Promise.all(others.map((node) => cluster.pause(node)));
    const paused = monotonicMs() - originMs;
    await windows(8);
    const resumed = monotonicMs() - originMs;
    await Promise.all(others.map((node) => cluster.resume(node)));
    const { ok } = await windows(1);
    await okOps(ok + 200);
    const ops = await load.stop();
    expect(resumed - paused).toBeGreaterThan(1_500);
    const unknown = ops.filter((op) => op.outcome === 'info');
    expect(unknown.length).toBeGreaterThan(0);
    await expectSound(ops);
    const during = ops.filter((op) => op.outcome === 'ok' && op.call > paused && op.return < resumed);
    expect(during).toEqual([]);
  });
});

/** Waits for `count` windows and resolves to the totals of the last one. */
const windows = (count: number): Promise<{ readonly ok: number }> =>
  new Promise((resolve) => {
    let left = count;
    const stop = load.subscribe((event) => {
      if (event.type !== 'window' || --left > 0) return;
      stop();
      resolve(event.total);
    });
  });
