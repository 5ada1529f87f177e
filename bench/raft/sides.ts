import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../harness/systems/raft/node-flags.ts';
import { allocateNodePorts, openLinks } from '../../harness/links/open.ts';
import type { Links } from '../../harness/ports/links.ts';
import { ComparedCluster } from './compared-cluster.ts';
import type { Target } from './compared-cluster.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, '.cache', 'bench');
const GO_MODULE = join(ROOT, 'bench', 'etcd');

/** The programs for the comparison on this machine. */
export interface Programs {
  readonly generator: string;
  /** Null: etcd is not available. */
  readonly etcd: string | null;
  readonly etcdVersion: string;
}

/** Timing of both sides: the heartbeat interval of a leader, and the minimum election timeout, in ms. */
export interface Timing {
  readonly heartbeatMs: number;
  readonly electionMs: number;
}
export const TIMING: Timing = { heartbeatMs: 100, electionMs: 1_000 };

/** Builds the missing programs with Go, once, in `.cache/bench`. If that is not possible, uses the etcd on PATH. */
export function findPrograms(): Programs {
  mkdirSync(CACHE, { recursive: true });
  const generator = build('load');
  if (generator === null)
    throw new Error('the load generator needs Go (https://go.dev/dl), which is not on PATH');
  const etcd = build('member') ?? onPath('etcd');
  return { generator, etcd, etcdVersion: etcd === null ? 'none' : version(etcd) };
}

/** Builds a Go program. Go caches the result, so that a second build is fast. */
function build(part: 'load' | 'member'): string | null {
  const path = join(CACHE, part);
  try {
    execFileSync('go', ['build', '-o', path, `./${part}`], {
      cwd: GO_MODULE,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return path;
  } catch (error) {
    console.error(`building bench/etcd/${part} failed: ${(error as Error).message.slice(0, 500)}`);
    return null;
  }
}

function onPath(program: string): string | null {
  try {
    return execFileSync('which', [program], { encoding: 'utf8' }).trim();
  } catch {
    return null;
  }
}

function version(etcd: string): string {
  return (
    /etcd Version: (\S+)/.exec(execFileSync(etcd, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'unknown'
  );
}

export interface ClusterOptions {
  readonly size?: number;
  readonly timing?: Timing;
  /** True to send all bytes through Toxiproxy links, which are closed with the cluster. Only for our nodes. */
  readonly linked?: boolean;
  /** Number of entries before the first snapshot, and number of entries kept after one, on both sides. */
  readonly keepEntries?: number;
}

/** Folders to remove at the end. Until then their logs are useful. */
const folders: string[] = [];
process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Returns a cluster that is not started yet, in a new folder on the project's disk (not in a tmpfs). */
export async function newCluster(
  target: Target,
  programs: Programs,
  { size = 3, timing = TIMING, linked = false, keepEntries }: ClusterOptions = {},
): Promise<ComparedCluster> {
  const folder = mkdtempSync(join(CACHE, `${target}-`));
  folders.push(folder);
  writeFileSync(
    join(folder, 'README'),
    'Files of npm run bench:raft. They may be removed when it is not running.\n',
  );
  const ports = await allocateNodePorts(size);
  const links = linked ? await linksBetween(ports) : null;
  const dialled = (from: string, to: string): string => links?.address({ from, to }) ?? peer(to);
  const host = '127.0.0.1';
  const peer = (id: string): string => `${host}:${ports.find((each) => each.id === id)!.peerPort}`;
  const ids = ports.map(({ id }) => id);
  const initialCluster = ids.map((id) => `${id}=http://${peer(id)}`).join(',');
  const members = ports.map(({ id, clientPort }) => {
    const listen = `${host}:${clientPort}`;
    const address = links?.address({ from: 'clients', to: id }) ?? listen;
    const dataFolder = join(folder, id);
    const others = ids.filter((each) => each !== id).map((each) => `${each}=${dialled(id, each)}`);
    const ours = {
      id,
      data: dataFolder,
      'client-listen': listen,
      'peer-listen': peer(id),
      peers: others.join(','),
      'election-timeout': `${timing.electionMs}..${2 * timing.electionMs}`,
      heartbeat: timing.heartbeatMs,
      ...(keepEntries !== undefined && {
        'snapshot-entries': keepEntries,
        'snapshot-bytes': '16GiB',
        'keep-entries': keepEntries,
      }),
    };
    const theirs = {
      name: id,
      'data-dir': dataFolder,
      'log-level': 'error',
      'quota-backend-bytes': 8 * 2 ** 30,
      'listen-client-urls': `http://${listen}`,
      'advertise-client-urls': `http://${listen}`,
      'listen-peer-urls': `http://${peer(id)}`,
      'initial-advertise-peer-urls': `http://${peer(id)}`,
      'initial-cluster': initialCluster,
      'heartbeat-interval': timing.heartbeatMs,
      'election-timeout': timing.electionMs,
      ...(keepEntries !== undefined && {
        'snapshot-count': keepEntries,
        'snapshot-catchup-entries': keepEntries,
      }),
    };
    const command =
      target === 'chaos'
        ? [process.execPath, ...NODE_FLAGS, join(ROOT, 'node/main.mjs'), ...flags('--', ours)]
        : [programs.etcd ?? 'etcd', ...flags('--', theirs)];
    return { id, address, dataFolder, command };
  });
  return new ComparedCluster(target, folder, members, links);
}

function linksBetween(nodes: Awaited<ReturnType<typeof allocateNodePorts>>): Promise<Links> {
  return openLinks({
    nodes,
    cacheDir: join(ROOT, '.cache'),
    signal: new AbortController().signal,
    onServerExit: (detail) => console.error(detail),
    onNote: () => undefined,
  });
}

/** `{ id: 'n1' }` → `--id n1`. */
export function flags(dashes: '-' | '--', values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`${dashes}${name}`, String(value)]);
}
