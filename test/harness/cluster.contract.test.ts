import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realClock, type Clock } from '../../harness/clock.ts';
import { localCluster } from '../../harness/cluster/local.ts';
import { takePorts } from '../../harness/links/ports.ts';
import type { Cluster, ClusterEvent, NodeExit } from '../../harness/ports/cluster.ts';
import { SHIPPED_PARTS, type SimParts } from '../../harness/stage/sim/server.ts';
import { simStage } from '../../harness/stage/sim/stage.ts';
import type { TraceEvent } from '../../harness/trace.ts';
import { raftSystem } from '../../harness/systems/raft/system.ts';

/** A cluster and its clock. */
interface Opened {
  readonly cluster: Cluster;
  readonly clock: Clock;
  play<T>(work: () => Promise<T>): Promise<T>;
}

const IDS = ['n1', 'n2', 'n3'];

async function openLocal(dir: string): Promise<Opened> {
  const ports = await takePorts(6);
  const nodes = IDS.map((id, i) => ({ id, peerPort: ports[2 * i]!, clientPort: ports[2 * i + 1]! }));
  const clock = realClock();
  const cluster = localCluster({
    nodes,
    links: { address: ({ to }) => `127.0.0.1:${nodes.find(({ id }) => id === to)!.peerPort}` },
    dir: join(dir, 'data'),
    logsDir: join(dir, 'logs'),
    originMs: clock.originMs,
    system: raftSystem(),
    electionTimeoutMs: [300, 600],
    heartbeatMs: 50,
    seed: 7,
  });
  return { cluster, clock, play: (work) => work() };
}

const openSim = (dir: string, parts?: SimParts): Opened =>
  simStage(
    {
      seed: 7,
      dir,
      nodes: IDS.length,
      electionTimeoutMs: [300, 600],
      heartbeatMs: 50,
      workload: {
        clients: 1, ratePerSecond: 1, keys: 1, skew: 'uniform', timeoutMs: 1_000, routing: 'leader', seed: 7,
        mix: { read: 1, write: 0, cas: 0, delete: 0, append: 0 },
      },
      live: false,
      signal: new AbortController().signal,
      onNote: () => {},
      onFailure: () => {},
    },
    parts,
  ); // prettier-ignore

let dir: string;
let opened: Opened | null;
let events: ClusterEvent[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'chaos-cluster-'));
  opened = null;
  events = [];
});
afterEach(async () => {
  await opened?.play(async () => opened!.cluster[Symbol.asyncDispose]());
  rmSync(dir, { recursive: true, force: true });
});

const lives = (node: string): string[] =>
  events.flatMap((event) => (event.type === 'life' && event.node === node ? [event.life] : []));
const exitOf = (node: string): NodeExit | undefined =>
  events.flatMap((event) => (event.type === 'life' && event.node === node ? (event.exit ?? []) : [])).at(-1);

/** The recovery report of the first node that started after the event at `from`. */
function recoveredFrom(from: number): Extract<TraceEvent, { type: 'Recover' }> {
  for (const event of events.slice(from))
    if (event.type === 'trace' && event.trace.type === 'Recover') return event.trace;
  throw new Error('no node has started');
}

function follow(it: Opened): Opened {
  opened = it;
  it.cluster.subscribe((event) => events.push(event));
  return it;
}

/** Resolves with the first event that matches. */
const next = ({ cluster }: Opened, match: (event: ClusterEvent) => boolean): Promise<ClusterEvent> =>
  new Promise((resolve) => {
    const stop = cluster.subscribe((event) => {
      if (!match(event)) return;
      stop();
      resolve(event);
    });
  });

const TWINS: readonly (readonly [string, (dir: string) => Opened | Promise<Opened>])[] = [
  ['real processes', openLocal],
  ['simulated nodes', openSim],
];

describe.each(TWINS)('a cluster of %s', (_name, open) => {
  const play = async (work: (it: Opened) => Promise<void>): Promise<void> => {
    const it = follow(await open(dir));
    await it.play(() => work(it));
  };

  it('starts a node, which is up before its first report, `ready`', () =>
    play(async (it) => {
      expect(it.cluster.nodes).toEqual(IDS);
      expect(it.cluster.view('n1')).toEqual({ id: 'n1', life: 'down', pid: null });
      await it.cluster.start('n1');
      const { life, pid } = it.cluster.view('n1');
      expect(life).toBe('up');
      expect(pid).toBeGreaterThan(0);
      await next(it, (event) => event.type === 'status');
      const kinds = events.map((event) => (event.type === 'life' ? event.life : event.type));
      expect(kinds.slice(0, 4)).toEqual(['starting', 'up', 'ready', 'trace']);
      expect(events[3]).toMatchObject({ node: 'n1', trace: { type: 'Recover', term: 0, terms: [] } });
      for (const { t } of events) expect(t).toBeLessThanOrEqual(it.clock.now());
    }));

  it('elects a leader when all nodes run, and another one when it is killed', () =>
    play(async (it) => {
      const elected = (): Promise<ClusterEvent> =>
        next(it, (event) => event.type === 'trace' && event.trace.type === 'BecomeLeader');
      const first = elected();
      await Promise.all(IDS.map((id) => it.cluster.start(id)));
      const { node } = await first;
      const second = elected();
      await it.cluster.kill(node);
      expect((await second).node).not.toBe(node);
    }));

  it('kills a node, which becomes a new process with the data of its disk when it is started again', () =>
    play(async (it) => {
      const committed = next(it, (event) => event.type === 'trace' && event.trace.type === 'Commit');
      await Promise.all(IDS.map((id) => it.cluster.start(id)));
      const { node } = await committed;
      const { pid } = it.cluster.view(node);
      await it.cluster.kill(node);
      expect(exitOf(node)).toEqual({
        code: null,
        signal: 'SIGKILL',
        expected: true,
        stderr: expect.any(String) as string,
      });
      expect(it.cluster.view(node)).toEqual({ id: node, life: 'down', pid: null });
      const from = events.length;
      await it.cluster.start(node);
      expect(lives(node)).toEqual(['starting', 'up', 'down', 'starting', 'up']);
      expect(it.cluster.view(node).pid).not.toBe(pid);
      const recovered = recoveredFrom(from);
      expect(recovered.terms.length).toBeGreaterThan(0);
      expect(recovered.term).toBeGreaterThan(0);
    }));

  it('stops a node with exit code 0, even a paused one', () =>
    play(async (it) => {
      await it.cluster.start('n1');
      await it.cluster.stop('n1');
      expect(exitOf('n1')).toMatchObject({ code: 0, signal: null, expected: true });
      await it.cluster.start('n1');
      await it.cluster.pause('n1');
      await it.cluster.stop('n1');
      expect(exitOf('n1')).toMatchObject({ code: 0, signal: null, expected: true });
      expect(lives('n1').slice(2, 4)).toEqual(['stopping', 'down']);
    }));

  it('pauses a node, which is silent until it is resumed or killed', () =>
    play(async (it) => {
      await it.cluster.start('n1');
      await it.cluster.pause('n1');
      // Reports that the process wrote before it was paused are still read.
      await it.clock.sleep(300);
      const silent = events.length;
      await it.clock.sleep(1_500);
      expect(events.length).toBe(silent);
      await expect(it.cluster.pause('n1')).rejects.toThrow('cannot pause n1: it is paused');
      const heard = next(it, (event) => event.type !== 'life');
      await it.cluster.resume('n1');
      await heard;
      expect(lives('n1')).toEqual(['starting', 'up', 'paused', 'up']);
      await expect(it.cluster.resume('n1')).rejects.toThrow('cannot resume n1: it is up');
      await it.cluster.pause('n1');
      await it.cluster.kill('n1');
      expect(exitOf('n1')).toMatchObject({ signal: 'SIGKILL', expected: true });
    }));

  it('wipes the data of a node only while it is down', () =>
    play(async (it) => {
      const committed = next(it, (event) => event.type === 'trace' && event.trace.type === 'Commit');
      await Promise.all(IDS.map((id) => it.cluster.start(id)));
      const { node } = await committed;
      await expect(it.cluster.wipe(node)).rejects.toThrow(
        `cannot wipe ${node}: it is up; kill or stop it first`,
      );
      await it.cluster.kill(node);
      await it.cluster.wipe(node);
      const from = events.length;
      await it.cluster.start(node);
      const recovered = recoveredFrom(from);
      expect(recovered).toMatchObject({ term: 0, terms: [] });
    }));

  it('refuses an action that does not fit the state of a node, and lists the known nodes for an unknown one', () =>
    play(async ({ cluster }) => {
      await expect(cluster.kill('n1')).rejects.toThrow('cannot kill n1: it is down');
      await expect(cluster.stop('n1')).rejects.toThrow('cannot stop n1: it is down');
      await cluster.start('n1');
      await expect(cluster.start('n1')).rejects.toThrow('cannot start n1: it is up');
      expect(() => cluster.view('n9')).toThrow('no node n9; there are n1, n2, n3');
    }));

  it('ends every node when it is shut down, even paused and starting ones', () =>
    play(async ({ cluster }) => {
      await Promise.all([cluster.start('n1'), cluster.start('n2')]);
      await cluster.pause('n2');
      const starting = cluster.start('n3');
      await Promise.all([
        cluster[Symbol.asyncDispose](),
        expect(starting).rejects.toThrow('n3 ended before it was ready: signal SIGKILL'),
      ]);
      expect(IDS.map((id) => cluster.view(id).life)).toEqual(['down', 'down', 'down']);
      await expect(cluster.start('n1')).rejects.toThrow('cannot start n1: the cluster is being shut down');
    }));
});

describe('a simulated node with a failed assertion', () => {
  it.each(['tick', 'persisted'] as const)(
    'in `%s` ends by itself with exit code 1 and the message, and the others keep running',
    async (method) => {
      const parts: SimParts = {
        ...SHIPPED_PARTS,
        raft: (config, initial) => {
          const raft = SHIPPED_PARTS.raft(config, initial);
          const shipped = raft[method].bind(raft) as (...args: readonly unknown[]) => void;
          raft[method] = (...args: readonly unknown[]): void => {
            if (config.id === 'n2') throw new Error('assertion failed: commit <= last');
            shipped(...args);
          };
          return raft;
        },
      };
      const it = follow(openSim(dir, parts));
      await it.play(async () => {
        await Promise.all(IDS.map((id) => it.cluster.start(id)));
        await it.clock.sleep(1_000);
      });
      expect(exitOf('n2')).toMatchObject({
        code: 1,
        signal: null,
        expected: false,
        stderr: expect.stringContaining('assertion failed: commit <= last') as string,
      });
      expect(IDS.map((id) => it.cluster.view(id).life)).toEqual(['up', 'down', 'up']);
    },
  );
});
