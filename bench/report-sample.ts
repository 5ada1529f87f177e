import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { writeReport } from '../harness/report/write.ts';
import { generatedRun } from '../test/support/generated-run.ts';

/**
 * `node bench/report-sample.ts [operations] [seconds] [pass|violation] [dir]`: writes the report of a generated run and
 * prints how long that took. Use it to look at the page and to measure it (100,000 operations in less than 1 s).
 */
const [
  operations = '10000',
  seconds = '24',
  kind = 'violation',
  dir = join(tmpdir(), 'chaos-report-sample'),
] = process.argv.slice(2);
const run = generatedRun({
  operations: Number(operations),
  seconds: Number(seconds),
  seed: 7,
  violation: kind === 'violation',
});
const began = performance.now();
const { html } = await writeReport({ dir, ...run });
const took = Math.round(performance.now() - began);
process.stdout.write(
  `${html}: ${operations} operations, ${(statSync(html).size / 1e6).toFixed(2)} MB, ${took} ms\n`,
);
