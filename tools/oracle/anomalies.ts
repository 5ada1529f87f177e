// npm run oracle:anomalies -- --count 500 --valid 10000 --seed 1: checks histories of correct registers, some with one
// injected anomaly. Prints every anomaly that the checker misses, names wrongly, or cannot prove in a few operations,
// and every false alarm. Exits with code 1 if there were any.
import { buildPorcupine } from '../../bench/porcupine/driver.ts';
import { checkInjections, falseAlarms } from './check-injections.ts';
import { programOptions } from '../program.ts';
import { INJECTIONS } from './injections.ts';

const { count, valid, seed } = programOptions('oracle:anomalies', {
  count: [500, 1],
  valid: [10_000, 0],
  seed: [1, 0],
});
/** Maximum number of lines printed per injection. */
const MAX_PRINTED = 5;

const porcupine = await buildPorcupine();
if (porcupine === null) console.log('Go was not found, so Porcupine does not check the certificates');
let wrong = 0;
for (const injection of INJECTIONS) {
  const found = await checkInjections({ injection, seed, count, porcupine });
  report(`${injection.anomaly} (${injection.base}): ${count} injected`, found);
}
report(`${valid} valid histories`, falseAlarms(seed, valid));
process.exitCode = wrong === 0 ? 0 : 1;

function report(what: string, found: readonly string[]): void {
  wrong += found.length;
  console.log(`${what}, ${found.length} wrong`);
  for (const line of found.slice(0, MAX_PRINTED)) console.log(`  ${line}`);
}
