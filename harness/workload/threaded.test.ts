import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClientRequest } from '../../node/protocol/client.ts';
import { monotonicMs } from '../clock.ts';
import type { Op } from '../history/op.ts';
import { parseHistory } from '../history/read.ts';
import { randomStream } from '../random.ts';
import type { OpsWindow, Workload, WorkloadEvent, WorkloadPlan } from '../ports/workload.ts';
import { raftSystem } from '../systems/raft/system.ts';
import { KvServers, type Fate } from '../systems/raft/testing/kv-servers.ts';
import { threadedWorkload } from './threaded.ts';

const PLAN: WorkloadPlan = {
  clients: 6,
  ratePerSecond: null,
  keys: 4,
  skew: 'uniform',
  mix: { read: 0.3, write: 0.3, cas: 0.2, delete: 0.05, append: 0.15 },
  timeoutMs: 400,
  routing: 'leader',
  seed: 7,
};
const NODES = ['n1', 'n2', 'n3'];
const serve = (): Fate => ({ type: 'serve' });

let dir: string;
let events: WorkloadEvent[];
const stack: AsyncDisposable[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'chaos-workload-'));
  events = [];
});
afterEach(async () => {
  for (const each of stack.splice(0).reverse()) await each[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

async function servers(fate: (node: string, request: ClientRequest) => Fate): Promise<KvServers> {
  const started = await KvServers.start(NODES, fate);
  stack.push(started);
  return started;
}

function workload(plan: Partial<WorkloadPlan>, addresses: Readonly<Record<string, string>>): Workload {
  const made = threadedWorkload({
    plan: { ...PLAN, ...plan },
    client: raftSystem().client,
    addresses,
    originMs: monotonicMs(),
    historyPath: join(dir, 'history.jsonl'),
    live: true,
  });
  made.subscribe((event) => events.push(event));
  stack.push(made);
  return made;
}

const windows = (): OpsWindow[] => events.flatMap((event) => (event.type === 'window' ? [event] : []));
/** Resolves with the first event for which `match` returns true. */
const until = (load: Workload, match: (event: WorkloadEvent) => boolean): Promise<WorkloadEvent> =>
  new Promise((resolve) => {
    const stop = load.subscribe((event) => {
      if (!match(event)) return;
      stop();
      resolve(event);
    });
  });
const completed = (load: Workload, count: number): Promise<WorkloadEvent> =>
  until(load, (e) => e.type === 'window' && e.total.ok + e.total.fail + e.total.info >= count);
const valueOf = (op: Op): string => (typeof op.input === 'string' ? op.input : op.input![1]!);
const count = (ops: readonly Op[], match: (op: Op) => boolean): number => ops.filter(match).length;

/** Compares every outcome with the true effects, which the servers know. */
function expectTruth(ops: readonly Op[], applied: readonly string[]): void {
  const times = new Map<string, number>();
  for (const value of applied) times.set(value, (times.get(value) ?? 0) + 1);
  for (const op of ops) {
    if (op.f === 'read') continue;
    const happened = times.get(valueOf(op)) ?? 0;
    const allowed = op.outcome === 'ok' ? [1] : op.outcome === 'fail' ? [0] : [0, 1];
    expect(allowed, `${op.f} ${valueOf(op)} ended ${op.outcome} (${op.error ?? 'no error'})`).toContain(
      happened,
    );
  }
}

describe('threadedWorkload', () => {
  it('runs the plan, writes the history and returns the same operations', async () => {
    const kv = await servers(serve);
    const load = workload({}, kv.addresses);
    await load.start();
    await completed(load, 1_000);
    const ops = await load.stop();
    expect(ops.length).toBeGreaterThanOrEqual(1_000);
    expect(parseHistory(await readFile(join(dir, 'history.jsonl'), 'utf8'))).toEqual(ops);
    expect(ops.map((op) => op.id)).toEqual(ops.map((_, i) => i));
    expect(count(ops, (op) => op.outcome === 'fail' && op.error !== 'cas-mismatch')).toBe(0);
    const cas = ops.filter((op) => op.f === 'cas');
    expect(count(cas, (op) => op.outcome === 'ok') / cas.length).toBeGreaterThan(0.3);
    expectTruth(ops, kv.applied);
    const { total, okByFunction } = windows().at(-1)!;
    expect(total).toEqual({
      invoked: ops.length,
      ok: count(ops, (op) => op.outcome === 'ok'),
      fail: count(ops, (op) => op.outcome === 'fail'),
      info: 0,
    });
    expect(okByFunction.append).toBe(count(ops, (op) => op.f === 'append' && op.outcome === 'ok'));
    expect(windows().reduce((sum, window) => sum + window.ok, 0)).toBe(total.ok);
    expect(await load.stop()).toBe(ops);
  });

  it('keeps the rate, without bursts', async () => {
    const kv = await servers(serve);
    const load = workload({ ratePerSecond: 200 }, kv.addresses);
    await load.start();
    await completed(load, 300);
    const ops = await load.stop();
    const [first, last] = [ops[0]!.call, ops.at(-1)!.call];
    expect(((ops.length - 1) * 1_000) / (last - first)).toBeLessThan(202);
    expect(((ops.length - 1) * 1_000) / (last - first)).toBeGreaterThan(150);
    for (let i = 10; i < ops.length; i++) expect(ops[i]!.call - ops[i - 10]!.call).toBeGreaterThan(20);
  });

  it('under many faults no outcome claims more than is known: ok happened once, fail never, info at most once', async () => {
    const random = randomStream(11, 'link-weather');
    const errors = ['not-leader', 'busy', 'leadership-lost', 'stopping', 'read-unconfirmed'] as const;
    const kv = await servers((_node, request) => {
      const roll = random.float();
      if (request.type === 'open-session' || roll < 0.6) return { type: 'serve', delayMs: random.int(0, 20) };
      if (roll < 0.75) {
        const code = random.pick(errors);
        const applied = (code === 'leadership-lost' || code === 'stopping') && random.float() < 0.5;
        return { type: 'error', code, applied };
      }
      return { type: roll < 0.88 ? 'close' : 'silence', applied: random.float() < 0.5 };
    });
    const load = workload({ clients: 12, timeoutMs: 200, routing: 'mixed' }, kv.addresses);
    await load.start();
    await completed(load, 1_500);
    const ops = await load.stop();
    expectTruth(ops, kv.applied);
    expect(parseHistory(await readFile(join(dir, 'history.jsonl'), 'utf8'))).toEqual(ops);
    // The faults took effect: unknown outcomes, retries that were answered from memory, failures.
    expect(count(ops, (op) => op.outcome === 'info')).toBeGreaterThan(10);
    expect(count(ops, (op) => op.outcome === 'ok' && op.attempts > 1)).toBeGreaterThan(100);
    expect(count(ops, (op) => op.f !== 'read' && op.outcome === 'fail')).toBeGreaterThan(10);
  });

  it('clients find the leader by its followers’ hints; pinned clients accept a refusal and rest', async () => {
    const kv = await servers((node) =>
      node === 'n3' ? { type: 'serve' } : { type: 'error', code: 'not-leader', applied: false, leader: 'n3' },
    );
    const load = workload({ ratePerSecond: 500, routing: 'mixed' }, kv.addresses);
    await load.start();
    await completed(load, 500);
    const ops = await load.stop();
    const refused = ops.filter((op) => op.error === 'not-leader');
    expect(new Set(refused.map((op) => op.node))).toEqual(new Set(['n1', 'n2']));
    expect(new Set(refused.map((op) => op.process))).toEqual(new Set([1, 3]));
    expect(refused.length / ops.length).toBeLessThan(0.1);
    expect(count(ops, (op) => op.outcome === 'ok' && op.node === 'n3')).toBe(
      count(ops, (op) => op.outcome === 'ok'),
    );
  });

  it('writes to a node that does not run fail and are not unknown, with a closed port and with a proxy', async () => {
    const kv = await servers(serve);
    const closer = await KvServers.start(['proxy'], serve);
    const closed = closer.addresses['proxy']!;
    await closer[Symbol.asyncDispose]();
    const { createServer } = await import('node:net');
    const proxy = createServer((socket) => socket.on('data', () => socket.destroy()));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    stack.push({ [Symbol.asyncDispose]: () => new Promise((resolve) => proxy.close(() => resolve())) });
    const { port } = proxy.address() as { port: number };
    const addresses = { n1: kv.addresses['n1']!, n2: closed, n3: `127.0.0.1:${port}` };
    const load = workload({ ratePerSecond: 500, routing: 'mixed' }, addresses);
    await load.start();
    await completed(load, 500);
    const ops = await load.stop();
    expect(count(ops, (op) => op.outcome === 'info')).toBe(0);
    const errors = new Set(ops.filter((op) => op.outcome === 'fail').map((op) => `${op.node} ${op.error}`));
    expect(errors).toContain('n2 refused');
    expect(errors).toContain('n3 closed');
    expect(count(ops, (op) => op.node !== 'n1') / ops.length).toBeLessThan(0.1);
  });

  it('writes of clients pinned to a silent node become unknown and get new process numbers; other clients continue', async () => {
    const kv = await servers((node, request) =>
      node === 'n2' && request.type !== 'open-session'
        ? { type: 'silence', applied: false }
        : { type: 'serve' },
    );
    const load = workload({ routing: 'mixed', ratePerSecond: 300, timeoutMs: 200 }, kv.addresses);
    await load.start();
    await until(load, (event) => event.type === 'window' && event.total.info >= 3);
    const ops = await load.stop();
    const unknown = ops.filter((op) => op.outcome === 'info');
    expect(new Set(unknown.map((op) => op.node))).toEqual(new Set(['n2']));
    expect(unknown.slice(0, 3).map((op) => op.process)).toEqual([3, 9, 15]);
    expect(unknown.every((op) => op.error === 'timeout' && op.return === Infinity)).toBe(true);
    expect(events.some((event) => event.type === 'op' && event.op.outcome === 'info')).toBe(true);
    expect(count(ops, (op) => op.outcome === 'ok')).toBeGreaterThan(100);
  });

  it('an expired session is replaced, and the write that found it expired fails', async () => {
    let expired = false;
    const kv = await servers((_node, request) => {
      if (expired || request.type !== 'write') return { type: 'serve' };
      expired = true;
      return { type: 'error', code: 'session-expired', applied: false };
    });
    const load = workload({ clients: 1 }, kv.addresses);
    await load.start();
    await completed(load, 200);
    const ops = await load.stop();
    expect(ops.filter((op) => op.error === 'session-expired').map((op) => op.outcome)).toEqual(['fail']);
    expect(count(ops, (op) => op.f === 'write' && op.outcome === 'ok')).toBeGreaterThan(20);
    expectTruth(ops, kv.applied);
  });

  it('stop waits no longer than the timeout for open operations, and they end as unknown', async () => {
    let silent = false;
    const unheard = Promise.withResolvers<void>();
    const kv = await servers(() => {
      if (!silent) return { type: 'serve' };
      unheard.resolve();
      return { type: 'silence', applied: true };
    });
    const load = workload({ mix: { read: 0, write: 1, cas: 0, delete: 0, append: 0 } }, kv.addresses);
    await load.start();
    await completed(load, 100);
    silent = true;
    await unheard.promise;
    const began = performance.now();
    const ops = await load.stop();
    expect(performance.now() - began).toBeLessThan(PLAN.timeoutMs + 1_000);
    const unknown = count(ops, (op) => op.outcome === 'info');
    expect(unknown).toBeGreaterThan(0);
    expect(unknown).toBeLessThanOrEqual(6);
    expectTruth(ops, kv.applied);
  });

  it('if it is disposed of without a stop, it closes the history and ends its thread', async () => {
    const kv = await servers(serve);
    const load = workload({}, kv.addresses);
    await load.start();
    await completed(load, 100);
    await load[Symbol.asyncDispose]();
    await kv.untilDeserted();
    expect(parseHistory(await readFile(join(dir, 'history.jsonl'), 'utf8')).length).toBeGreaterThanOrEqual(
      100,
    );
    await expect(load.start()).rejects.toThrow('the workload has already been started');
  });

  it('a history that cannot be opened fails the start with its path', async () => {
    const kv = await servers(serve);
    const path = join(dir, 'no', 'such', 'folder', 'history.jsonl');
    const load = threadedWorkload({
      plan: PLAN,
      client: raftSystem().client,
      addresses: kv.addresses,
      originMs: monotonicMs(),
      historyPath: path,
      live: true,
    });
    load.subscribe((event) => events.push(event));
    stack.push(load);
    await expect(load.start()).rejects.toThrow(path);
    expect(events.map((event) => event.type)).toEqual(['broken']);
    await expect(load.stop()).rejects.toThrow(path);
  });

  it.skipIf(process.platform !== 'linux')(
    'a full disk ends the load with an error; all written operations are returned, and all ended ones were checked',
    async () => {
      const kv = await servers(serve);
      const load = threadedWorkload({
        plan: PLAN,
        client: raftSystem().client,
        addresses: kv.addresses,
        originMs: monotonicMs(),
        historyPath: '/dev/full',
        live: true,
      });
      stack.push(load);
      const broken = until(load, (event) => event.type === 'broken');
      const done = completed(load, 50);
      const judged = until(load, (event) => event.type === 'checked' && event.keys > 0);
      await load.start();
      expect(await broken).toMatchObject({
        message: expect.stringContaining('/dev/full: ENOSPC') as unknown,
      });
      await done;
      await judged;
      expect(await load.stop()).toEqual([]);
    },
  );

  it('a load that was never started has no operations', async () => {
    expect(await workload({}, {}).stop()).toEqual([]);
  });
});
