// npm run bench:checker: our checker and Porcupine on the same generated files, in turns. See bench/README.md.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type BenchHistory, HISTORIES, writeBenchHistory } from './checker/histories.ts';
import type { Judged } from './checker/judged.ts';
import { buildPorcupine } from './porcupine/driver.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OURS = fileURLToPath(new URL('./checker/ours.ts', import.meta.url));
const FOLDER = `${ROOT}.cache/bench-checker`;
/** What a judge may take for one history; one that has no verdict by then, or for its memory, counts as this long. */
const LIMIT_S = 60;
const run = promisify(execFile);

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    /** What Porcupine may hold. */
    mib: { type: 'string', default: '8192' },
    /** Without Porcupine. */
    ours: { type: 'boolean', default: false },
  },
});

/** The turns of one history, each judge's in order. */
interface Measured {
  readonly history: BenchHistory;
  readonly ours: readonly Judged[];
  /** Each in a process of its own, once: what `ours` takes from the operations alone, warm, and for its memory. */
  readonly operations: Judged;
  readonly warm: Judged;
  readonly memory: Judged;
  readonly porcupine: readonly Judged[];
}

const porcupine = values.ours ? null : await buildPorcupine();
if (porcupine === null && !values.ours) console.log('no Go, so no Porcupine: ours alone');
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
  // Does not count: it leaves its compiled code behind, as `chaos check` does, and as Porcupine's is compiled before.
  await ours(file);
  for (let round = 0; round < Number(values.rounds); round++) {
    turns.ours.push(await ours(file));
    // Where it ran into a limit once it would do so again.
    if (porcupine === null || turns.porcupine.some(({ verdict }) => verdict === 'unknown')) continue;
    turns.porcupine.push(
      await judged(porcupine, ['file', '-seconds', String(LIMIT_S), '-mib', values.mib, file]),
    );
  }
  const operations = await ours(file, 'operations');
  const [warm, memory] = [await ours(file, 'warm'), await ours(file, 'memory')];
  return { history, operations, warm, memory, ...turns };
}

/** Compiled code is kept apart for each file: it holds what the first run had to compile, and nothing later. */
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

/** What was spent, also where it was in vain. */
function cpuMsOf(turns: readonly Judged[]): number {
  return median(turns.map(({ cpuMs }) => cpuMs));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** To two figures or so. */
function rounded(value: number): number {
  return Number(value.toPrecision(value < 10 ? 2 : 3));
}
