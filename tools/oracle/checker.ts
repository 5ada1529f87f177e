// npm run oracle:checker -- --count 1000000 --seed 1: checks random small histories with our checker and with
// Porcupine, or with brute force if Go is not installed. Prints every disagreement, and exits with code 1 if any.
import { parseArgs } from 'node:util';
import { buildPorcupine } from '../../bench/porcupine/driver.ts';
import { compare, type Disagreement, type Tally } from './compare.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    'brute-force': { type: 'boolean', default: false },
  },
});
/** Maximum number of disagreements printed. Further ones are only counted. */
const MAX_PRINTED = 20;
/** Number of histories between two lines of progress. */
const PROGRESS_EVERY = 50_000;

const [count, seed, from] = [Number(values.count), Number(values.seed), Number(values.from)];
const porcupine = values['brute-force'] ? null : await buildPorcupine();
console.log(`seed ${seed}, histories ${from} to ${from + count - 1}, oracle: ${porcupine ?? 'brute force'}`);
const start = performance.now();
let disagreements = 0;
const tallies = await compare({ seed, from, count, porcupine }, print, (done) => {
  if (done % PROGRESS_EVERY === 0)
    console.log(
      `${done} histories in ${((performance.now() - start) / 1_000).toFixed(0)} s, ${disagreements} disagreements`,
    );
});
const byKind = [...tallies].sort(([a], [b]) => a.localeCompare(b));
console.table(Object.fromEntries(byKind.map(([kind, tally]) => [kind, row(tally)])));
const total = [...tallies.values()].reduce(
  (sum, { histories, violations }) => ({
    histories: sum.histories + histories,
    violations: sum.violations + violations,
  }),
  { histories: 0, violations: 0 },
);
console.log(`${total.histories} histories, ${row(total).share} violations, ${disagreements} disagreements`);
process.exitCode = disagreements === 0 ? 0 : 1;

function print({ number, kind, what, ops }: Disagreement): void {
  if (++disagreements > MAX_PRINTED) return;
  console.log(`--seed ${seed} --from ${number} --count 1 (${kind}): ${what}\n${JSON.stringify(ops)}`);
}

function row({ histories, violations }: Tally): { histories: number; violations: number; share: string } {
  return { histories, violations, share: `${((100 * violations) / histories).toFixed(1)} %` };
}
