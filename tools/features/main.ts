// npm run features -- [--only TEXT]… [--jobs N]: takes each feature of docs/node.md out of the node, and runs the tests
// that the page names for it. Exit codes: 0: every removal makes a test fail, and every test fails for some removal;
// 1: otherwise; 2: bad options.
import { parseArgs } from 'node:util';
import { featureRows } from './claims.ts';
import type { Claim, FeatureRow } from './claims.ts';
import { REMOVALS } from './table.ts';
import { tryAsItIs, tryRemoval } from './try-removal.ts';
import type { Tried } from './try-removal.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    jobs: { type: 'string', default: '1' },
  },
});
const jobs = Number(values.jobs);
if (!(Number.isSafeInteger(jobs) && jobs > 0)) {
  console.error('usage: npm run features -- [--only TEXT]… [--jobs N]');
  process.exit(2);
}

const chosen = ({ feature, without }: { feature: string; without?: string }): boolean =>
  values.only.some((text) => `${feature}: ${without ?? ''}`.includes(text));
const removals = REMOVALS.filter(chosen);
const rows = featureRows().filter(({ feature }) => removals.some((removal) => removal.feature === feature));
const startedMs = performance.now();
const problems = [...(await tryWholeNode(rows)), ...(await tryEachRemoval(rows))];
const seconds = Math.round((performance.now() - startedMs) / 1_000);
for (const line of problems) console.log(`✗ ${line}`);
console.log(
  `${removals.length} removals of ${rows.length} features, ${rows.flatMap(({ claims }) => claims).length} tests, ` +
    `${problems.length} problems, ${seconds} s`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

/** All tests must pass on the complete node. */
async function tryWholeNode(all: readonly FeatureRow[]): Promise<string[]> {
  const claims = all.flatMap((row) => row.claims);
  const verdicts = await tryAsItIs(claims);
  return verdicts.flatMap(({ outcome, why }, i) =>
    outcome === 'passed' ? [] : [`${nameOf(claims[i]!)}: ${outcome} on the complete node: ${why}`],
  );
}

async function tryEachRemoval(all: readonly FeatureRow[]): Promise<string[]> {
  const tried: Tried[] = [];
  const left = [...removals];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { claims } = all.find(({ feature }) => feature === next.feature)!;
      const result = await tryRemoval(next, claims);
      tried.push(result);
      print(result, claims);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const unnoticed = tried.flatMap(({ removal, problem }) =>
    problem === null ? [] : [`${removal.feature}: ${removal.without}: ${problem}`],
  );
  return [...unnoticed, ...idleClaims(all, tried)];
}

/** Tests that pass without each part of their feature, and so do not show it. */
function idleClaims(all: readonly FeatureRow[], tried: readonly Tried[]): string[] {
  return all.flatMap(({ feature, claims }) => {
    const ofFeature = tried.filter(({ removal }) => removal.feature === feature);
    // Not all removals of the feature were tried: the test may fail for one that was not.
    if (ofFeature.length < REMOVALS.filter((removal) => removal.feature === feature).length) return [];
    return claims
      .filter((_, i) => !ofFeature.some(({ verdicts }) => verdicts[i]!.outcome === 'failed'))
      .map((claim) => `${feature}: ${nameOf(claim)} fails for no removal`);
  });
}

function print({ removal, verdicts, problem }: Tried, claims: readonly Claim[]): void {
  console.log(`${problem === null ? '✓' : '✗'} ${removal.feature}: ${removal.without}`);
  for (const [i, { outcome, why }] of verdicts.entries())
    console.log(`    ${outcome}  ${nameOf(claims[i]!)}${why && `: ${why}`}`);
  if (problem !== null) console.log(`    ${problem}`);
}

function nameOf({ file, name }: Claim): string {
  return `${file}: “${name}”`;
}
