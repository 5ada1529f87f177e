// npm run bench:limits: measures how well `chaos check` keeps to --limit and --memory in searches without an end. See
// bench/README.md.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BenchHistory, ENDLESS, writeBenchHistory } from './checker/histories.ts';
import { watched } from './checker/watched.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = `${ROOT}.cache/bench-checker`;
/** Two limits: one that the time reaches, and one that the memory reaches long before. */
const LIMITS = [
  { seconds: 5, mib: 512 },
  { seconds: 2, mib: 4_096 },
  { seconds: 60, mib: 128 },
  { seconds: 60, mib: 256 },
] as const;

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, seconds: { type: 'string', default: '60' } },
});

const rows: Record<string, string | number>[] = [];
for (const history of ENDLESS.filter(({ name }) => name.includes(values.only)))
  for (const limits of LIMITS)
    if (limits.seconds <= Number(values.seconds)) rows.push(await measure(history, limits));
console.table(rows);

async function measure(
  history: BenchHistory,
  { seconds, mib }: (typeof LIMITS)[number],
): Promise<Record<string, string | number>> {
  const file = await writeBenchHistory(history, FOLDER);
  const limits = ['--limit', `${seconds}s`, '--memory', `${mib}MB`];
  const { output, peakMiB } = await watched(
    `${ROOT}node_modules/.bin/chaos`,
    'check',
    file,
    ...limits,
    '--json',
  );
  const { took, verdict, keys } = JSON.parse(output) as {
    readonly took: { readonly judgeMs: number };
    readonly verdict: string;
    readonly keys: readonly { readonly detail: string }[];
  };
  const row = {
    history: history.name,
    '--limit': `${seconds}s`,
    '--memory': `${mib}MB`,
    verdict,
    'judging s': Number((took.judgeMs / 1_000).toFixed(2)),
    'peak MiB': peakMiB,
    why: /the (?:time|memory) limit/.exec(keys.map(({ detail }) => detail).join())?.[0] ?? '',
  };
  console.log(JSON.stringify(row));
  return row;
}
