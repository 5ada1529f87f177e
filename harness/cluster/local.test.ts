import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicMs } from '../clock.ts';
import { localCluster, type LocalClusterOptions } from './local.ts';
import type { Cluster, ClusterEvent } from '../ports/cluster.ts';
import type { NodeLine, NodeSetup, System } from '../ports/system.ts';
import { raftSystem } from '../systems/raft/system.ts';

/**
 * A node's outer shape without Raft: options, report pipe, SIGTERM, exit on a broken pipe. `MODE` in its data folder's
 * neighbour file says how it behaves, so that each test can have its own kind of node.
 */
const PROGRAM = `
import { closeSync, existsSync, mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
const options = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean).map((o) => o.trim().split(' ')).map(([name, value]) => [name, value ?? '']));
const modeFile = join(dirname(options.data), 'mode');
const mode = existsSync(modeFile) ? readFileSync(modeFile, 'utf8') : '';
let n = 0;
const report = (fields) => writeSync(3, JSON.stringify({ n: n++, at: Number(process.hrtime.bigint() / 1000n), node: options.id, ...fields }) + '\\n');
console.log('args', JSON.stringify(options));
mkdirSync(options.data, { recursive: true });
writeFileSync(join(options.data, 'here'), '');
if (mode === 'refuse') { console.error('data folder /x: segment 3 offset 77 is damaged'); process.exit(3); }
if (mode === 'mute') setInterval(() => {}, 1000);
else {
  if (mode === 'stubborn') process.on('SIGTERM', () => {});
  else process.on('SIGTERM', () => { report({ type: 'log', level: 'info', message: 'bye' }); process.exit(0); });
  if (mode === 'parent' || mode === 'family') {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit', detached: mode === 'parent' });
    writeFileSync(join(dirname(options.data), 'child'), String(child.pid));
  }
  if (mode === 'misfit') report({ type: 'ready', pid: 'x' });
  else report({ type: 'ready', pid: process.pid, clientPort: 1, peerPort: 2, adminPort: null, recovered: { term: 0, votedFor: null, lastIndex: 0, snapshotIndex: 0, tornBytes: 0 } });
  if (mode === 'silent') { closeSync(3); setInterval(() => {}, 1000); }
  if (mode === 'dies') { console.error('out of luck'); setTimeout(() => process.exit(9), 50); }
  if (mode === 'garbage') { writeSync(3, 'not json\\n'); n += 4; report({ type: 'log', level: 'info', message: 'after the gap' }); }
  if (mode !== 'silent') setInterval(() => { try { report({ type: 'log', level: 'debug', message: 'tick' }); } catch { process.exit(0); } }, 20);
}
`;

let dir: string;
let cluster: Cluster | null;
let events: ClusterEvent[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'chaos-cluster-'));
  await writeFile(join(dir, 'node.mjs'), PROGRAM);
  events = [];
  cluster = null;
});
afterEach(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

function makeCluster(overrides: Partial<LocalClusterOptions> = {}): Cluster {
  cluster = localCluster({
    nodes: ['n1', 'n2', 'n3'].map((id, i) => ({ id, peerPort: 7_001 + i, clientPort: 8_001 + i })),
    links: { address: (link) => `127.0.0.1:${link.from === 'n1' ? 9_100 : 9_200}${link.to.slice(1)}` },
    dir: join(dir, 'data'),
    logsDir: join(dir, 'logs'),
    originMs: monotonicMs(),
    system: raftSystem(join(dir, 'node.mjs')),
    electionTimeoutMs: [300, 600],
    heartbeatMs: 50,
    seed: 7,
    ...overrides,
  });
  cluster.subscribe((event) => events.push(event));
  return cluster;
}
const mode = (name: string): Promise<void> => writeFile(join(dir, 'data', 'mode'), name);
const lives = (node: string): string[] =>
  events.flatMap((event) => (event.type === 'life' && event.node === node ? [event.life] : []));
const exitOf = (node: string): unknown =>
  events
    .flatMap((event) => (event.type === 'life' && event.node === node && event.exit ? [event.exit] : []))
    .at(-1);
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const next = (match: (event: ClusterEvent) => boolean): Promise<ClusterEvent> =>
  new Promise((resolve) => {
    const stop = cluster!.subscribe((event) => {
      if (!match(event)) return;
      stop();
      resolve(event);
    });
  });

describe('localCluster', () => {
  it('a started node is up with its own process, its options and its peers behind its links', async () => {
    const local = makeCluster();
    await local.start('n1');
    const { life, pid } = local.view('n1');
    expect(life).toBe('up');
    expect(alive(pid!)).toBe(true);
    expect(lives('n1')).toEqual(['starting', 'up']);
    await next((event) => event.type === 'log');
    const log = await readFile(join(dir, 'logs', 'n1.log'), 'utf8');
    expect(JSON.parse(log.replace('args ', ''))).toEqual({
      bootstrap: '',
      id: 'n1',
      'peer-listen': '127.0.0.1:7001',
      'client-listen': '127.0.0.1:8001',
      peers: 'n2=127.0.0.1:91002,n3=127.0.0.1:91003',
      data: join(dir, 'data', 'n1'),
      'election-timeout': '300..600',
      heartbeat: '50',
      seed: '7',
      'report-fd': '3',
    });
  });

  it('a process that a node has left behind does not keep its pipes open in the harness', async () => {
    const local = makeCluster();
    await mode('parent');
    const pipes = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap' || kind === 'PipeConnectWrap')
        .length;
    const before = pipes();
    await local.start('n1');
    expect(pipes()).toBeGreaterThan(before);
    await local.kill('n1');
    const child = Number(await readFile(join(dir, 'data', 'child'), 'utf8'));
    try {
      expect(alive(child)).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
      expect(pipes()).toBe(before);
    } finally {
      process.kill(child, 'SIGKILL');
    }
  });

  it.each(['kill', 'stop'] as const)(
    'what a node has started in its process group ends with it: %s',
    async (end) => {
      const local = makeCluster();
      await mode('family');
      await local.start('n1');
      const child = Number(await readFile(join(dir, 'data', 'child'), 'utf8'));
      expect(alive(child)).toBe(true);
      await local[end]('n1');
      // Where this machine's first process collects no orphans, it stays as a zombie, which has no command line.
      const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
      expect(command).toBe('');
    },
  );

  it('report times are times of the run', async () => {
    const local = makeCluster();
    const before = events.length;
    const asked = performance.now();
    await local.start('n1');
    const ready = events.slice(before).find((event) => event.type !== 'life');
    expect(ready!.t).toBeGreaterThan(0);
    expect(ready!.t).toBeLessThan(performance.now() - asked + 50);
  });

  it('kill is SIGKILL, returns when the process is gone, and is expected; the node starts again', async () => {
    const local = makeCluster();
    await local.start('n1');
    const { pid } = local.view('n1');
    await local.kill('n1');
    expect(alive(pid!)).toBe(false);
    expect(exitOf('n1')).toEqual({ code: null, signal: 'SIGKILL', expected: true, stderr: '' });
    await local.start('n1');
    expect(lives('n1')).toEqual(['starting', 'up', 'down', 'starting', 'up']);
    expect(local.view('n1').pid).not.toBe(pid);
  });

  it('stop lets the node end by itself, and reads what it reported last before it is down', async () => {
    const local = makeCluster();
    await local.start('n1');
    await local.stop('n1');
    expect(exitOf('n1')).toMatchObject({ code: 0, expected: true });
    const bye = events.findIndex((e) => e.type === 'log' && e.log.message === 'bye');
    const down = events.findIndex((e) => e.type === 'life' && e.life === 'down');
    expect(bye).toBeGreaterThan(0);
    expect(bye).toBeLessThan(down);
  });

  it('a node that ignores SIGTERM is killed after the bound', async () => {
    const local = makeCluster();
    await mode('stubborn');
    await local.start('n1');
    await local.stop('n1');
    expect(exitOf('n1')).toMatchObject({ signal: 'SIGKILL', expected: true });
  });

  it('a paused node is silent though alive; resumed, it goes on; stop and kill work on a paused one', async () => {
    const local = makeCluster();
    await local.start('n1');
    await local.pause('n1');
    expect(local.view('n1').life).toBe('paused');
    await expect(local.pause('n1')).rejects.toThrow('cannot pause n1: it is paused');
    await local.resume('n1');
    await next((event) => event.type !== 'life');
    expect(lives('n1')).toEqual(['starting', 'up', 'paused', 'up']);
    await local.pause('n1');
    await local.stop('n1');
    expect(exitOf('n1')).toMatchObject({ code: 0, expected: true });
    await local.start('n1');
    await local.pause('n1');
    await local.kill('n1');
    expect(exitOf('n1')).toMatchObject({ signal: 'SIGKILL', expected: true });
  });

  it('a process that ends without being asked to is a finding, with its stderr', async () => {
    const local = makeCluster();
    await mode('dies');
    const down = next((event) => event.type === 'life' && event.life === 'down');
    await local.start('n1');
    await down;
    expect(exitOf('n1')).toEqual({ code: 9, signal: null, expected: false, stderr: 'out of luck' });
    expect(local.view('n1')).toEqual({ id: 'n1', life: 'down', pid: null });
    await expect(local.kill('n1')).rejects.toThrow('cannot kill n1: it is down');
  });

  it('a node that ends before it is ready fails its start with what it wrote', async () => {
    const local = makeCluster();
    await mode('refuse');
    await expect(local.start('n1')).rejects.toThrow(
      'n1 ended before it was ready: exit code 3; it wrote: data folder /x: segment 3 offset 77 is damaged',
    );
    expect(lives('n1')).toEqual(['starting', 'down']);
  });

  it('a node that never gets ready is killed after the bound', async () => {
    const local = makeCluster();
    await mode('mute');
    await expect(local.start('n1')).rejects.toThrow('n1 was not ready within 10000 ms and was killed');
    expect(local.view('n1').life).toBe('down');
  });

  it('a program that is not there fails the start, not the harness', async () => {
    const local = makeCluster({ system: raftSystem(join(dir, 'missing.mjs')) });
    await expect(local.start('n1')).rejects.toThrow(
      /n1 ended before it was ready: exit code 1; .*missing\.mjs/s,
    );
  });

  it('the error of a node that never gets ready tells of the mistake in its reports', async () => {
    const local = makeCluster();
    await mode('misfit');
    await expect(local.start('n1')).rejects.toThrow(
      /n1 was not ready .*; the last problem of its reports: report line 1 has a wrong field: "pid" must be /,
    );
  });

  it('a node that closes the pipe of its reports and goes on running has a hole in its trace from there on', async () => {
    const local = makeCluster();
    await mode('silent');
    const hole = next((event) => event.type === 'reports-lost');
    await local.start('n1');
    expect(await hole).toMatchObject({
      node: 'n1',
      reason: 'it closed the pipe of its reports, but goes on running',
      traceHole: true,
    });
  });

  it('a node that is killed or stopped has no hole in its trace', async () => {
    const local = makeCluster();
    for (const end of ['kill', 'stop'] as const) {
      await local.start('n1');
      await local[end]('n1');
    }
    expect(events.filter(({ type }) => type === 'reports-lost')).toEqual([]);
  });

  it('lines that are no report, and lines that are missing, are told; the rest is read on', async () => {
    const local = makeCluster();
    await mode('garbage');
    await local.start('n1');
    await next((event) => event.type === 'log' && event.log.message === 'tick');
    const logs = events.flatMap((e) => (e.type === 'log' ? [e.log.message] : []));
    // A chunk of the pipe may hold several ticks.
    expect(logs.slice(0, 4)).toEqual([
      'report line 2 is not a JSON object; the line: not json',
      expect.stringContaining('report line 3 has number 5 and follows number 0: 3 lines are lost'),
      'after the gap',
      'tick',
    ]);
    const holes = events.flatMap((e) => (e.type === 'reports-lost' && e.traceHole ? [e.reason] : []));
    expect(holes).toEqual(logs.slice(0, 2));
  });

  it('wipe removes the data folder of a node that is down, and of no other', async () => {
    const local = makeCluster();
    await local.start('n1');
    await expect(local.wipe('n1')).rejects.toThrow('cannot wipe n1: it is up; kill or stop it first');
    await stat(join(dir, 'data', 'n1', 'here'));
    await local.kill('n1');
    await local.wipe('n1');
    await expect(stat(join(dir, 'data', 'n1'))).rejects.toThrow('ENOENT');
    await local.wipe('n2');
  });

  it('only a start before the node was ever ready is its first: a wiped one is not the founder that it was', async () => {
    const local = makeCluster();
    await mode('refuse');
    await expect(local.start('n1')).rejects.toThrow('ended before it was ready');
    await mode('');
    await local.start('n1');
    await local.kill('n1');
    await local.wipe('n1');
    await local.start('n1');
    await next((event) => event.type === 'log');
    const log = await readFile(join(dir, 'logs', 'n1.log'), 'utf8');
    const starts = log.split('\n').filter((line) => line.startsWith('args'));
    expect(starts.map((line) => line.includes('bootstrap'))).toEqual([true, true, false]);
  });

  it('shutting down ends every process, paused ones and one that is just starting', async () => {
    const local = makeCluster();
    await Promise.all([local.start('n1'), local.start('n2')]);
    await local.pause('n2');
    const starting = local.start('n3');
    const pids = [local.view('n1').pid!, local.view('n2').pid!];
    await Promise.all([
      local[Symbol.asyncDispose](),
      expect(starting).rejects.toThrow('n3 ended before it was ready: signal SIGKILL'),
    ]);
    expect(pids.map(alive)).toEqual([false, false]);
    expect(['n1', 'n2', 'n3'].map((id) => local.view(id).life)).toEqual(['down', 'down', 'down']);
    await expect(local.start('n1')).rejects.toThrow('the cluster is being shut down');
  });

  it('an unknown node is named, with those that there are', () => {
    expect(() => makeCluster().view('n9')).toThrow('no node n9; there are n1, n2, n3');
  });
});

describe('a cluster of a system that reports less than ours', () => {
  /** A program that writes lines to stdout, and knows nothing of reports. */
  const plain = (more: Partial<System> = {}): System => ({
    name: 'plain',
    command: () => ({
      program: process.execPath,
      args: ['-e', "console.log('serving'); setInterval(() => console.log('tick'), 20)"],
    }),
    client: { module: 'file:///never-loaded.ts' },
    ...more,
  });

  it('without reports a node is up as soon as its process runs', async () => {
    const local = makeCluster({ system: plain() });
    await local.start('n1');
    expect(lives('n1')).toEqual(['starting', 'up']);
    expect(alive(local.view('n1').pid!)).toBe(true);
    await local.kill('n1');
    expect(exitOf('n1')).toMatchObject({ signal: 'SIGKILL', expected: true });
  });

  it('with a probe of its own a node is up when that says so, with the addresses it was started with', async () => {
    const asked = Promise.withResolvers<NodeSetup>();
    const answer = Promise.withResolvers<void>();
    const ready = (node: NodeSetup): Promise<void> => {
      asked.resolve(node);
      return answer.promise;
    };
    const local = makeCluster({ system: plain({ ready }) });
    const starting = local.start('n2');
    expect(await asked.promise).toMatchObject({ id: 'n2', clientListen: '127.0.0.1:8002', first: true });
    expect(local.view('n2').life).toBe('starting');
    answer.resolve();
    await starting;
    expect(lives('n2')).toEqual(['starting', 'up']);
  });

  it('reports may come on stdout: they are read there, and the log file has them too', async () => {
    const reader = {
      push: (chunk: Buffer): NodeLine[] =>
        chunk.toString('utf8').includes('serving')
          ? [{ type: 'ready' }, { type: 'status', status: { role: 'leader', term: 4 } }]
          : [],
    };
    const local = makeCluster({ system: plain({ reports: { fd: 1, reader: () => reader } }) });
    await local.start('n1');
    expect(lives('n1')).toEqual(['starting', 'up']);
    const status = events.find((event) => event.type === 'status');
    expect(status).toMatchObject({ node: 'n1', status: { role: 'leader', term: 4 } });
    await local.stop('n1');
    expect(await readFile(join(dir, 'logs', 'n1.log'), 'utf8')).toContain('serving');
  });
});
