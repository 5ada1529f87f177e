// npm run bench:recorded -- FOLDER: checks recorded histories with known verdicts (`verdicts.json` in the folder), one
// after the other in this one process, which starts cold. The time to read the files is measured separately.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkLinearizable } from '../harness/checker/linearizable.ts';
import { importHistory } from '../harness/history/formats/import.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('the folder is missing: npm run bench:recorded -- FOLDER');
const verdicts = JSON.parse(readFileSync(join(folder, 'verdicts.json'), 'utf8')) as Record<string, boolean>;
const sets = Map.groupBy(Object.entries(verdicts), ([file]) => file.split('/')[0]!);
for (const [set, files] of sets) {
  const started = performance.now();
  const histories = files.map(([file]) => importHistory(readFileSync(join(folder, file), 'utf8'), { file }));
  const read = performance.now();
  const cpu = process.cpuUsage();
  let wrong = 0;
  for (const [i, [, linearizable]] of files.entries()) {
    const { ops, initial } = histories[i]!;
    const { verdict } = await checkLinearizable(ops, { limitMs: 30_000, casFail: 'mismatch', initial });
    if (verdict !== (linearizable ? 'linearizable' : 'violation')) wrong++;
  }
  const judged = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const operations = histories.reduce((sum, { ops }) => sum + ops.length, 0);
  console.log(
    `${set}: ${files.length} histories, ${operations} operations, judged in ${Math.round(judged - read)} ms ` +
      `(CPU of all threads ${Math.round((user + system) / 1_000)} ms; read in ${Math.round(read - started)} ms), ${wrong} wrong verdicts`,
  );
}
