import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.ts';
import { cpuSeconds, diskFlushes } from './machine.ts';
import { flags } from './sides.ts';
import type { Programs } from './sides.ts';

/** Milliseconds; `count` 0: none was made. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Measured {
  readonly seconds: number;
  readonly puts: Latencies;
  readonly reads: Latencies;
  readonly errors: number;
  /** Puts acknowledged in all, those of the warm-up too. */
  readonly made: number;
  /** CPU of the generator while measuring, s. */
  readonly generatorCpuS: number;
  /** CPU of all members while measuring, s. */
  readonly serverCpuS: number;
  /** Of the machine's disks while measuring. */
  readonly flushes: number;
  /** When each put was acknowledged, ascending, Unix time in µs; if it was asked for. */
  readonly acksUs: readonly number[] | null;
}

export interface Load {
  /** `probe`: one put at each member every 5 ms, whether or not the ones before were answered. */
  readonly mode?: 'load' | 'probe';
  /** The only member that is spoken to; else all are. */
  readonly only?: string;
  readonly clients?: number;
  readonly runS: number;
  readonly warmS?: number;
  readonly valueBytes?: number;
  /** Share of linearizable reads. */
  readonly reads?: number;
  /** Puts in all, whatever time it takes (at most `runS`). */
  readonly limit?: number;
  /** Tell when each put was acknowledged. */
  readonly acks?: boolean;
  /** Called when the measured time begins. */
  readonly onBegin?: () => void;
}

/** Clients share at most so many connections, on both sides: what suits etcd best on two cores. */
const CONNECTIONS = 8;

interface Line {
  readonly type:
    | 'begin'
    | 'end'
    | 'result'
    | 'leader'
    | 'read'
    | 'transferring'
    | 'transferred'
    | 'caught-up';
  /** Unix time, ms. */
  readonly atMs: number;
  readonly id?: string;
}

/** Runs the load generator against the cluster until its time is over. Rejects with what it says if it fails. */
export async function generate(programs: Programs, cluster: Cluster, load: Load): Promise<Measured> {
  const { pids } = cluster;
  let from = { cpu: 0, flushes: 0 };
  let to = from;
  const sample = (): typeof from => ({ cpu: cpuSeconds(pids), flushes: diskFlushes() });
  let result: Line | undefined;
  await run(programs, args(cluster, load), (line) => {
    if (line.type === 'begin') {
      from = sample();
      load.onBegin?.();
    } else if (line.type === 'end') to = sample();
    else result = line;
  });
  const { cpuS, ...rest } = result as unknown as Measured & { readonly cpuS: number };
  return { ...rest, generatorCpuS: cpuS, serverCpuS: to.cpu - from.cpu, flushes: to.flushes - from.flushes };
}

const LEADER_WITHIN_MS = 30_000;

/** The id of the member that leads and serves. Rejects if none does for long. */
export async function awaitLeader(programs: Programs, cluster: Cluster): Promise<string> {
  const until = performance.now() + LEADER_WITHIN_MS;
  for (;;) {
    let id: string | undefined;
    try {
      await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'leader'], (line) => (id = line.id));
      return id!;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** When some member has answered a linearizable read, Unix time in ms. */
export async function awaitRead(programs: Programs, cluster: Cluster): Promise<number> {
  let atMs = 0;
  await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'read'], (line) => (atMs = line.atMs));
  return atMs;
}

/**
 * Calls `comeBack`, and resolves to when member `id` has applied whatever the leader had applied before, Unix time in
 * ms.
 */
export async function awaitCaughtUp(
  programs: Programs,
  cluster: Cluster,
  id: string,
  comeBack: () => void,
): Promise<number> {
  let atMs = 0;
  await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'caught-up', '-behind', id], (line) =>
    line.type === 'begin' ? comeBack() : (atMs = line.atMs),
  );
  return atMs;
}

/** Has the leader hand over its lead; when it was asked to, Unix time in ms. */
export async function transferLeadership(programs: Programs, cluster: Cluster): Promise<number> {
  let atMs = 0;
  await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'transfer'], (line) => {
    if (line.type === 'transferring') atMs = line.atMs;
  });
  return atMs;
}

/**
 * The longest time without an acknowledged put that began about when something happened (`atMs`, Unix time): how long
 * it was, and how long after `atMs` it ended. An acknowledgement may still be on its way then.
 */
export function gapAt(atMs: number, acksUs: readonly number[]): { gapMs: number; endedAfterMs: number } {
  let longest = { gapMs: 0, endedAfterMs: 0 };
  for (let i = 1; i < acksUs.length; i++) {
    const [from, to] = [acksUs[i - 1]! / 1e3, acksUs[i]! / 1e3];
    if (to < atMs || from > atMs + UNDER_WAY_MS || to - from <= longest.gapMs) continue;
    longest = { gapMs: to - from, endedAfterMs: to - atMs };
  }
  return longest;
}

const UNDER_WAY_MS = 50;

/** Unix time with fractions, ms: of the same clock as the generator's. */
export const unixMs = (): number => performance.timeOrigin + performance.now();

function args(cluster: Cluster, load: Load): string[] {
  const spokenTo = cluster.members.filter(({ id }) => id === (load.only ?? id));
  const members = spokenTo.map(({ id, address }) => `${id}=${address}`);
  const values = flags('-', {
    target: cluster.target,
    members: members.join(','),
    mode: load.mode ?? 'load',
    clients: load.clients ?? 1,
    connections: CONNECTIONS,
    warm: `${load.warmS ?? 1}s`,
    run: `${load.runS}s`,
    value: load.valueBytes ?? 256,
    reads: load.reads ?? 0,
    limit: load.limit ?? 0,
  });
  return load.acks === true ? [...values, '-acks'] : values;
}

async function run(programs: Programs, argv: readonly string[], onLine: (line: Line) => void): Promise<void> {
  const child = spawn(programs.generator, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) onLine(JSON.parse(line) as Line);
  if ((await closed) !== 0) throw new Error(`the load generator failed: ${stderr.trim()}`);
}
