// npm run bench:checker: our checker and Porcupine on the same generated files, in turns. See bench/README.md.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type BenchHistory, HISTORIES, writeBenchHistory } from './checker/histories.ts';
import type { Judged } from './checker/judged.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OURS = fileURLToPath(new URL('./checker/ours.ts', import.meta.url));
const FOLDER = `${ROOT}.cache/bench-checker`;
/** What a judge may take for one history; one that has no verdict by then counts as this long. */
const LIMIT_S = 60;
const run = promisify(execFile);

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, rounds: { type: 'string', default: '3' } },
});
const chosen = HISTORIES.filter(({ name }) => name.includes(values.only));
const rows: Row[] = [];
for (const history of chosen) rows.push(await measure(history));
console.table(rows);
mkdirSync(`${ROOT}reports`, { recursive: true });
writeFileSync(`${ROOT}reports/bench-checker.json`, `${JSON.stringify(rows, null, 2)}\n`);

interface Row {
  readonly history: string;
  readonly verdict: Judged['verdict'];
  readonly ms: number;
  readonly parseMs: number;
  readonly peakMiB: number;
}

async function measure(history: BenchHistory): Promise<Row> {
  const file = await writeBenchHistory(history, FOLDER);
  const turns: Judged[] = [];
  for (let round = 0; round < Number(values.rounds); round++) turns.push(await ours(file));
  const best = turns.toSorted((a, b) => a.ms - b.ms)[0]!;
  return {
    history: history.name,
    verdict: best.verdict,
    ms: Math.round(best.ms),
    parseMs: Math.round(best.parseMs),
    peakMiB: Math.max(...turns.map((turn) => turn.peakMiB)),
  };
}

async function ours(file: string): Promise<Judged> {
  const { stdout } = await run(process.execPath, ['--expose-gc', OURS, file, String(LIMIT_S)]);
  return JSON.parse(stdout) as Judged;
}
