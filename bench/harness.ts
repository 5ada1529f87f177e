// npm run bench:harness: measures the cost of the harness itself. Every figure is from this one run, in which the two
// Toxiproxy servers, and the same load directly to the nodes, take turns per round. See bench/README.md.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock } from '../harness/clock.ts';
import { localCluster } from '../harness/cluster/local.ts';
import { allocateNodePorts, openLinks } from '../harness/links/open.ts';
import type { Links } from '../harness/ports/links.ts';
import type { RunResult } from '../harness/result.ts';
import type { WorkloadPlan } from '../harness/ports/workload.ts';
import { raftSystem } from '../harness/systems/raft/system.ts';
import { threadedWorkload } from '../harness/workload/threaded.ts';
import { mainThreadCpuSeconds, residentMiB } from './machine.ts';
import { median } from './median.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const SERVERS = ['builtin', 'real'] as const;
type Path = (typeof SERVERS)[number] | 'straight';
/** A load whose rate leaves both cores idle time, so that p99 shows the path and not a queue. */
const PACED: WorkloadPlan = {
  clients: 8,
  ratePerSecond: 500,
  keys: 20,
  skew: 'uniform',
  timeoutMs: 2_000,
  routing: 'leader',
  seed: 1,
  mix: { read: 0.5, write: 0.5, cas: 0, delete: 0, append: 0 },
};
const PACED_MS = 6_000;

/** Time after which the dashboard's share is measured. By then it is loaded, compiled and drawn a few times. */
const OPENED_MS = 5_000;

const out = mkdtempSync(join(tmpdir(), 'chaos-bench-'));
try {
  if (process.argv.includes('dashboard')) printDashboard(await dashboard());
  else {
    const figures = {
      unlimited: await perServer(unlimited),
      latency: await latency(),
      firstFaultMs: await perServer(firstFault),
      dashboard: await dashboard(),
    };
    print(figures);
    printDashboard(figures.dashboard);
    writeFileSync(join(ROOT, 'reports', 'bench-harness.json'), `${JSON.stringify(figures, null, 2)}\n`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}

async function perServer<T>(measure: (server: Path) => Promise<T>): Promise<Record<string, readonly T[]>> {
  const rows: Record<string, T[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const server of SERVERS) (rows[server] ??= []).push(await measure(server));
  }
  return rows;
}

interface Sampled {
  readonly result: RunResult;
  /** Resident memory of the harness process in MiB, one sample every 250 ms. */
  readonly rssMiB: readonly number[];
  /** CPU time (user and system) of the harness's main thread so far, in seconds, per sample. */
  readonly cpuS: readonly { readonly wallMs: number; readonly cpuS: number }[];
}

/**
 * Runs `chaos` and samples its own process, without its children, from /proc. With `terminal` it runs on a
 * pseudo-terminal of 100x30.
 */
async function sampled(args: readonly string[], terminal = false): Promise<Sampled> {
  const dir = mkdtempSync(join(out, 'run-'));
  const command = [process.execPath, join(ROOT, 'harness/cli/chaos.mjs'), 'run', ...args, '--out', dir];
  const shell = `stty cols 100 rows 30; exec ${command.map((word) => `'${word}'`).join(' ')}`;
  const { CI: _, ...env } = process.env;
  const child = terminal
    ? spawn('script', ['-qefc', `echo PID $$ > ${dir}/pid; ${shell}`, '/dev/null'], {
        stdio: ['pipe', 'ignore', 'inherit'],
        env: { ...env, TERM: 'xterm-256color' },
      })
    : spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
  const started = performance.now();
  const rssMiB: number[] = [];
  const cpuS: { wallMs: number; cpuS: number }[] = [];
  const timer = setInterval(() => {
    try {
      const pid = terminal ? Number(readFileSync(join(dir, 'pid'), 'utf8').split(' ')[1]) : child.pid!;
      const resident = residentMiB(pid);
      if (resident === 0) return;
      rssMiB.push(resident);
      cpuS.push({ wallMs: performance.now() - started, cpuS: mainThreadCpuSeconds(pid) });
    } catch {
      // The file with the process id is not written yet.
    }
  }, 250);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  const result = JSON.parse(readFileSync(join(dir, 'latest', 'result.json'), 'utf8')) as RunResult;
  if (result.verdict !== 'pass')
    console.error(`note: exit ${String(code)}, ${result.verdict}: ${result.sentence}`);
  return { result, rssMiB, cpuS };
}

async function unlimited(
  server: Path,
): Promise<{ opsPerS: number; operations: number; rssMaxMiB: number; rssQuartersMiB: readonly number[] }> {
  const { result, rssMiB } = await sampled([
    join(ROOT, 'bench/scenarios/unlimited.yaml'),
    '--reporter',
    'line',
    '--toxiproxy',
    server,
  ]);
  const lines = readFileSync(join(ROOT, result.run, 'events.jsonl'), 'utf8').split('\n');
  const windows = lines
    .filter((line) => line.includes('"type":"ops"'))
    .map((line) => JSON.parse(line) as { t: number; total: { ok: number } });
  // Without the first window, in which connections are opened and a leader is elected.
  const [first, last] = [windows[2]!, windows.at(-1)!];
  const quarter = (q: number): number =>
    Math.round(rssMiB[Math.min(rssMiB.length - 1, Math.floor(rssMiB.length * q))]!);
  return {
    opsPerS: Math.round(((last.total.ok - first.total.ok) * 1_000) / (last.t - first.t)),
    operations: result.counts.operations,
    rssMaxMiB: Math.round(Math.max(...rssMiB)),
    rssQuartersMiB: [0.25, 0.5, 0.75, 0.99].map(quarter),
  };
}

async function firstFault(server: Path): Promise<number> {
  const { result } = await sampled(['partition-leader.yaml', '--reporter', 'line', '--toxiproxy', server]);
  return Math.round(result.firstFaultMs ?? Number.NaN);
}

/** Sends the same paced load through each server and directly to the nodes, in turns. */
async function latency(): Promise<Record<string, readonly { p50: number; p99: number }[]>> {
  const rows: Record<string, { p50: number; p99: number }[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const path of ['straight', ...SERVERS] as const) (rows[path] ??= []).push(await paced(path));
  }
  return rows;
}

async function paced(path: Path): Promise<{ p50: number; p99: number }> {
  const dir = mkdtempSync(join(out, 'paced-'));
  const { originMs } = realClock();
  const nodes = await allocateNodePorts(3);
  await using links: Links =
    path === 'straight'
      ? straightLinks(nodes)
      : await openLinks({
          nodes,
          toxiproxy: path,
          cacheDir: join(ROOT, '.cache'),
          signal: new AbortController().signal,
          onServerExit: (detail) => console.error(detail),
          onNote: (text) => console.error(text),
        });
  const system = raftSystem();
  await using cluster = localCluster({
    nodes,
    links,
    originMs,
    dir: join(dir, 'data'),
    logsDir: join(dir, 'logs'),
    seed: 1,
    system,
    electionTimeoutMs: [300, 600],
    heartbeatMs: 50,
  });
  const leading = new Promise<void>((resolve) => {
    cluster.subscribe((event) => {
      if (event.type === 'trace' && event.trace.type === 'BecomeLeader') resolve();
    });
  });
  await Promise.all(cluster.nodes.map((node) => cluster.start(node)));
  await leading;
  const addresses = Object.fromEntries(
    nodes.map(({ id }) => [id, links.address({ from: 'clients', to: id })]),
  );
  await using workload = threadedWorkload({
    plan: PACED,
    client: system.client,
    addresses,
    originMs,
    historyPath: join(dir, 'history.jsonl'),
    live: true,
  });
  await workload.start();
  await new Promise((resolve) => setTimeout(resolve, PACED_MS));
  const ops = (await workload.stop()).filter((op) => op.outcome === 'ok');
  const warm = ops
    .slice(Math.floor(ops.length / 6))
    .map((op) => op.return - op.call)
    .sort((a, b) => a - b);
  return { p50: warm[Math.floor(warm.length * 0.5)]!, p99: warm[Math.floor(warm.length * 0.99)]! };
}

/** Links without a proxy: each address is the node's own port. */
function straightLinks(
  nodes: readonly { readonly id: string; readonly peerPort: number; readonly clientPort: number }[],
): Links {
  return {
    server: { kind: 'external', version: 'none', url: '' },
    links: [],
    address: ({ from, to }) => {
      const node = nodes.find(({ id }) => id === to)!;
      return `127.0.0.1:${from === 'clients' ? node.clientPort : node.peerPort}`;
    },
    apply: () => Promise.reject(new Error('a direct link has no faults')),
    reset: () => Promise.reject(new Error('a direct link has no faults')),
    traffic: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface DashboardCost {
  /** CPU time until `OPENED_MS`, beyond that of line output, in seconds: loading Ink, drawing the first frames. */
  readonly openingS: number;
  /** Share of a core from then until the load ends, beyond that of line output. */
  readonly sharePercent: number;
}

/** Measures the main thread with the dashboard and with line output, under unlimited load, in turns. */
async function dashboard(): Promise<readonly DashboardCost[]> {
  const rows: DashboardCost[] = [];
  const scenario = join(ROOT, 'bench/scenarios/unlimited.yaml');
  for (let round = 0; round < ROUNDS; round++) {
    const [tui, line] = [
      await costOf([scenario, '--reporter', 'tui', '--toxiproxy', 'builtin'], true),
      await costOf([scenario, '--reporter', 'line', '--toxiproxy', 'builtin'], false),
    ];
    rows.push({
      openingS: tui.openingS - line.openingS,
      sharePercent: tui.sharePercent - line.sharePercent,
    });
  }
  return rows;
}

async function costOf(args: readonly string[], terminal: boolean): Promise<DashboardCost> {
  const { result, cpuS } = await sampled(args, terminal);
  const loadedMs = lastWindowMs(result);
  const before = cpuS.filter(({ wallMs }) => wallMs <= OPENED_MS).at(-1)!;
  const after = cpuS.filter(({ wallMs }) => wallMs <= loadedMs).at(-1)!;
  const sharePercent = (100_000 * (after.cpuS - before.cpuS)) / (after.wallMs - before.wallMs);
  return { openingS: before.cpuS, sharePercent };
}

/** Time at which the load ended, on the run's clock, which starts with the command. */
function lastWindowMs({ run }: RunResult): number {
  const lines = readFileSync(join(ROOT, run, 'events.jsonl'), 'utf8').split('\n');
  return (JSON.parse(lines.findLast((line) => line.includes('"type":"ops"'))!) as { t: number }).t;
}

function printDashboard(rows: readonly DashboardCost[]): void {
  const all = (pick: (row: DashboardCost) => number, digits: number): string =>
    `${median(rows.map(pick)).toFixed(digits)} (${rows.map((row) => pick(row).toFixed(digits)).join(', ')})`;
  console.log(
    `\nthe dashboard, over line output: ${all((row) => row.sharePercent, 1)} % of a core under the`,
  );
  console.log(`unlimited load; ${all((row) => row.openingS, 2)} s of CPU to open`);
}

function print(figures: {
  readonly unlimited: Awaited<ReturnType<typeof perServer<Awaited<ReturnType<typeof unlimited>>>>>;
  readonly latency: Awaited<ReturnType<typeof latency>>;
  readonly firstFaultMs: Record<string, readonly number[]>;
}): void {
  const of = <T>(rows: readonly T[], pick: (row: T) => number, digits = 0): string =>
    `${median(rows.map(pick)).toFixed(digits)} (${rows.map((row) => pick(row).toFixed(digits)).join(', ')})`;
  console.log(`medians of ${ROUNDS} interleaved rounds (each round in brackets)\n`);
  console.log('| figure | built-in | real Toxiproxy |\n|---|---|---|');
  const row = (name: string, cell: (server: (typeof SERVERS)[number]) => string): void =>
    console.log(`| ${name} | ${SERVERS.map(cell).join(' | ')} |`);
  row('recorded operations/s, rate unlimited', (s) => of(figures.unlimited[s]!, (r) => r.opsPerS));
  row('harness memory, most, MiB', (s) => of(figures.unlimited[s]!, (r) => r.rssMaxMiB));
  row('… at ¼, ½, ¾ and the end of that run', (s) =>
    figures.unlimited[s]!.map((r) => r.rssQuartersMiB.join(' → ')).join('; '),
  );
  row('ms from command to first fault', (s) => of(figures.firstFaultMs[s]!, (ms) => ms));
  row('p99 ms at 500/s', (s) => of(figures.latency[s]!, (r) => r.p99, 2));
  row('… straight to the nodes', () => of(figures.latency['straight']!, (r) => r.p99, 2));
  row('… ratio of p99s', (s) =>
    (
      median(figures.latency[s]!.map((r) => r.p99)) / median(figures.latency['straight']!.map((r) => r.p99))
    ).toFixed(2),
  );
}
