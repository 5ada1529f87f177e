import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ComparedCluster } from './compared-cluster.ts';
import { cpuSeconds, diskFlushes } from '../machine.ts';
import { flags } from './sides.ts';
import type { Programs } from './sides.ts';

/** Latencies in ms. `count` 0: there was no operation. */
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
  /** Number of acknowledged puts, including those of the warm-up. */
  readonly made: number;
  /** CPU time of the generator while measuring, in seconds. */
  readonly generatorCpuS: number;
  /** CPU time of all members while measuring, in seconds. */
  readonly serverCpuS: number;
  /** Number of flushes of the machine's disks while measuring. */
  readonly flushes: number;
  /** Times at which puts were acknowledged, ascending, as Unix time in µs. Empty unless asked for. */
  readonly acksUs: readonly number[] | null;
}

export interface Load {
  /** `probe`: sends a put to each member every 5 ms, even if earlier ones are not answered yet. */
  readonly mode?: 'load' | 'probe';
  /** The only member to send to. Without it, all are used. */
  readonly only?: string;
  readonly clients?: number;
  readonly runS: number;
  readonly warmS?: number;
  readonly valueBytes?: number;
  /** Share of linearizable reads. */
  readonly reads?: number;
  /** Total number of puts, after which the load ends (or after `runS`). */
  readonly limit?: number;
  /** True to return the time at which each put was acknowledged. */
  readonly acks?: boolean;
  /** Called when the measured time starts. */
  readonly onBegin?: () => void;
}

/** Maximum number of connections that clients share, on both sides. It is the best number for etcd on two cores. */
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
  /** Unix time in ms. */
  readonly atMs: number;
  readonly id?: string;
}

/** Runs the load generator against the cluster until its time is over. Rejects with its error output if it fails. */
export async function generate(programs: Programs, cluster: ComparedCluster, load: Load): Promise<Measured> {
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

/** Resolves to the id of the member that leads and serves. Rejects if there is none within the time limit. */
export async function awaitLeader(programs: Programs, cluster: ComparedCluster): Promise<string> {
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

/** Resolves to the time of the first answered linearizable read of any member, as Unix time in ms. */
export async function awaitRead(programs: Programs, cluster: ComparedCluster): Promise<number> {
  let atMs = 0;
  await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'read'], (line) => (atMs = line.atMs));
  return atMs;
}

/**
 * Calls `comeBack`. Resolves to the time at which member `id` has applied all that the leader had applied before, as
 * Unix time in ms.
 */
export async function awaitCaughtUp(
  programs: Programs,
  cluster: ComparedCluster,
  id: string,
  comeBack: () => void,
): Promise<number> {
  let atMs = 0;
  await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'caught-up', '-behind', id], (line) =>
    line.type === 'begin' ? comeBack() : (atMs = line.atMs),
  );
  return atMs;
}

/** Asks the leader to transfer its leadership. Resolves to the time of the request, as Unix time in ms. */
export async function transferLeadership(programs: Programs, cluster: ComparedCluster): Promise<number> {
  let atMs = 0;
  await run(programs, [...args(cluster, { runS: 0 }), '-mode', 'transfer'], (line) => {
    if (line.type === 'transferring') atMs = line.atMs;
  });
  return atMs;
}

/**
 * Finds the longest time without an acknowledged put that began at about `atMs` (Unix time). Returns its length, and
 * the time from `atMs` to its end. It may begin a little later, with an acknowledgement that was still in flight.
 */
export function gapAt(atMs: number, acksUs: readonly number[]): { gapMs: number; endedAfterMs: number } {
  let longest = { gapMs: 0, endedAfterMs: 0 };
  for (let i = 1; i < acksUs.length; i++) {
    const [from, to] = [acksUs[i - 1]! / 1e3, acksUs[i]! / 1e3];
    if (to < atMs || from > atMs + IN_FLIGHT_MS || to - from <= longest.gapMs) continue;
    longest = { gapMs: to - from, endedAfterMs: to - atMs };
  }
  return longest;
}

const IN_FLIGHT_MS = 50;

/** Current Unix time in ms, with fractions, of the same clock as the generator's. */
export const unixMs = (): number => performance.timeOrigin + performance.now();

function args(cluster: ComparedCluster, load: Load): string[] {
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
