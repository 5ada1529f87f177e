// npm run bench:checker: measures our checker and Porcupine on the same generated files, in turns. See bench/README.md.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type BenchHistory, HISTORIES, writeBenchHistory } from './checker/histories.ts';
import type { Judged } from './checker/judged.ts';
import { median } from './median.ts';
import { buildPorcupine } from './porcupine/driver.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OURS = fileURLToPath(new URL('./checker/ours.ts', import.meta.url));
const FOLDER = `${ROOT}.cache/bench-checker`;
/** Maximum time for one history. A checker without a verdict by then, or at its memory limit, counts as this long. */
const LIMIT_S = 60;
const run = promisify(execFile);

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    /** Memory limit of Porcupine, in MiB. */
    mib: { type: 'string', default: '8192' },
    /** True to leave out Porcupine. */
    ours: { type: 'boolean', default: false },
  },
});

/** The measurements of one history, per checker in order. */
interface Measured {
  readonly history: BenchHistory;
  readonly ours: readonly Judged[];
  /** Single runs of our checker in separate processes: from the operations alone, warm, and for its memory. */
  readonly operations: Judged;
  readonly warm: Judged;
  readonly memory: Judged;
  readonly porcupine: readonly Judged[];
}

const porcupine = values.ours ? null : await buildPorcupine();
if (porcupine === null && !values.ours)
  console.log('Go was not found, so only our checker is measured, without Porcupine');
const measured: Measured[] = [];
for (const history of HISTORIES.filter(({ name }) => name.includes(values.only))) {
  const each = await measure(history);
  measured.push(each);
  console.log(history.name, JSON.stringify(rowOf(each)));
}
console.table(Object.fromEntries(measured.map((each) => [each.history.name, rowOf(each)])));
mkdirSync(`${ROOT}reports`, { recursive: true });
writeFileSync(`${ROOT}reports/bench-checker.json`, `${JSON.stringify(measured, null, 2)}\n`);

async function measure(history: BenchHistory): Promise<Measured> {
  const file = await writeBenchHistory(history, FOLDER);
  const turns = { ours: [] as Judged[], porcupine: [] as Judged[] };
  // This run is not counted. It stores the compiled code, as `chaos check` does; Porcupine's code is compiled, too.
  await ours(file);
  for (let round = 0; round < Number(values.rounds); round++) {
    turns.ours.push(await ours(file));
    // A checker that reached a limit once would reach it again.
    if (porcupine === null || turns.porcupine.some(({ verdict }) => verdict === 'unknown')) continue;
    turns.porcupine.push(
      await judged(porcupine, ['file', '-seconds', String(LIMIT_S), '-mib', values.mib, file]),
    );
  }
  const operations = await ours(file, 'operations');
  const [warm, memory] = [await ours(file, 'warm'), await ours(file, 'memory')];
  return { history, operations, warm, memory, ...turns };
}

/** Runs our checker. Each file has its own code cache, which holds only what its first run had to compile. */
async function ours(file: string, ...mode: readonly string[]): Promise<Judged> {
  const args = ['--expose-gc', OURS, file, String(LIMIT_S), ...mode];
  return judged(process.execPath, args, { NODE_COMPILE_CACHE: `${file}.compiled` });
}

async function judged(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Judged> {
  const { stdout } = await run(program, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as Judged;
}

function rowOf({
  ours,
  operations,
  warm,
  memory,
  porcupine: theirs,
}: Measured): Record<string, string | number> {
  const own = {
    verdict: ours[0]!.verdict,
    'ours ms': rounded(msOf(ours)),
    'ours CPU ms': rounded(cpuMsOf(ours)),
    'ours MiB': memory.peakMiB,
    'from operations ms': rounded(operations.ms),
    'warm ms': rounded(warm.ms),
  };
  if (theirs.length === 0) return own;
  const gaveUp = theirs.find(({ verdict }) => verdict === 'unknown')?.reason;
  return {
    ...own,
    'Porcupine ms': gaveUp === undefined ? rounded(msOf(theirs)) : `gave up: ${gaveUp}`,
    'Porcupine CPU ms': rounded(cpuMsOf(theirs)),
    'Porcupine MiB': Math.max(...theirs.map(({ peakMiB }) => peakMiB)),
    'Porcupine / ours': rounded(msOf(theirs) / msOf(ours)),
    'CPU: Porcupine / ours': rounded(cpuMsOf(theirs) / cpuMsOf(ours)),
    ...(theirs[0]!.verdict === ours[0]!.verdict || gaveUp !== undefined
      ? {}
      : { DISAGREE: theirs[0]!.verdict }),
  };
}

function msOf(turns: readonly Judged[]): number {
  if (turns.some(({ verdict }) => verdict === 'unknown')) return LIMIT_S * 1_000;
  return median(turns.map(({ ms }) => ms));
}

/** Median of the CPU time, including that of runs without a verdict. */
function cpuMsOf(turns: readonly Judged[]): number {
  return median(turns.map(({ cpuMs }) => cpuMs));
}

/** Rounds to two or three significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(value < 10 ? 2 : 3));
}
